"""Open Object: objects and the types that describe them (Objecten and Objecttypen API, one component since 4.0)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ggi.catalogue.component import Component, Configuration, Context, Functional, Input, Layer, Outside, Probe
from ggi.catalogue.relation import Api, Auth
from ggi.inventory.marks import Free, NameKind, Refers
from ggi.inventory.models import Model
from ggi.inventory.types import Slug

from . import _maykin as maykin
from ._setup import Setup


class Objecttype(Model):
    """A type of object. Its JSON schema is functional management's; here is only what rights refer to."""

    uuid: Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")]
    """Version 4, in lower case: the set-up step takes no other."""
    name: Annotated[str, Field(min_length=1, max_length=100)]
    rights: Annotated[dict[Slug, Literal["read_only", "read_and_write"]], Refers(NameKind.CALLER)] = {}
    """What components may do with its objects."""


class Settings(maykin.Settings):
    """Settings of Open Object."""

    objecttypes: Annotated[list[Objecttype], Free("types of objects", unique=("uuid",))] = []


def configure(context: Context) -> Configuration:
    """Environment, secrets, and the set-up of types, tokens with rights per type, and notifications."""
    setup = Setup(context)
    notifications = context.use("opennotificaties")
    setup.notifications(notifications)
    setup.admin_oidc()
    types = context.settings(Settings).objecttypes
    if types:
        items = [{"uuid": item.uuid, "name": item.name} for item in types]
        setup.step("objecttypes_config_enable", "objecttypes", {"items": items})
    rights: dict[str, dict[str, Any]] = {
        relation.consumer: {
            "is_superuser": False,
            "permissions": [
                {"object_type": item.uuid, "mode": item.rights[relation.consumer]}
                for item in types
                if relation.consumer in item.rights
            ],
        }
        for relation in context.incoming
    }
    setup.tokens(context.incoming, maykin.mail(context), **rights)
    env = maykin.environment(context, "objects.conf.docker")
    env |= maykin.framework(context) | maykin.QUIET_RENAMED
    env["NOTIFICATIONS_DISABLED"] = str(notifications is None)
    made = setup.configuration(env, maykin.secrets(context, broker=maykin.BOTH))
    return maykin.configuration(context, made)


ADMIN = maykin.probes("/admin/", "/admin/", "/admin/")
INSPECT = ("/bin/sh", "-c", 'celery --workdir src --app objects.celery inspect --destination "celery@$HOSTNAME" active')
component = Component(
    name="openobject",
    title="Open Object",
    layer=Layer.SERVICES,
    summary="Objects and types of objects",
    processes=(
        maykin.web("openobject", ADMIN, cpu=0.1, memory=512),
        # The whole application is loaded to ask, so seldom and with patience; every version has this command.
        maykin.worker(
            "openobject",
            Probe(command=INSPECT, period=20, timeout=20, failures=15),
            Probe(command=INSPECT, period=120, timeout=30, failures=3),
            cpu=0.05,
            memory=512,
        ),
    ),
    settings=Settings,
    offers=(Api("objecten", "web", "https", "/api/v2/", Auth.TOKEN, "orc", "Objecten en Objecttypen API", "objects"),),
    uses=(
        *maykin.uses(cache=10, broker=11, extensions=("postgis",)),
        maykin.publishes({"objecten": ("object_type",)}),
    ),
    outside=(Outside("smtp", ("web", "worker"), optional=True),),
    runs=(maykin.MIGRATE, maykin.CONFIGURE),
    configure=configure,
    route="web:https",
    certified="web",
    inputs=(
        Input(
            id="objecttypen",
            title="Types of objects, and who may do what with them, as `objecttypes` of the component openobject",
            role="Functional management",
            check="Each UUID is that of the type's definition in the gemeente's own register of types",
            days=30,
            blocks=False,
            secret=False,
            known=lambda environment: bool(getattr(environment.components["openobject"], "objecttypes", ())),
        ),
    ),
    functional=(Functional("JSON schemas of types of objects", "Objecttypen API"),),
    supplier="Maykin",
    licence="EUPL-1.2",
    source="https://github.com/maykinmedia/open-object",
    gemma="Objectenregistratiecomponent, Objecttypenregistratiecomponent",
    exit="dump_data.sh (SQL), export of types in the administration, objects by the API",
)
