"""What is handed over: pages for the network team, firewall requests, and profiles for devices."""

from __future__ import annotations

import base64
import csv
import io
import json
import plistlib
import re
from configparser import ConfigParser
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import ValidationError

from ggi.errors import InputError
from ggi.hosts.build import hosts
from ggi.hosts.checklists import CONSOLES
from ggi.hosts.network import networks, with_supplied
from ggi.hosts.pages import firewall_csv, page, write
from ggi.hosts.profile import Method, profile_of
from ggi.hosts.profiles import files
from ggi.hosts.readme import specification
from ggi.inventory.govroam import AccessPoints
from ggi.inventory.load import Inventory
from ggi.inventory.network import NetworkFile
from ggi.paths import ROOT
from sandbox.hosts.authority import Authority

AUTHORITY = Authority.new("radius ca")
METHODS = ("tls", "ttls", "peap")


def rijnstad(**values: object) -> NetworkFile:
    """The first example network, with the CA that its devices pin."""
    file = networks(Inventory(ROOT / "inventories"))["rijnstad"]
    return with_supplied(file, {"govroam": {"eap": {"authority": AUTHORITY.pem}, **values}})


def test_the_page_has_every_group_of_access_points_and_what_is_still_open() -> None:
    text = page("net-rijnstad", rijnstad())
    assert "### stadhuis (hostapd)" in text and "### werf (openwrt)" in text
    assert "SSID: `govroam`" in text and "no TKIP" in text
    assert "govroam.national" in text and "govroam.eap.authority" not in text


def test_firewall_requests_are_one_line_for_each_flow_server_and_source() -> None:
    file = rijnstad()
    assert file.govroam is not None
    rows = list(csv.DictReader(io.StringIO(firewall_csv("net-rijnstad", file.govroam))))
    radius = [(row["source"], row["target"]) for row in rows if row["flow"] == "access points stadhuis"]
    assert radius == [
        ("192.0.2.64/27", "192.0.2.11 (net-rijnstad-rad1)"),
        ("192.0.2.64/27", "192.0.2.12 (net-rijnstad-rad2)"),
    ]
    assert all(row["protocol"] in ("tcp", "udp") and row["port"].isdigit() for row in rows)


def test_no_value_of_a_secret_is_written(tmp_path: Path) -> None:
    file = rijnstad()
    for path in write(hosts("rijnstad", file), file, tmp_path):
        text = path.read_text(encoding="utf-8")
        assert "PRIVATE KEY" not in text
        assert "password" not in text.lower()
    variables = json.loads((tmp_path / "hosts.json").read_text(encoding="utf-8"))["net_rijnstad"]["vars"]
    assert {client["secret"] for client in variables["freeradius_clients"]} == {
        "derived(govroam/client/stadhuis)", "derived(govroam/client/werf)",
    }  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_every_profile_pins_the_ca_and_the_server_and_hides_the_user(method: str) -> None:
    profile = profile_of(rijnstad(), "rijnstad.test", method)  # type: ignore[arg-type]
    for name, text in files(profile).items():
        # Windows has words of its own for both, which are tested below.
        if not name.endswith(("ca.pem", "wlan.xml", "intune.json")):
            assert "radius.rijnstad.test" in text, name
            assert "anonymous@rijnstad.test" in text, name


def test_apple_s_profile_carries_the_ca_that_it_trusts() -> None:
    profile = profile_of(rijnstad(), "rijnstad.test", "peap")
    found = plistlib.loads(files(profile)["rijnstad.test.mobileconfig"].encode())
    anchor, wifi = found["PayloadContent"]
    assert anchor["PayloadContent"] == profile.authorities[0]
    assert wifi["EAPClientConfiguration"]["PayloadCertificateAnchorUUID"] == [anchor["PayloadUUID"]]
    assert wifi["EAPClientConfiguration"]["AcceptEAPTypes"] == [25]
    assert wifi["SSID_STR"] == "govroam"


def windows(text: str) -> dict[str, list[str]]:
    """Texts of a WLAN profile's elements by name, without their namespaces."""
    found: dict[str, list[str]] = {}
    for node in ElementTree.fromstring(text.encode()).iter():  # noqa: S314  (we wrote it)
        found.setdefault(node.tag.rpartition("}")[2], []).append((node.text or "").strip())
    return found


@pytest.mark.parametrize(
    ("method", "kind", "author", "anchor", "never_ask"),
    [
        ("peap", "25", "0", "TrustedRootCA", "DisableUserPromptForServerValidation"),
        ("ttls", "21", "311", "TrustedRootCAHash", "DisablePrompt"),
        ("tls", "13", "0", "TrustedRootCA", "DisableUserPromptForServerValidation"),
    ],
)
def test_windows_trusts_one_ca_and_name_and_never_asks_the_user(
    method: Method, kind: str, author: str, anchor: str, never_ask: str
) -> None:
    found = windows(files(profile_of(rijnstad(), "rijnstad.test", method))["rijnstad.test.wlan.xml"])
    thumbprint = AUTHORITY.certificate.fingerprint(hashes.SHA1())  # noqa: S303  (what Windows names certificates by)
    assert found[anchor] == [thumbprint.hex(" ")]
    assert found["ServerNames"] == ["radius.rijnstad.test"]
    assert found[never_ask] == ["true"]
    assert (found["Type"][0], found["AuthorId"]) == (kind, [author])
    assert (found["authentication"], found["encryption"], found["hex"]) == (["WPA2"], ["AES"], ["676F76726F616D"])


def test_windows_hides_the_user_in_a_tunnel() -> None:
    made = {m: files(profile_of(rijnstad(), "rijnstad.test", m))["rijnstad.test.wlan.xml"] for m in ("peap", "ttls")}  # type: ignore[arg-type]
    assert windows(made["ttls"])["AnonymousIdentity"] == ["anonymous@rijnstad.test"]
    # In PEAP Windows adds the realm by itself.
    assert windows(made["peap"])["AnonymousUserName"] == ["anonymous"]


def test_intune_gets_the_same_profiles_and_the_ca() -> None:
    made = files(profile_of(rijnstad(), "rijnstad.test", "peap"))
    roots, wifi, *apple = json.loads(made["rijnstad.test.intune.json"])
    (root,) = roots["omaSettings"]
    thumbprint = AUTHORITY.certificate.fingerprint(hashes.SHA1()).hex()  # noqa: S303
    assert root["omaUri"] == f"./Device/Vendor/MSFT/RootCATrustedCertificates/Root/{thumbprint}/EncodedCertificate"
    assert base64.b64decode(root["value"]) == AUTHORITY.certificate.public_bytes(Encoding.DER)
    assert base64.b64decode(wifi["omaSettings"][0]["value"]).decode() == made["rijnstad.test.wlan.xml"]
    assert [base64.b64decode(one["payload"]).decode() for one in apple] == [made["rijnstad.test.mobileconfig"]] * 2


def test_the_other_formats_are_what_they_claim_to_be() -> None:
    made = files(profile_of(rijnstad(), "rijnstad.test", "ttls"))
    root = ElementTree.fromstring(made["rijnstad.test.eap-config"].encode())  # noqa: S314  (we wrote it)
    assert [node.text for node in root.iter("Type")] == ["21", "26"]
    found = json.loads(made["rijnstad.test.onc"])
    assert found["NetworkConfigurations"][0]["WiFi"]["EAP"]["ServerCARefs"] == [found["Certificates"][0]["GUID"]]
    keyfile = ConfigParser()
    keyfile.read_string(made["rijnstad.test.nmconnection"])
    assert keyfile["802-1x"]["domain-match"] == "radius.rijnstad.test"


def test_profiles_are_the_same_each_time() -> None:
    assert files(profile_of(rijnstad(), "rijnstad.test")) == files(profile_of(rijnstad(), "rijnstad.test"))


def test_there_is_no_profile_that_trusts_any_server() -> None:
    file = networks(Inventory(ROOT / "inventories"))["rijnstad"]
    with pytest.raises(InputError, match=r"eap\.authority"):
        profile_of(file, "rijnstad.test")


def test_a_realm_or_method_that_the_network_has_not_is_refused() -> None:
    with pytest.raises(InputError, match="has no realm"):
        profile_of(rijnstad(), "elsewhere.test")
    with pytest.raises(InputError, match="does not offer"):
        profile_of(rijnstad(eap={"methods": ["tls"], "authority": AUTHORITY.pem}), "rijnstad.test", "peap")


def test_every_platform_has_a_role_a_file_or_a_checklist() -> None:
    platforms = set(get_args(AccessPoints.model_fields["platform"].annotation))
    assert platforms == {"hostapd", "openwrt", *CONSOLES}
    for platform in CONSOLES:
        points = rijnstad().govroam.access_points["stadhuis"].model_dump() | {"platform": platform}  # type: ignore[union-attr]
        text = page("net-rijnstad", rijnstad(access_points={"stadhuis": points}))
        assert text.count("- [ ]") == 5 and CONSOLES[platform].title in text


def test_openwrt_gets_both_servers_and_no_secret(tmp_path: Path) -> None:
    file = rijnstad()
    names = {path.name for path in write(hosts("rijnstad", file), file, tmp_path)}
    assert "openwrt-werf.uci" in names and "openwrt-stadhuis.uci" not in names
    lines = (tmp_path / "openwrt-werf.uci").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"set wireless\.govroam(\.[a-z0-9_]+='[^']*'|=wifi-iface)", line) for line in lines[:18])
    assert "set wireless.govroam.ssid='govroam'" in lines and "set wireless.govroam.encryption='wpa2+ccmp'" in lines
    assert "set wireless.govroam.auth_server='192.0.2.11'" in lines
    assert "add_list wireless.govroam.hostapd_bss_options='auth_server_addr=192.0.2.12'" in lines
    assert {line.partition("secret=")[2].strip("'") for line in lines if "secret=" in line} == {"SECRET"}


POINT = {"address": "192.0.2.65", "interface": "wlan0"}


def test_access_points_with_hostapd_are_hosts_of_their_own() -> None:
    found = hosts("rijnstad", rijnstad(access_points={"stadhuis": {"hosts": {"hal": POINT}}}))
    assert found.groups["govroam_access_points"] == ("net-rijnstad-hal",)
    assert "net-rijnstad-hal" not in found.servers
    assert found.host["net-rijnstad-hal"]["wlan_servers"] == ["192.0.2.11", "192.0.2.12"]
    known = specification(ROOT / "roles" / "wlan")["options"]
    assert set(found.host["net-rijnstad-hal"]) - set(known) == {"ansible_host", "ggi_stack"}


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ({"stadhuis": {"hosts": {"hal": {**POINT, "address": "192.0.2.200"}}}}, "is not in `addresses`"),
        ({"stadhuis": {"hosts": {"rad1": POINT}}}, "two hosts have the same name"),
        ({"werf": {"hosts": {"hal": {**POINT, "address": "192.0.2.97"}}}}, "goes with `platform: hostapd`"),
    ],
)
def test_an_access_point_that_can_not_work_is_refused(points: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        rijnstad(access_points=points)


def test_a_web_server_gets_the_profiles_that_people_would_write_by_hand() -> None:
    found = hosts("rijnstad", rijnstad(profiles={"address": "192.0.2.20"}))
    assert found.groups["govroam_profiles"] == ("net-rijnstad-profiles",)
    values = found.host["net-rijnstad-profiles"]
    known = specification(ROOT / "roles" / "profiles")["options"]
    assert set(values) == {"ansible_host", *known}
    assert "govroam_profiles" not in hosts("rijnstad", rijnstad()).groups
