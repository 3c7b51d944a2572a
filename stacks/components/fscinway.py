"""FSC inway: requests of other organisations come in here. TLS is not ended at the gateway, as with the manager.

The inventory says which APIs of the landscape are published; the network then lets the inway through to them. It passes
on what a caller shows and has no credential of its own, so rights are given to that caller, in the component. People
register the service in the controller, with the address that the API has inside, and publish it by a contract.
"""

from __future__ import annotations

from typing import Annotated

from ggi.catalogue.component import Chosen, Component, Configuration, Context, Functional, Layer, Outside, Port
from ggi.catalogue.relation import Use
from ggi.catalogue.release import ComponentVersion
from ggi.inventory.load import Environment
from ggi.inventory.marks import Free, NameKind, Refers
from ggi.inventory.models import ComponentSettings
from ggi.inventory.types import Slug

from . import _fsc as fsc


class Settings(ComponentSettings):
    """Settings of the inway."""

    publishes: Annotated[
        dict[Slug, Annotated[list[Slug], Free("names of APIs; the catalogue checks them when the relation is made")]],
        Refers(NameKind.COMPONENT),
    ] = {}
    """APIs that other organisations may use by contract, per component: {openzaak: [zaken]}."""


def _published(environment: Environment, _: ComponentVersion) -> Chosen:
    settings = environment.components["fscinway"]
    found = settings.publishes.items() if isinstance(settings, Settings) else ()
    return {"fscinway": tuple(Use(name, tuple(apis), ("server",), forwards=True) for name, apis in found)}


def configure(context: Context) -> Configuration:
    """Environment and the internal certificate."""
    environment = {
        **fsc.LOGGING,
        **fsc.INTERNAL_TLS,
        **fsc.GROUP_TLS,
        "GROUP_ID": fsc.rules(context).id,
        "NAME": f"{context.environment.stack}-inway",
        "SELF_ADDRESS": f"https://{context.host}:443",
        "CONTROLLER_REGISTRATION_API_ADDRESS": context.must("fsccontroller").url("registration", "https"),
        "MANAGER_INTERNAL_UNAUTHENTICATED_ADDRESS": context.must("fscmanager").url("unauthenticated", "https"),
        "TX_LOG_API_ADDRESS": context.must("fsctxlog").url("txlog", "https"),
        "LISTEN_ADDRESS": "0.0.0.0:8443",
        "MONITORING_ADDRESS": f"0.0.0.0:{fsc.MONITORING}",
    }
    return Configuration(environment=environment, objects=(fsc.certificate(context),))


component = Component(
    name="fscinway",
    title="FSC Inway",
    layer=Layer.INTEGRATIE,
    summary="Requests from other organisations",
    processes=(fsc.server("fscinway", "inway", Port("fsc", 8443), replicas=2),),
    settings=Settings,
    chosen=_published,
    uses=(
        fsc.own_program("fsccontroller", "registration"),
        fsc.own_program("fscmanager", "unauthenticated"),
        fsc.own_program("fsctxlog", "txlog"),
    ),
    outside=(Outside("crl", ("server",), optional=True),),
    configure=configure,
    route="server:fsc",
    passthrough=True,
    inputs=(fsc.certificate_input("fscinway", "the inway's host"),),
    functional=(
        Functional(
            "Registration of each API that the inventory publishes, and its contract", "FSC controller, Services"
        ),
    ),
    supplier=fsc.SUPPLIER,
    licence=fsc.LICENCE,
    source=fsc.SOURCE,
    exit="Keeps nothing",
)
