"""Open Klant: parties, contacts with them and what must be done about it (Klantinteracties and Contactgegevens API)."""

from __future__ import annotations

from ggi.catalogue.component import Chosen, Component, Configuration, Context, Functional, Layer, Outside
from ggi.catalogue.relation import Api, Auth
from ggi.catalogue.release import ComponentVersion
from ggi.inventory.load import Environment

from . import _maykin as maykin
from ._setup import Setup

CHANNELS = {
    "partijen": ("nummer", "interne_notitie", "soort_partij"),
    "internetaken": ("nummer", "gevraagde_handeling", "toelichting", "status"),
}
"""Channels and their filters (maykinmedia/open-klant, components/klantinteracties/kanalen.py)."""
SINCE_2_18 = {"klantcontacten": ("hoofd_onderwerp_type", "indicatie_contact_gelukt", "verdere_actie_ondernomen")}
"""What 2.18.0 added to them (its CHANGELOG.rst)."""


def _publishes(_: Environment, version: ComponentVersion) -> Chosen:
    channels = CHANNELS | (SINCE_2_18 if version.numbers >= (2, 18) else {})
    return {"openklant": (maykin.publishes(channels),)}


def configure(context: Context) -> Configuration:
    """Environment, secrets, and the set-up of tokens and notifications. A token opens all: it has no scopes."""
    setup = Setup(context)
    notifications = context.use("opennotificaties")
    setup.notifications(notifications)
    setup.tokens(context.incoming, maykin.mail(context))
    setup.admin_oidc()
    env = maykin.environment(context, "openklant.conf.docker")
    env |= {**maykin.framework(context), **maykin.QUIET, "NOTIFICATIONS_DISABLED": str(notifications is None)}
    return maykin.configuration(context, setup.configuration(env, maykin.secrets(context)))


def _api(name: str, title: str, asks: str) -> Api:
    return Api(name, "web", "https", f"/{name}/api/v1/", Auth.TOKEN, "orc", title, asks)


component = Component(
    name="openklant",
    title="Open Klant",
    layer=Layer.SERVICES,
    summary="Parties, client contacts and internal tasks",
    processes=(
        maykin.web("openklant", maykin.HEALTHZ, cpu=0.1, memory=512),
        maykin.worker("openklant", maykin.READY, maykin.ALIVE, cpu=0.05, memory=512),
    ),
    settings=maykin.Settings,
    offers=(
        _api("klantinteracties", "Klantinteracties API", "partijen"),
        _api("contactgegevens", "Contactgegevens API", "personen"),
    ),
    uses=maykin.uses(cache=8, broker=9),
    chosen=_publishes,
    outside=(Outside("smtp", ("web", "worker"), optional=True),),
    runs=(maykin.MIGRATE, maykin.CONFIGURE),
    configure=configure,
    route="web:https",
    certified="web",
    functional=(Functional("Actors (people and teams that take on tasks)", "Klantinteracties API"),),
    supplier="Maykin",
    licence="EUPL-1.2",
    source="https://github.com/maykinmedia/open-klant",
    gemma="Klantinteractiecomponent",
    exit="dump_data.sh (SQL or CSV of klantinteracties and contactgegevens)",
)
