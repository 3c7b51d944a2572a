"""A component that lacks an input waits; the rest of the landscape is there."""

from __future__ import annotations

import dataclasses

from ggi.inventory.load import Environment, Inventory
from ggi.landscape.build import Landscape, landscape
from ggi.paths import ROOT
from tests.content import catalogue

FSC = {"fscmanager", "fsccontroller", "fsctxlog", "fscinway", "fscoutway"}


def rijnstad() -> Environment:
    inventory = Inventory(ROOT / "inventories", catalogue().known)
    return inventory.environment(inventory.tenant("gm9901"), "accp")


def without(environment: Environment, *inputs: str) -> Environment:
    kept = {key: value for key, value in environment.settings.inputs.items() if key not in inputs}
    return dataclasses.replace(environment, settings=environment.settings.model_copy(update={"inputs": kept}))


def made(built: Landscape) -> set[str]:
    return {o.component for o in built.objects}


def test_with_all_inputs_nothing_waits() -> None:
    built = landscape(rijnstad(), catalogue())
    assert built.waiting == ()
    assert made(built) >= FSC


def test_a_missing_certificate_holds_back_its_component_alone() -> None:
    built = landscape(without(rijnstad(), "fscinway.certificate"), catalogue())
    assert built.waiting == ("fscinway",)
    assert made(built) & FSC == FSC - {"fscinway"}
    assert [i.id for i in built.open_inputs if i.input.blocks] == ["fscinway.certificate"]
    assert not [f for f in built.flows if "fscinway" in (f.source.component, f.target.component)]


def test_who_cannot_do_without_a_waiting_component_waits_as_well() -> None:
    built = landscape(without(rijnstad(), "fscmanager.certificate"), catalogue())
    assert set(built.waiting) == FSC - {"fsctxlog"}
    assert not made(built) & set(built.waiting)
    assert "openzaak" in built.order


def test_a_gemeente_without_oin_waits_with_fsc() -> None:
    environment = rijnstad()
    file = environment.tenant.file.model_copy(update={"oin": None})
    environment = dataclasses.replace(environment, tenant=dataclasses.replace(environment.tenant, file=file))
    built = landscape(environment, catalogue())
    assert "fscmanager.oin" in [i.id for i in built.open_inputs]
    assert "fscmanager" in built.waiting


def test_a_waiting_component_is_no_client_of_keycloak() -> None:
    built = landscape(without(rijnstad(), "fscmanager.certificate"), catalogue())
    files = next(o for o in built.objects if o.name == "keycloak/ConfigMap/configure-files").body["data"]
    clients = {name for name in files if "_clients_" in name}
    assert clients and not [name for name in clients if "fsc" in name]
