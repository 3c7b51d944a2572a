"""FSC inway: requests of other organisations come in here. TLS is not ended at the gateway, as with the manager.

Which services it forwards to is said in the controller, by people; each such service needs a relation of the inway to
it in this module, so that the network lets the request through.
"""

from __future__ import annotations

from ggi.catalogue.component import Component, Configuration, Context, Layer, Outside, Port

from . import _fsc as fsc


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
    supplier=fsc.SUPPLIER,
    licence=fsc.LICENCE,
    source=fsc.SOURCE,
    exit="Keeps nothing",
)
