"""FSC transaction log: who asked what of whom. The standard wants it: a request that can't be logged is refused."""

from __future__ import annotations

from ggi.catalogue.component import Component, Configuration, Context, Layer, Port
from ggi.catalogue.relation import Api

from . import _fsc as fsc


def configure(context: Context) -> Configuration:
    """Environment, the database's address, and the internal certificate."""
    environment = {
        **fsc.LOGGING,
        **fsc.INTERNAL_TLS,
        "LISTEN_ADDRESS": "0.0.0.0:9443",
        "MONITORING_ADDRESS": f"0.0.0.0:{fsc.MONITORING}",
    }
    return Configuration(
        environment=environment,
        secrets={"STORAGE_POSTGRES_DSN": fsc.dsn(context)},
        objects=(fsc.certificate(context),),
    )


component = Component(
    name="fsctxlog",
    title="FSC transactielog",
    layer=Layer.INTEGRATIE,
    summary="Record of exchange with other organisations",
    processes=(fsc.server("fsctxlog", "txlog-api", Port("internal", 9443), group=False, stored=True, replicas=2),),
    offers=(Api("txlog", "server", "internal", auth=fsc.MTLS, title="Transaction log"),),
    uses=(fsc.database(),),
    runs=(fsc.migrate("txlog-api"),),
    configure=configure,
    supplier=fsc.SUPPLIER,
    licence=fsc.LICENCE,
    source=fsc.SOURCE,
    exit="SQL of its database",
)
