"""FSC outway: requests of our components to other organisations leave here, with the header `Fsc-Grant-Hash`.

Other peers know the outway by the thumbprint of its public key: whoever renews its certificate must keep the key, or
every contract that names it must be signed anew. The inventory says which components use services of others; the
network then lets them through to the outway.
"""

from __future__ import annotations

from typing import Annotated

from ggi.catalogue.component import Chosen, Component, Configuration, Context, Functional, Layer, Outside, Port
from ggi.catalogue.relation import Api, Use
from ggi.catalogue.release import ComponentVersion
from ggi.inventory.load import Environment
from ggi.inventory.marks import NameKind, Refers
from ggi.inventory.models import ComponentSettings
from ggi.inventory.types import Slug

from . import _fsc as fsc


class Settings(ComponentSettings):
    """Settings of the outway."""

    used_by: Annotated[list[Slug], Refers(NameKind.COMPONENT)] = []
    """Components that call services of other organisations through it."""


def _callers(environment: Environment, _: ComponentVersion) -> Chosen:
    settings = environment.components["fscoutway"]
    names = settings.used_by if isinstance(settings, Settings) else []
    # Optional: who calls works without it while it waits for its certificate.
    return {name: (Use("fscoutway", ("outway",), optional=True),) for name in names}


def configure(context: Context) -> Configuration:
    """Environment and the internal certificate."""
    manager = context.must("fscmanager", "server")
    environment = {
        **fsc.LOGGING,
        **fsc.INTERNAL_TLS,
        **fsc.GROUP_TLS,
        "GROUP_ID": fsc.rules(context).id,
        "NAME": f"{context.environment.stack}-outway",
        "CONTROLLER_REGISTRATION_API_ADDRESS": context.must("fsccontroller").url("registration", "https"),
        "MANAGER_INTERNAL_ADDRESS": f"https://{manager.host}:9443",
        "MANAGER_INTERNAL_UNAUTHENTICATED_ADDRESS": f"https://{manager.host}:9444",
        "TX_LOG_API_ADDRESS": context.must("fsctxlog").url("txlog", "https"),
        "GRANT_LINKS_CACHE_TTL": "5s",
        "ENABLE_GRANT_HASH_SUGGESTION": "false",
        "LISTEN_ADDRESS": "0.0.0.0:8080",
        "MONITORING_ADDRESS": f"0.0.0.0:{fsc.MONITORING}",
    }
    return Configuration(environment=environment, objects=(fsc.certificate(context),))


component = Component(
    name="fscoutway",
    title="FSC Outway",
    layer=Layer.INTEGRATIE,
    summary="Requests to other organisations",
    settings=Settings,
    chosen=_callers,
    processes=(fsc.server("fscoutway", "outway", Port("http", 8080), replicas=2),),
    offers=(Api("outway", "server", "http", title="Services of other organisations"),),
    uses=(
        fsc.own_program("fsccontroller", "registration"),
        fsc.own_program("fscmanager", "internal", "unauthenticated"),
        fsc.own_program("fsctxlog", "txlog"),
    ),
    outside=(Outside("fsc", ("server",)), Outside("crl", ("server",), optional=True)),
    configure=configure,
    inputs=(fsc.certificate_input("fscoutway", "the outway; a renewal keeps the key"),),
    functional=(
        Functional(
            "Address of the outway and Fsc-Grant-Hash of each service, where a component uses it", "that component"
        ),
    ),
    supplier=fsc.SUPPLIER,
    licence=fsc.LICENCE,
    source=fsc.SOURCE,
    exit="Keeps nothing",
)
