"""Open Notificaties: passes on what changed in a register to those who subscribed (Notificaties API)."""

from __future__ import annotations

from typing import Any

from ggi.catalogue.component import Component, Configuration, Context, Functional, Layer, Outside
from ggi.catalogue.relation import Api, Auth, Relation, Use
from ggi.catalogue.secrets import text

from . import _maykin as maykin
from ._setup import NOTIFICATIONS, RETRIES, Setup, credential_of, stable_uuid

AUTHORISATIONS = "autorisaties-api"
CELERYBEAT = "/app/celerybeat"


def _channels(context: Context) -> list[dict[str, Any]]:
    """The channels of every publisher, with the page that explains them."""
    return [
        {
            "naam": name,
            "documentatie_link": f"https://{context.hosts.get(relation.consumer, context.host)}/ref/kanalen/#/{name}",
            "filters": list(filters),
        }
        for relation in context.incoming
        for name, filters in relation.parameters.get("channels", {}).items()
    ]


def _own_subscription(setup: Setup, itself: Relation) -> None:
    """Open Notificaties remembers what publishers may do, and learns of changes by subscribing to itself."""
    credential = credential_of(itself)
    secret = setup.value_from("opennotificaties_secret", text(credential.secret))
    common = {
        "uuid": stable_uuid("opennotificaties", "abonnement", "autorisaties"),
        "callback_url": itself.url("notificaties") + "callbacks",
        "secret": secret,
    }
    subscription = {"auth_type": "zgw", "auth_client_id": credential.client_id}
    setup.step(
        "notifications_abonnementen_config_enable",
        "notifications_abonnementen_config",
        {"items": [{**common, **subscription, "kanalen": [{"naam": "autorisaties", "filters": {}}]}]},
    )
    mine = {"identifier": "autorisaties", "client_id": credential.client_id, "channels": ["autorisaties"]}
    setup.step(
        "notifications_subscriptions_config_enable", "notifications_subscriptions_config", {"items": [common | mine]}
    )


def configure(context: Context) -> Configuration:
    """Environment, secrets, and the set-up of authorisations, credentials, channels and its own subscription."""
    setup = Setup(context)
    setup.admin_oidc()
    setup.jwt_service(context.must("openzaak"), "autorisaties", AUTHORISATIONS)
    setup.jwt_service(context.must("opennotificaties"), "notificaties", NOTIFICATIONS)
    setup.step(
        "autorisaties_api_config_enable", "autorisaties_api", {"authorizations_api_service_identifier": AUTHORISATIONS}
    )
    setup.jwt_credentials(context.incoming)
    channels = _channels(context)
    if channels:
        setup.step("notifications_kanalen_config_enable", "notifications_kanalen_config", {"items": channels})
    setup.step(
        "notifications_config_enable",
        "notifications_config",
        {"notifications_api_service_identifier": NOTIFICATIONS, **RETRIES},
    )
    if any(item["naam"] == "autorisaties" for item in channels):
        _own_subscription(setup, context.must("opennotificaties"))
    setup.site()
    env = maykin.environment(context, "nrc.conf.docker") | maykin.framework(context) | maykin.QUIET
    return maykin.configuration(context, setup.configuration(env, maykin.secrets(context, broker=maykin.BOTH)))


ROOT = maykin.probes("/", "/", "/")
component = Component(
    name="opennotificaties",
    title="Open Notificaties",
    layer=Layer.INTEGRATIE,
    summary="Passes changes on to subscribers (Notificaties API)",
    processes=(
        maykin.web("opennotificaties", ROOT, cpu=0.1, memory=512),
        # Threads that mostly wait for others' answers.
        maykin.worker("opennotificaties", maykin.HEARTBEAT, maykin.HEARTBEAT, cpu=0.1, memory=512, concurrency=20),
        # Without beat nothing is delivered: it starts the delivery every 20 seconds.
        maykin.beat("opennotificaties", writable=(*maykin.WRITABLE, CELERYBEAT)),
    ),
    settings=maykin.Settings,
    offers=(Api("notificaties", "web", "https", "/api/v1/", Auth.JWT, "nrc", "Notificaties API", "kanaal"),),
    uses=(
        *maykin.uses(cache=6, broker=7),
        Use("openzaak", ("autorisaties",), ("web", "worker")),
        Use("opennotificaties", ("notificaties",), ("web", "worker")),
    ),
    outside=(Outside("smtp", ("web", "worker"), optional=True),),
    runs=(maykin.MIGRATE, maykin.CONFIGURE),
    configure=configure,
    route="web:https",
    certified="web",
    functional=(Functional("Subscriptions of applications outside the landscape", "Notificaties API"),),
    supplier="Maykin",
    licence="EUPL-1.2",
    source="https://github.com/open-zaak/open-notificaties",
    gemma="Notificatierouteringcomponent",
    exit="No data of record: channels and subscriptions by the API",
)
