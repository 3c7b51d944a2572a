"""FSC manager: contracts with other peers, and the tokens that follow from them. Its database is the system of record.

TLS is not ended at the gateway: the other peer's certificate is what counts, so the pod itself must see it.
"""

from __future__ import annotations

from ggi.catalogue.component import Component, Configuration, Context, Functional, Layer, Outside, Port
from ggi.catalogue.relation import Api

from . import _fsc as fsc


def configure(context: Context) -> Configuration:
    """Environment, the database's address, and the certificate of the internal PKI."""
    group = fsc.rules(context)
    controller, txlog = context.must("fsccontroller"), context.must("fsctxlog")
    inside = {name.replace("TLS_", "TLS_INTERNAL_UNAUTHENTICATED_"): path for name, path in fsc.INTERNAL_TLS.items()}
    same = {f"TLS_GROUP_{use}_{part}": f"{fsc.GROUP}/tls.{part[:3].lower().replace('cer', 'crt')}"
            for use in ("TOKEN", "CONTRACT") for part in ("CERT", "KEY")}  # fmt: skip
    environment = {
        **fsc.LOGGING,
        **fsc.INTERNAL_TLS,
        **inside,
        **fsc.GROUP_TLS,
        **same,
        "GROUP_ID": group.id,
        "DIRECTORY_PEER_ID": group.directory_oin,
        "DIRECTORY_MANAGER_ADDRESS": f"https://{group.directory_host}:443",
        "SELF_ADDRESS": f"https://{context.host}:443",
        "CONTROLLER_REGISTRATION_API_ADDRESS": controller.url("registration", "https"),
        "TX_LOG_API_ADDRESS": txlog.url("txlog", "https"),
        # Nothing is signed without a person.
        "AUTO_SIGN_GRANTS": "",
        "AUDITLOG_TYPE": "stdout",
        "LISTEN_ADDRESS_EXTERNAL": "0.0.0.0:8443",
        "LISTEN_ADDRESS_INTERNAL": "0.0.0.0:9443",
        "LISTEN_ADDRESS_INTERNAL_UNAUTHENTICATED": "0.0.0.0:9444",
        "MONITORING_ADDRESS": f"0.0.0.0:{fsc.MONITORING}",
    }
    return Configuration(
        environment=environment,
        secrets={"STORAGE_POSTGRES_DSN": fsc.dsn(context)},
        objects=(fsc.certificate(context),),
    )


component = Component(
    name="fscmanager",
    title="FSC Manager",
    layer=Layer.INTEGRATIE,
    summary="Contracts with other organisations (Federatieve Service Connectiviteit)",
    processes=(
        fsc.server(
            "fscmanager",
            "manager",
            Port("fsc", 8443),
            Port("internal", 9443),
            Port("unauth", 9444),
            stored=True,
        ),
    ),
    settings=fsc.Settings,
    offers=(
        Api("internal", "server", "internal", auth=fsc.MTLS, title="FSC Manager, internal"),
        Api("unauthenticated", "server", "unauth", auth=fsc.MTLS, title="FSC Manager, tokens"),
    ),
    uses=(
        fsc.database(),
        fsc.own_program("fsccontroller", "registration"),
        fsc.own_program("fsctxlog", "txlog"),
    ),
    outside=(Outside("fsc", ("server",), trial=fsc.directory), Outside("crl", ("server",), optional=True)),
    runs=(fsc.migrate("manager"),),
    configure=configure,
    route="server:fsc",
    passthrough=True,
    inputs=(fsc.OIN_INPUT, fsc.GROUP_INPUT, fsc.certificate_input("fscmanager", "the manager's host")),
    functional=(Functional("Contracts and grants with other peers", "FSC controller"),),
    supplier=fsc.SUPPLIER,
    licence=fsc.LICENCE,
    source=fsc.SOURCE,
    exit="SQL of its database, which holds the signed contracts",
)
