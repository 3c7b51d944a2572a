"""Redis: caches and queues, with a user per component that can't administer the server.

Redis has no rights per database, so the databases separate names, not trust; the users and the network rules separate
who may connect at all.

Only TLS is spoken. Redis reads its certificate once and has no way to read it anew but CONFIG SET, which no user here
may do; so the liveness probe fails when the file has changed, and the kubelet starts Redis again: a second or two,
every two months. Clients connect again, and the append-only file keeps the queues.

Memory. Redis may use half of the pod's: while it rewrites its append-only file it can need twice as much (redis.io,
Redis administration, "Memory"). Above that it refuses to write, and goes on: a broker may lose nothing, so nothing is
evicted (kombu, transport redis, "Key eviction": `noeviction`). Without the figure the kernel kills the pod, which reads
the same file and is killed again.

Users change while Redis runs. Their Secret therefore keeps its name (unlike every other), the kubelet writes a change
into the pod within about a minute and a half, and the readiness probe makes Redis load it. A restart would be an outage
at each rotation. A new counter must therefore stand in `accept` for some minutes before it becomes `current`. Redis 7.4
disconnects users that are gone and nobody else; versions before 7.4 disconnect all, who connect again
(redis/redis#12171).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ggi.catalogue.component import (
    Component,
    Configuration,
    Context,
    Layer,
    Manifest,
    Port,
    Probe,
    Process,
    SecretMount,
    Volume,
)
from ggi.catalogue.relation import Api, Auth
from ggi.catalogue.secrets import SecretRef, SecretText, text
from ggi.catalogue.tls import AUTHORITY, CERTIFICATE, CIPHERS, FILES, FOLDER, KEY, certificate_secret
from ggi.inventory.marks import NameKind, Refers
from ggi.inventory.models import ComponentSettings
from ggi.inventory.types import quantity

DATABASES = 32


class Settings(ComponentSettings):
    """Settings of Redis."""

    databases: Annotated[dict[str, Annotated[int, Field(ge=0, lt=DATABASES)]], Refers(NameKind.REDIS_DATABASE)] = {}
    """Database number per `<component>-<purpose>`, instead of the component's own."""


MEMORY = 512
"""MiB of the pod, when the inventory says nothing."""
USERS = "/etc/redis/users/users.acl"
CONFIGURATION = f"""\
bind * -::*
port 0
tls-port 6379
tls-cert-file {CERTIFICATE}
tls-key-file {KEY}
tls-ca-cert-file {AUTHORITY}
tls-auth-clients no
tls-protocols "TLSv1.2 TLSv1.3"
tls-ciphers {":".join(CIPHERS)}
aclfile {USERS}
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
        "user probe on nopass -@all +ping +acl|load\n",
    ]
    for relation in context.incoming:
        for credential in relation.accepted:
            lines += [f"user {credential.client_id} on >", credential.secret, f" {RIGHTS}\n"]
    own = context.settings(Settings).resources.get("server")
    memory = int(quantity(own.memory)) if own else MEMORY * 2**20
    users = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "redis-users"},
        "type": "Opaque",
        "data": {"users.acl": text(*lines)},
    }
    return Configuration(
        files={"server": {"/etc/redis/redis.conf": f"{CONFIGURATION}maxmemory {memory // 2}\n"}},
        objects=(Manifest("users", users),),
    )


CLI = f"redis-cli -e --tls --cacert {AUTHORITY} --user probe --pass none --no-auth-warning"
PRINT = f"sha256sum {CERTIFICATE} {KEY}"
READ = "/tmp/certificate.sha256"  # noqa: S108  (in the container)
START = f"{PRINT} >{READ} && exec redis-server /etc/redis/redis.conf"
ALIVE = f"""\
if ! {PRINT} | cmp -s - {READ}; then
  echo "the certificate was renewed: start again" >&2
  exit 1
fi
exec {CLI} ping
"""
"""Fails when Redis does not answer, or works with a certificate that was renewed since."""
LOADED = "/tmp/users.sha256"  # noqa: S108  (in the container)
LOAD = f"""\
new=$(sha256sum <{USERS})
if [ "$new" != "$(cat {LOADED} 2>/dev/null)" ]; then
  {CLI} acl load && echo "$new" >{LOADED}
fi
exec {CLI} ping
"""
"""Loads a changed list of users; a list that Redis refuses leaves the old one in force and Redis ready."""

component = Component(
    name="redis",
    title="Redis",
    layer=Layer.DATA,
    summary="Caches and queues of the components",
    processes=(
        Process(
            name="server",
            ports=(Port("redis", 6379),),
            args=("sh", "-c", START),
            readiness=Probe(command=("sh", "-c", LOAD)),
            liveness=Probe(command=("sh", "-c", ALIVE)),
            cpu=0.1,
            memory=MEMORY,
            stateful=True,
            volumes=(Volume("data", "/data", "4Gi", shared=False),),
            secret_mounts=(
                SecretMount("redis-users", "/etc/redis/users", ("users.acl",)),
                SecretMount(certificate_secret("redis"), FOLDER, FILES),
            ),
            uid=999,
        ),
    ),
    settings=Settings,
    offers=(Api("redis", "server", "redis", auth=Auth.PASSWORD, title="Cache and queue"),),
    configure=configure,
    certified="server",
    supplier="Redis Ltd.",
    licence="RSALv2 / SSPLv1 / AGPLv3",
    source="https://github.com/redis/redis",
    exit="No data of record: caches and queues only",
)
