"""Open Formulieren: web forms for residents and companies, registered as cases, documents or objects."""

from __future__ import annotations

from typing import Any

from ggi.catalogue.component import (
    Component,
    Configuration,
    Context,
    Functional,
    Input,
    Layer,
    Outside,
    Probe,
    Volume,
)
from ggi.catalogue.relation import Use
from ggi.inventory.types import HostName

from . import _maykin as maykin
from ._registration import CATALOGI, DOCUMENTEN, OBJECTEN, ZAKEN, Registration, groups
from ._setup import Setup

PRIVATE = Volume("private-media", "/app/private_media", "10Gi")
PUBLIC = Volume("media", "/app/media", "2Gi")
WRITABLE = (*(path for path in maykin.WRITABLE if path != PUBLIC.path), "/app/certifi_ca_bundle")


class Settings(maykin.Settings):
    """Settings of Open Formulieren."""

    registration: Registration | None = None
    """Without it the services are known but forms can't be registered in them yet."""
    embedded_on: list[HostName] = []
    """Web sites that show forms in their own pages."""


def configure(context: Context) -> Configuration:
    """Environment, secrets, and the set-up of the services behind the forms."""
    settings = context.settings(Settings)
    setup = Setup(context)
    setup.admin_oidc()
    cases, objects, customers = (context.use(name) for name in ("openzaak", "openobject", "openklant"))
    if cases:
        for api, identifier in (("zaken", ZAKEN), ("documenten", DOCUMENTEN), ("catalogi", CATALOGI)):
            setup.jwt_service(cases, api, identifier)
    if objects:
        setup.token_service(objects, "objecten", OBJECTEN)
    if customers:
        setup.token_service(customers, "klantinteracties", "klantinteracties-api")
    if settings.registration:
        groups(setup, settings.registration, cases is not None, objects is not None)
    own = f"https://{context.host}"
    origins = ",".join([own, *(f"https://{host}" for host in settings.embedded_on)])
    same_site = "None" if settings.embedded_on else "Lax"
    env = maykin.environment(context, "openforms.conf.docker") | {
        **maykin.QUIET_RENAMED,
        "BASE_URL": own,
        "CORS_ALLOWED_ORIGINS": origins,
        "CSRF_TRUSTED_ORIGINS": origins,
        **dict.fromkeys(("SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SAMESITE", "LANGUAGE_COOKIE_SAMESITE"), same_site),
        "USE_OIDC_FOR_ADMIN_LOGIN": str(context.use("keycloak") is not None),
        "ESCAPE_REGISTRATION_OUTPUT": "True",
        "CSP_REPORT_ONLY": "False",
        "MAX_FILE_UPLOAD_SIZE": "50M",
        "SELF_CERTIFI_DIR": "/app/certifi_ca_bundle",
        "SHOW_ENVIRONMENT": str(context.environment.name != "prod"),
        "ENVIRONMENT_LABEL": context.environment.name,
    }
    secrets = maykin.secrets(context, broker=maykin.BOTH)
    made = setup.configuration(env, {**secrets, "CACHE_PORTALOCKER": secrets["CACHE_DEFAULT"]})
    return maykin.configuration(context, made, PRIVATE, upload="55m")


FILES: dict[str, Any] = {"writable": WRITABLE, "volumes": (PRIVATE, PUBLIC)}
PULSE = ("maykin-common", "beat-health-check", "--file=/app/tmp/celery_beat.live", "--max-age=120")
component = Component(
    name="openformulieren",
    title="Open Formulieren",
    layer=Layer.INTERACTIE,
    summary="Forms for residents and companies",
    processes=(
        maykin.web("openformulieren", maykin.HEALTHZ, cpu=0.25, memory=1024, files=PRIVATE, **FILES),
        maykin.worker("openformulieren", maykin.READY, maykin.ALIVE, cpu=0.2, memory=1024, framework=False, **FILES),
        # Something is due every minute, so two minutes without a sign are too long.
        maykin.beat(
            "openformulieren",
            writable=(*WRITABLE, "/app/media", "/app/celerybeat"),
            startup=Probe(command=PULSE, timeout=15, failures=30),
            liveness=Probe(command=PULSE, period=60, timeout=15),
        ),
    ),
    settings=Settings,
    uses=(
        *maykin.uses(cache=12, broker=13, redirect="/auth/oidc/callback/"),
        Use("openzaak", ("zaken", "documenten", "catalogi"), ("web", "worker"), optional=True),
        Use("openobject", ("objecten",), ("web", "worker"), optional=True),
        Use("openklant", ("klantinteracties",), ("web", "worker"), optional=True),
    ),
    outside=(Outside("smtp", ("web", "worker"), optional=True),),
    runs=(maykin.MIGRATE, maykin.CONFIGURE),
    configure=configure,
    route="web:https",
    certified="web",
    inputs=(
        Input(
            id="registratie",
            title="RSIN and catalogue for registration as a case, as `registration` of the component openformulieren",
            role="Functional management",
            check="The catalogue with this domain and RSIN exists in Open Zaak",
            days=30,
            blocks=False,
            secret=False,
            known=lambda environment: bool(getattr(environment.components["openformulieren"], "registration", None)),
        ),
    ),
    functional=(
        Functional("Forms, their steps, logic and style", "administration"),
        Functional(
            "How long administrators may be idle (60 minutes unless changed there; forms never more than 15)",
            "administration, general configuration, admin session timeout",
        ),
        Functional("Which plug-ins use Klantinteracties, BRP, DigiD and eHerkenning", "administration"),
    ),
    supplier="Open Formulieren (Maykin)",
    licence="EUPL-1.2",
    source="https://github.com/open-formulieren/open-forms",
    gemma="E-formulierencomponent",
    exit="form export as zip per form, submissions as CSV, JSON or XML, dump_configuration.sh",
)
