"""People of one gemeente log in at another one: every method, both directions, and what each hop sees of it."""

from __future__ import annotations

import re

import pytest

from ggi.hosts.eapol import LoginOutcome
from ggi.hosts.logs import join_attempts
from ggi.hosts.network import ManagedNetwork
from ggi.hosts.profile import Method, profile_of
from ggi.hosts.profiles import wpa_supplicant
from ggi.inventory.load import Inventory
from ggi.paths import ROOT
from sandbox.hosts.site import DIRECTORY
from tests.hosts.world import HOME, POLDERVEEN, RIJNSTAD, World

pytestmark = pytest.mark.timeout(2400)

VLAN, CUI = 81, 89
"""Tunnel-Private-Group-Id (RFC 2868) and Chargeable-User-Identity (RFC 4372)."""
METHODS = [("PEAP", "mschapv2"), ("TTLS", "mschapv2"), ("TTLS", "pap"), ("TLS", "none")]
WAYS = [(RIJNSTAD, "net-drieland"), (POLDERVEEN, "net-rijnstad"), (RIJNSTAD, "net-rijnstad")]


def as_text(octets: str) -> str:
    """An attribute that eapol_test shows as hexadecimal digits."""
    return bytes.fromhex(octets).decode()


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize(("method", "inner"), METHODS)
@pytest.mark.parametrize(("realm", "at"), WAYS)
def test_a_user_logs_in_with_each_method_and_version_of_tls(
    world: World, realm: str, at: str, method: str, inner: str, tls: str
) -> None:
    found = world.login(world.login_of(realm, method, inner=inner, tls=tls), at)
    assert found.outcome is LoginOutcome.ACCEPTED, found.text[-3000:]
    assert found.tls == f"TLSv{tls}"
    visitor = HOME[realm] != at
    assert as_text(found.first(VLAN)) == ("900" if visitor else "120")


@pytest.mark.parametrize("method", ["peap", "ttls"])
def test_a_device_with_our_profile_logs_in(world: World, method: Method) -> None:
    inventory = Inventory(ROOT / "inventories")
    file = ManagedNetwork.of("net-rijnstad", inventory, world.federation.environment).file
    profile = profile_of(file, RIJNSTAD, method)
    ca = world.file("profile-ca.pem", profile.authority)
    own = f'\tidentity="medewerker@{RIJNSTAD}"\n\tpassword="{world.password(RIJNSTAD)}"\n}}\n'
    text = wpa_supplicant(profile, ca).removesuffix("}\n") + own
    assert world.login(text, "net-drieland").outcome is LoginOutcome.ACCEPTED


def test_a_device_logs_in_with_what_it_downloads(world: World) -> None:
    read = world.federation.inside(DIRECTORY, "cat", f"/var/www/govroam/{POLDERVEEN}.wpa_supplicant.conf").stdout
    ca = world.federation.inside(DIRECTORY, "cat", f"/var/www/govroam/{POLDERVEEN}.ca.pem").stdout
    text = re.sub(r'ca_cert="[^"]+"', f'ca_cert="{world.file("downloaded.pem", ca)}"', read)
    own = f'\tidentity="medewerker@{POLDERVEEN}"\n\tpassword="{world.password(POLDERVEEN)}"\n}}\n'
    assert world.login(text.removesuffix("}\n") + own, "net-rijnstad").outcome is LoginOutcome.ACCEPTED


def test_the_second_server_of_a_pair_works_as_the_first(world: World) -> None:
    assert world.login(world.login_of(RIJNSTAD), "net-drieland", "rad2").outcome is LoginOutcome.ACCEPTED
    assert world.login(world.login_of(POLDERVEEN), "net-rijnstad", "rad2").outcome is LoginOutcome.ACCEPTED


def test_the_host_learns_the_same_pseudonym_each_time_and_another_host_another_one(world: World) -> None:
    at_polderveen = [world.login(world.login_of(RIJNSTAD, m), "net-drieland").first(CUI) for m in ("PEAP", "TLS")]
    assert at_polderveen[0] == at_polderveen[1] != ""
    at_home = world.login(world.login_of(RIJNSTAD), "net-rijnstad").first(CUI)
    assert at_home not in at_polderveen


def test_every_hop_logs_one_line_that_can_be_joined(world: World) -> None:
    found = world.login(world.login_of(RIJNSTAD), "net-drieland")
    assert found.outcome is LoginOutcome.ACCEPTED
    host, home = world.of_mac("net-drieland", world.mac), world.of_mac("net-rijnstad", world.mac)
    assert (len(host), len(home)) == (1, 1)
    assert len(join_attempts([*host, *home])) == 1
    assert host[0].outer == home[0].outer == "anonymous@rijnstad.test"
    assert (host[0].inner, home[0].inner) == ("", "medewerker@rijnstad.test")
    assert host[0].operator == home[0].operator == "1polderveen.test"
    assert host[0].cui == home[0].cui != ""
    assert host[0].station == home[0].station == "02-00-00-00-00-02:govroam"
    assert (host[0].vlan, home[0].vlan) == ("900", "")


def test_the_national_level_sees_who_is_host(world: World) -> None:
    world.login(world.login_of(POLDERVEEN), "net-rijnstad")
    lines = [line for line in world.national_log().splitlines() if world.mac.lower() in line.lower()]
    assert any("Access-Accept" in line and "1rijnstad.test" in line for line in lines), lines


def test_no_password_and_no_secret_is_in_any_log(world: World) -> None:
    world.login(world.login_of(RIJNSTAD, "TTLS", inner="pap"), "net-drieland")
    world.login(world.login_of(RIJNSTAD, "TTLS", inner="pap", password="wrong-but-secret"), "net-drieland")
    hidden = [world.password(RIJNSTAD), "wrong-but-secret", world.secret("net-drieland", "polderveen")]
    for stack in ("net-rijnstad", "net-drieland"):
        for server in ("rad1", "rad2"):
            script = "cat /var/log/freeradius/*; journalctl --no-pager -o cat"
            text = world.federation.inside(f"{stack}-{server}", "sh", "-c", script, check=False).stdout
            assert "@" in text
            assert not [word for word in hidden if word in text]
