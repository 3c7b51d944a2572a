"""FSC as rendered: certificates, checks, addresses, network."""

from __future__ import annotations

from functools import cache

import pytest

from ggi.catalogue.content import load_catalogue
from ggi.inventory.load import Inventory
from ggi.landscape.build import Landscape, landscape
from ggi.landscape.objects import Body
from ggi.paths import ROOT

FSC = ("fscmanager", "fsccontroller", "fsctxlog", "fscinway", "fscoutway")
PEERS = ("fscmanager", "fscinway", "fscoutway")


@cache
def built() -> Landscape:
    catalogue = load_catalogue()
    inventory = Inventory(ROOT / "inventories", catalogue.known)
    return landscape(inventory.environment(inventory.tenant("gm9901"), "accp"), catalogue)


def body(name: str) -> Body:
    return next(o.body for o in built().objects if o.name == name)


def environment(component: str) -> dict[str, str]:
    return dict(body(f"{component}/ConfigMap/env")["data"])


@pytest.mark.parametrize("component", FSC)
def test_every_program_has_a_certificate_of_the_namespace_for_the_name_that_others_call(component: str) -> None:
    names = body(f"{component}/Certificate/internal")["spec"]["dnsNames"]
    for other in FSC:
        called = [v for v in environment(other).values() if v.startswith(f"https://{component}-server.")]
        assert all(address.removeprefix("https://").partition(":")[0] in names for address in called)
    mounted = {v.get("secret", {}).get("secretName") for v in _volumes(component)}
    assert f"{component}-internal" in mounted
    assert (f"{component}-group" in mounted) == (component in PEERS)


def _volumes(component: str) -> list[Body]:
    return list(body(f"{component}/Deployment/server")["spec"]["template"]["spec"]["volumes"])


@pytest.mark.parametrize("component", PEERS)
def test_certificates_are_checked_for_revocation(component: str) -> None:
    assert environment(component)["DISABLE_CRL_CHECKS"] == "false"
    assert [f for f in built().flows if f.source.component == component and f.target.edge == "crl"]


@pytest.mark.parametrize("component", ("fscmanager", "fscinway", "fscoutway"))
def test_every_request_is_logged(component: str) -> None:
    assert environment(component)["TX_LOG_API_ADDRESS"].startswith("https://fsctxlog-server.")


def test_tls_of_other_peers_is_not_ended_at_the_gateway() -> None:
    listeners = {item["name"]: item for item in body("platform/Gateway/main")["spec"]["listeners"]}
    assert [listeners[name]["tls"]["mode"] for name in ("fscmanager", "fscinway")] == ["Passthrough"] * 2
    assert "fscoutway" not in listeners and "fsctxlog" not in listeners
    assert listeners["fsccontroller"]["tls"]["mode"] == "Terminate"


def test_all_programs_run_one_version() -> None:
    versions = {built().components[name].version.version for name in FSC}
    assert len(versions) == 1


def test_each_program_that_stores_something_has_a_database_of_its_own() -> None:
    databases = {o.body["spec"]["name"] for o in built().objects if o.kind == "Database"}
    assert {name for name in FSC if name in databases} == {"fscmanager", "fsccontroller", "fsctxlog"}


def test_the_controller_starts_when_its_client_in_keycloak_is_there() -> None:
    needs = next(o.needs for o in built().objects if o.name == "fsccontroller/Deployment/server")
    assert {"keycloak/Deployment/server", "keycloak/Job/configure"} <= set(needs)
    job = next(o.needs for o in built().objects if o.name == "keycloak/Job/configure")
    assert "keycloak/Deployment/server" in job
