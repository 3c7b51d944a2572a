"""From a network's file to hosts and variables: pure, complete, and without a secret."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ggi.catalogue.content import load_catalogue
from ggi.cli.main import main
from ggi.errors import InputError
from ggi.hosts.build import hosts, waits
from ggi.hosts.flows import flows
from ggi.hosts.network import all_hosts, ansible_inventory, find_network, merged, networks, with_supplied
from ggi.hosts.pages import page
from ggi.hosts.readme import roles, specification
from ggi.hosts.wlan import client_secret
from ggi.inventory.govroam import Govroam
from ggi.inventory.load import Inventory
from ggi.inventory.network import NetworkFile
from ggi.paths import ROOT

EXISTING = "net-suderwald"
"""The example whose servers are not managed."""
NATIONAL: dict[str, Any] = {
    "transport": "udp",
    "proxies": {
        "nat1": {"address": "203.0.113.1", "name": "nat1.govroam.test"},
        "nat2": {"address": "203.0.113.2", "name": "nat2.govroam.test"},
    },
}


def rijnstad() -> NetworkFile:
    """The first example network."""
    return networks(Inventory(ROOT / "inventories"))["rijnstad"]


def changed(**values: Any) -> NetworkFile:
    """The first example network with other values of govroam."""
    return with_supplied(rijnstad(), {"govroam": values})


def govroam(file: NetworkFile) -> Govroam:
    """Its govroam."""
    assert file.govroam is not None
    return file.govroam


def test_the_examples_wait_for_what_only_others_know() -> None:
    for one in all_hosts(networks(Inventory(ROOT / "inventories")), {}):
        if one.stack == EXISTING:
            assert not one.waits
            continue
        assert {wait.key for wait in one.waits} == {
            "national", "retention_days", "eap.authority", "eap.client_authority",
        }  # fmt: skip


def test_an_example_keeps_its_own_servers_and_only_devices_wait_for_something(
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = networks(Inventory(ROOT / "inventories"))[EXISTING.removeprefix("net-")]
    assert not hosts("suderwald", file).host
    assert [wait.key for wait in waits(govroam(file))] == ["eap.authority"]
    assert "get no answer" not in page(EXISTING, file)
    assert main(["hosts", "plan", EXISTING]) == 2
    assert "radius: existing" in capsys.readouterr().err


def test_national_addresses_transport_and_retention_have_no_built_in_value() -> None:
    found = hosts("rijnstad", rijnstad())
    variables = found.group["net_rijnstad"]
    assert variables["freeradius_proxies"] == variables["radsecproxy_peers"] == []
    assert not [name for name in variables if name.endswith("retention_days")]


def test_every_variable_is_one_that_a_role_takes() -> None:
    known = {name for role in roles() for name in specification(role)["options"]}
    found = hosts("rijnstad", changed(national=NATIONAL, retention_days=183))
    names = {*found.group["net_rijnstad"], *(key for values in found.host.values() for key in values)}
    assert names - known == {"ansible_host", "ggi_stack"}


def test_every_secret_is_a_reference() -> None:
    found = hosts("rijnstad", changed(national=NATIONAL))
    text = json.dumps([found.group, found.host])
    assert re.findall(r'"secret": "(?!derived\(|given\()', text) == []
    assert "PRIVATE KEY" not in text
    assert found.group["net_rijnstad"]["freeradius_proxies"][0]["secret"] == "given(national/nat1)"


def test_over_udp_the_servers_ask_the_national_proxies_themselves() -> None:
    found = hosts("rijnstad", changed(national=NATIONAL)).group["net_rijnstad"]
    assert [proxy["address"] for proxy in found["freeradius_proxies"]] == ["203.0.113.1", "203.0.113.2"]
    assert found["radsecproxy_peers"] == []


def test_flows_name_every_access_point_and_both_directions_of_the_national_level() -> None:
    found = flows(govroam(changed(national=NATIONAL)))
    assert {(f.name, f.inbound, f.port) for f in found} == {
        ("access points stadhuis", True, 1812),
        ("accounting stadhuis", True, 1813),
        ("access points werf", True, 1812),
        ("accounting werf", True, 1813),
        ("monitoring", True, 1812),
        ("from the national level", True, 1812),
        ("to the national level", False, 1812),
        ("time", False, 123),
    }


def test_existing_servers_are_not_managed_but_have_pages_and_firewall_requests() -> None:
    file = changed(radius="existing", management=None)
    found = hosts("rijnstad", file)
    assert not found.host and not found.groups
    assert {flow.name for flow in flows(govroam(file))} == {
        f"{what} {group}" for what in ("access points", "accounting") for group in ("stadhuis", "werf")
    }
    assert "those of the servers' owner" in page("net-rijnstad", file)
    assert client_secret("werf", govroam(file)) == "given(client/werf)"


def test_servers_that_are_managed_need_somebody_who_manages_them() -> None:
    with pytest.raises(ValidationError, match="need `management`"):
        changed(management=None)


@pytest.mark.parametrize(
    "realm",
    [
        "Rijnstad.test",
        "rijnstad",
        "rijnstad.local",
        "rijnstad.lan",
        "a..test",
        ".test",
        "a_b.test",
        "a b.test",
        "a.test.",
    ],
)
def test_a_realm_that_can_not_be_registered_is_refused(realm: str) -> None:
    with pytest.raises(ValidationError):
        changed(realms={realm: "GM9901"})


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"realms": {"polderveen.test": "GM9902"}}, "not in `serves`"),
        ({"national": {**NATIONAL, "transport": "radsec"}}, "RadSec needs"),
        ({"eap": {"methods": ["md5"]}}, "md5"),
        ({"eap": {"tls_min": "1.1"}}, "tls_min"),
        ({"eap": {"tls_min": "1.3", "tls_max": "1.2"}}, "newer"),
        ({"eap": {"authority": "-----BEGIN PRIVATE KEY-----"}}, "private key"),
        ({"access_points": {"stadhuis": {"visitor_vlan": 4095}}}, "4094"),
        ({"access_points": {"stadhuis": {"realm": "elsewhere.test"}}}, "not in `realms`"),
        ({"servers": {"rad2": {"address": "192.0.2.11"}}}, "same address"),
        ({"users": {"kind": "ldap"}}, "ldap"),
    ],
)
def test_what_can_not_work_is_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(reason)):
        changed(**values)


def test_a_network_is_found_by_its_stack_its_name_and_those_it_serves() -> None:
    inventory = Inventory(ROOT / "inventories", load_catalogue().known)
    known = networks(inventory)
    for text in ("net-rijnstad", "rijnstad", "gm9901", "GM9901", "gm9901-prod"):
        assert find_network(text, inventory, known) == "rijnstad"
    with pytest.raises(InputError, match="there is no network"):
        find_network("net-elsewhere", inventory, known)


def test_supplied_values_are_laid_over_key_by_key() -> None:
    assert merged({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}}) == {"a": {"b": 1, "c": [2]}}


def test_the_inventory_script_works_for_any_ansible() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "inventories" / "hosts.py"), "--list"],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    files = networks(Inventory(ROOT / "inventories"))
    assert json.loads(done.stdout) == json.loads(json.dumps(ansible_inventory(list(all_hosts(files, {})))))


def test_all_342_gemeenten_have_servers(tmp_path: Path) -> None:
    from ggi.inventory.generate import sandbox_inventory

    sandbox_inventory(tmp_path / "all")
    found = list(all_hosts(networks(Inventory(tmp_path / "all")), {}))
    assert sum(len(one.host) for one in found) == 2 * len(found)
    addresses = [values["ansible_host"] for one in found for values in one.host.values()]
    assert len(set(addresses)) == len(addresses)
