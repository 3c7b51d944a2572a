"""Open Zaak: cases, documents, catalogues, decisions and authorisations (ZGW APIs)."""

from __future__ import annotations

from typing import Any

from ggi.catalogue.component import (
    Api,
    Auth,
    Component,
    Configuration,
    Functional,
    Internal,
    Layer,
    Outside,
    Port,
    Probe,
    Process,
    Use,
    Volume,
)
from ggi.catalogue.context import Context
from ggi.catalogue.relation import Relation

from . import _maykin as maykin
from ._nginx import nginx_conf, nginx_process
from ._postgresql import CA_MOUNT

DOCUMENTS = Volume("private-media", "/app/private-media", "50Gi")
WORKER_READY = (
    "maykin-common",
    "worker-health-check",
    "--skip-ping",
    "--skip-event-loop-liveness",
    "--no-skip-readiness",
    "--readiness-file=/app/tmp/celery_worker.ready",
)


def _applications(context: Context) -> list[dict[str, Any]]:
    """Who may ask for what. The step knows only all rights or none; none, until functional management grants them.

    Components of the landscape itself get all rights: Open Notificaties asks here what a publisher may do, so each
    publisher needs an application here as well.
    """
    callers: dict[str, Relation] = {r.consumer: r for r in context.incoming if r.auth is Auth.JWT}
    for relation in context.relations:
        if relation.provider == "opennotificaties" and relation.auth is Auth.JWT:
            callers.setdefault(relation.consumer, relation)
    return [
        {
            "uuid": maykin.stable_uuid("openzaak", "applicatie", name),
            "client_ids": [c.client_id for c in relation.accepted],
            "label": relation.consumer_title,
            "heeft_alle_autorisaties": True,
        }
        for name, relation in sorted(callers.items())
    ]


def configure(context: Context) -> Configuration:
    """Environment, secrets, and the set-up of credentials, applications and notifications."""
    setup = maykin.Setup(context)
    setup.step(
        "sites_config_enable",
        "sites_config",
        {"items": [{"domain": context.host, "name": f"Open Zaak {context.environment.tenant.name}"[:50]}]},
    )
    maykin.admin_oidc(setup)
    setup.jwt_credentials([r for r in context.incoming if r.auth is Auth.JWT])
    applications = _applications(context)
    if applications:
        setup.step("vng_api_common_applicaties_config_enable", "vng_api_common_applicaties", {"items": applications})
    notifications = context.use("opennotificaties")
    maykin.notifications(setup, notifications)
    env = maykin.environment(context, "openzaak.conf.docker", ("nginx", "web"))
    env |= {
        "DOCUMENTEN_API_BACKEND": "filesystem",
        "NOTIFICATIONS_DISABLED": str(notifications is None),
        "LOOSE_FK_LOCAL_BASE_URLS": f"https://{context.host}/,http://{context.service('nginx')}/",
    }
    return Configuration(
        environment=env,
        secrets=maykin.secrets(context),
        files=nginx_conf(context, private="/app/private-media"),
        setup=setup.finish(),
        setup_path=maykin.SETUP_PATH,
        setup_secrets=setup.secrets,
    )


def _api(name: str, title: str, api_type: str) -> Api:
    return Api(name, "nginx", "http", f"/{name}/api/v1/", Auth.JWT, api_type, title)


component = Component(
    name="openzaak",
    title="Open Zaak",
    layer=Layer.SERVICES,
    summary="Zaken, documenten, catalogi, besluiten en autorisaties (ZGW)",
    processes=(
        Process(
            name="web",
            ports=(Port("http", 8000),),
            **maykin.healthz(),
            cpu=0.25,
            memory=768,
            scales=True,
            writable=maykin.WRITABLE,
            volumes=(DOCUMENTS,),
            secret_mounts=(CA_MOUNT,),
        ),
        Process(
            name="worker",
            command=("/celery_worker.sh",),
            startup=Probe(command=WORKER_READY, failures=30),
            liveness=Probe(command=("/celery_worker_liveness_probe.sh",), period=30, timeout=15, failures=5),
            cpu=0.2,
            memory=1024,
            replicas=2,
            writable=maykin.WRITABLE,
            volumes=(DOCUMENTS,),
            secret_mounts=(CA_MOUNT,),
        ),
        Process(
            name="beat",
            command=("/celery_beat.sh",),
            cpu=0.01,
            memory=256,
            singleton=True,
            writable=maykin.WRITABLE,
            volumes=(DOCUMENTS,),
            secret_mounts=(CA_MOUNT,),
        ),
        nginx_process(volumes=(DOCUMENTS,)),
    ),
    offers=(
        _api("zaken", "Zaken API", "zrc"),
        _api("documenten", "Documenten API", "drc"),
        _api("catalogi", "Catalogi API", "ztc"),
        _api("besluiten", "Besluiten API", "brc"),
        _api("autorisaties", "Autorisaties API", "ac"),
    ),
    uses=(
        *maykin.uses(cache=4, broker=5, extensions=("postgis", "pg_trgm")),
        Use("opennotificaties", ("notificaties",), ("web", "worker"), optional=True),
    ),
    internal=(Internal(("nginx",), "web", "http"),),
    outside=(Outside("smtp", ("web", "worker"), optional=True),),
    runs=(maykin.MIGRATE, maykin.CONFIGURE),
    configure=configure,
    route="nginx:http",
    functional=(
        Functional("Zaaktypen, besluittypen en informatieobjecttypen", "Catalogi API"),
        Functional("Autorisaties van applicaties", "Autorisaties API"),
    ),
    supplier="Maykin",
    licence="EUPL-1.2",
    source="https://github.com/open-zaak/open-zaak",
    gemma="Zaakregistratiecomponent, Documentregistratiecomponent, Zaaktypecatalogus",
    exit="dump_data.sh (SQL or CSV per API), catalogue export as zip, documents from the volume",
)
