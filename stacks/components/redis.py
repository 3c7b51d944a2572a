"""Redis: caches and queues, with a user per component that can't administer the server.

Redis has no rights per database, so the databases separate names, not trust; the users and the network rules separate
who may connect at all. The caches of Open Zaak and its siblings can only speak `redis://`, so TLS is not possible here.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ggi.catalogue.component import Api, Auth, Component, Configuration, Layer, Port, Probe, Process, Volume
from ggi.catalogue.context import Context
from ggi.catalogue.secrets import SecretRef, SecretText, text
from ggi.inventory.models import ComponentSettings

DATABASES = 32


class Settings(ComponentSettings):
    """Settings of Redis."""

    databases: dict[str, Annotated[int, Field(ge=0, lt=DATABASES)]] = {}
    """Database number per `<component>-<purpose>`, instead of the component's own."""


CONFIGURATION = f"""\
bind * -::*
port 6379
aclfile /etc/redis/users.acl
databases {DATABASES}
dir /data
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
timeout 0
tcp-keepalive 60
"""

RIGHTS = "~* &* +@all -@admin -@dangerous +info"
"""Everything that caches and Celery need. Not: configuration, ACLs, replication, FLUSHALL, KEYS, SHUTDOWN."""


def configure(context: Context) -> Configuration:
    """redis.conf, and the ACL file with a user per component and rotation counter."""
    # `default` can't log in, but keeps its rights: when Redis replays its log, it checks transactions as this user, and
    # without rights they would be dropped in silence.
    lines: list[str | SecretRef | SecretText] = [
        "user default off resetpass ~* &* +@all\n",
        "user probe on nopass -@all +ping\n",
    ]
    for relation in context.incoming:
        for credential in relation.accepted:
            lines += [f"user {credential.client_id} on >", credential.secret, f" {RIGHTS}\n"]
    return Configuration(
        files={"server": {"/etc/redis/redis.conf": CONFIGURATION}},
        secret_files={"server": {"/etc/redis/users.acl": text(*lines)}},
    )


PING = Probe(
    command=("redis-cli", "-e", "--user", "probe", "--pass", "none", "--no-auth-warning", "ping"), period=10, timeout=5
)

component = Component(
    name="redis",
    title="Redis",
    layer=Layer.DATA,
    summary="Caches and queues of the components",
    processes=(
        Process(
            name="server",
            ports=(Port("redis", 6379),),
            args=("redis-server", "/etc/redis/redis.conf"),
            readiness=PING,
            liveness=PING,
            cpu=0.1,
            memory=512,
            stateful=True,
            volumes=(Volume("data", "/data", "4Gi", shared=False),),
            uid=999,
        ),
    ),
    settings=Settings,
    offers=(Api("redis", "server", "redis", auth=Auth.PASSWORD, title="Cache and queue"),),
    configure=configure,
    supplier="Redis Ltd.",
    licence="RSALv2 / SSPLv1 / AGPLv3",
    source="https://github.com/redis/redis",
    exit="No data of record: caches and queues only",
)
