"""Open Zaak: cases, documents, catalogues, decisions and authorisations (ZGW APIs)."""

from __future__ import annotations

from typing import Annotated, Any

from ggi.catalogue.component import (
    Component,
    Configuration,
    Context,
    Functional,
    Input,
    Layer,
    Outside,
    Volume,
)
from ggi.catalogue.relation import Api, Auth, Relation
from ggi.inventory.marks import NameKind, Refers
from ggi.inventory.types import Slug

from . import _maykin as maykin
from ._setup import Setup, stable_uuid

DOCUMENTS = Volume("private-media", "/app/private-media", "50Gi")
PART = 100 * 2**20
"""Documents above this size are sent in parts of at most this size; nginx takes the third that base64 adds."""
CHANNELS = {
    "autorisaties": (),
    "zaken": ("bronorganisatie", "zaaktype", "zaaktype.catalogus", "vertrouwelijkheidaanduiding"),
    "documenten": (
        "bronorganisatie",
        "informatieobjecttype",
        "vertrouwelijkheidaanduiding",
        "informatieobjecttype.catalogus",
    ),
    "besluiten": ("verantwoordelijke_organisatie", "besluittype", "besluittype.catalogus"),
    "zaaktypen": ("catalogus",),
    "besluittypen": ("catalogus",),
    "informatieobjecttypen": ("catalogus",),
}
"""Channels and their filters (open-zaak/open-zaak 1.30.0, src/notificaties.md and the kanalen.py of each component)."""


SELECTIELIJST = {
    "identifier": "vng-selectielijst",
    "label": "VNG Selectielijst",
    "api_root": "https://selectielijst.openzaak.nl/api/v1/",
    "api_type": "orc",
    "auth_type": "no_auth",
}
"""The retention periods of gemeenten, which each resultaattype chooses from. Open Zaak's own migrations make a service
with this address (selectielijst/migrations/0002, 0003), whose identifier zgw-consumers derives from its label (0022);
the address is unique, so the step must name the same."""
YEARS = {"allowed_years": [2017, 2020], "default_year": 2020}
"""The lists in force, as Open Zaak has them (selectielijst/migrations/0005, models.py); the step sets both anew."""


class Settings(maykin.Settings):
    """Settings of Open Zaak."""

    all_rights: Annotated[list[Slug], Refers(NameKind.CALLER)] = []
    """Components that may do everything here. Others start with nothing, until functional management grants rights."""


def _applications(context: Context) -> list[dict[str, Any]]:
    """Who may ask for what. The step knows only all rights or none, so the least that works is chosen.

    Open Notificaties asks here what a publisher may do, so each publisher needs an application with its client ids. All
    rights say little for a mere publisher: its secret is known to Open Notificaties alone, so it opens nothing here.
    Open Notificaties itself reads authorisations. Who asks for cases and documents gets no rights: those are per
    catalogue, and functional management's.
    """
    full = {*context.settings(Settings).all_rights}
    callers: dict[str, Relation] = {r.consumer: r for r in context.incoming if r.auth is Auth.JWT}
    full |= {r.consumer for r in callers.values() if {a.name for a in r.apis} == {"autorisaties"}}
    for relation in context.relations:
        if relation.provider == "opennotificaties" and relation.auth is Auth.JWT:
            callers.setdefault(relation.consumer, relation)
            full.add(relation.consumer)
    return [
        {
            "uuid": stable_uuid("openzaak", "applicatie", name),
            "client_ids": [c.client_id for c in relation.accepted],
            "label": relation.consumer_title,
            "heeft_alle_autorisaties": name in full,
        }
        for name, relation in sorted(callers.items())
    ]


def configure(context: Context) -> Configuration:
    """Environment, secrets, and the set-up of credentials, applications and notifications."""
    setup = Setup(context)
    setup.site()
    setup.admin_oidc()
    setup.jwt_credentials([r for r in context.incoming if r.auth is Auth.JWT])
    applications = _applications(context)
    if applications:
        setup.step("vng_api_common_applicaties_config_enable", "vng_api_common_applicaties", {"items": applications})
    notifications = context.use("opennotificaties")
    setup.notifications(notifications)
    setup.service(SELECTIELIJST)
    setup.step(
        "openzaak_selectielijst_config_enable",
        "openzaak_selectielijst_config",
        {"selectielijst_api_service_identifier": SELECTIELIJST["identifier"], **YEARS},
    )
    env = maykin.environment(context, "openzaak.conf.docker")
    env |= maykin.framework(context) | maykin.QUIET
    env |= {
        "DOCUMENTEN_API_BACKEND": "filesystem",
        "MIN_UPLOAD_SIZE": str(PART),
        "NOTIFICATIONS_DISABLED": str(notifications is None),
        # Set since its default, every name in ALLOWED_HOSTS, also has the Service, which no address names.
        "LOOSE_FK_LOCAL_BASE_URLS": f"https://{context.host}/",
    }
    return maykin.configuration(context, setup.configuration(env, maykin.secrets(context)), DOCUMENTS, upload="150m")


def _api(name: str, title: str, api_type: str, asks: str) -> Api:
    return Api(name, "web", "https", f"/{name}/api/v1/", Auth.JWT, api_type, title, asks)


component = Component(
    name="openzaak",
    title="Open Zaak",
    layer=Layer.SERVICES,
    summary="Cases, documents, catalogues, decisions and authorisations (ZGW)",
    processes=(
        maykin.web("openzaak", maykin.HEALTHZ, cpu=0.25, memory=768, files=DOCUMENTS, volumes=(DOCUMENTS,)),
        maykin.worker(
            "openzaak", maykin.READY, maykin.ALIVE, cpu=0.2, memory=1024, concurrency=4, volumes=(DOCUMENTS,)
        ),
        maykin.beat("openzaak"),
    ),
    settings=Settings,
    offers=(
        _api("zaken", "Zaken API", "zrc", "zaken"),
        _api("documenten", "Documenten API", "drc", "enkelvoudiginformatieobjecten"),
        _api("catalogi", "Catalogi API", "ztc", "zaaktypen"),
        _api("besluiten", "Besluiten API", "brc", "besluiten"),
        _api("autorisaties", "Autorisaties API", "ac", "applicaties"),
    ),
    uses=(*maykin.uses(cache=4, broker=5, extensions=("postgis", "pg_trgm")), maykin.publishes(CHANNELS)),
    outside=(
        Outside("smtp", ("web", "worker"), optional=True),
        Outside("selectielijst", ("web",), optional=True),
    ),
    runs=(maykin.MIGRATE, maykin.CONFIGURE),
    configure=configure,
    route="web:https",
    certified="web",
    inputs=(
        Input(
            id="selectielijst",
            title="The way to selectielijst.openzaak.nl, as `selectielijst` of the cluster: without it no "
            "resultaattype can be made",
            role="Administrator of the cluster",
            check="Catalogi, a new resultaattype: the list of selectielijstklassen is shown",
            days=30,
            blocks=False,
            secret=False,
            known=lambda environment: environment.cluster.selectielijst is not None,
        ),
    ),
    functional=(
        Functional("Zaaktypen, besluittypen and informatieobjecttypen", "Catalogi API"),
        # An application without any right is in no answer of the Autorisaties API, and its client id is taken there
        # (open-zaak/open-zaak 1.30.0, autorisaties/api/viewsets.py; the way: docs/manual/api-authorizations.rst).
        Functional(
            "First rights of an application, per catalogue or per type",
            "administration, API Autorisaties, Applicaties, Beheer autorisaties; from then on the Autorisaties API too",
        ),
    ),
    supplier="Maykin",
    licence="EUPL-1.2",
    source="https://github.com/open-zaak/open-zaak",
    gemma="Zaakregistratiecomponent, Documentregistratiecomponent, Zaaktypecatalogus, Besluitregistratiecomponent",
    exit="dump_data.sh (SQL or CSV per API), catalogue export as zip, documents from the volume",
)
