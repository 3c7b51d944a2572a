"""FSC outway: requests of our components to other organisations leave here, with the header `Fsc-Grant-Hash`.

Other peers know the outway by the thumbprint of its public key: whoever renews its certificate must keep the key, or
every contract that names it must be signed anew.
"""

from __future__ import annotations

from ggi.catalogue.component import Component, Configuration, Context, Layer, Outside, Port
from ggi.catalogue.relation import Api

from . import _fsc as fsc


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
    supplier=fsc.SUPPLIER,
    licence=fsc.LICENCE,
    source=fsc.SOURCE,
    exit="Keeps nothing",
)
