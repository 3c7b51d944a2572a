"""PostgreSQL by the CloudNativePG operator: one cluster, and per component a database, an owner and a log-in role.

The owner of a database can't log in. A component logs in with a role of its own whose name carries the rotation
counter, and works as the owner (`role` in its connection options): during a rotation both log-in roles work side by
side, and everything that either makes belongs to the owner.

The pods use the ServiceAccount that is named as the Cluster. The operator makes it; here is none, since one without a
token stops the first instance (operator 1.30; from 1.31 the pods bring a token of their own).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from ggi.catalogue.component import (
    Component,
    Configuration,
    Context,
    Input,
    Internal,
    Layer,
    Manifest,
    Outside,
    Port,
    Process,
)
from ggi.catalogue.relation import Api, Auth, Relation
from ggi.catalogue.secrets import secret_name, text
from ggi.inventory.models import ComponentSettings
from ggi.inventory.types import StorageSize

from ._postgresql import login_role, owner


class Settings(ComponentSettings):
    """Settings of the database cluster."""

    instances: Annotated[int, Field(ge=1, le=5)] = 3
    """Pods: one primary and replicas, each in a zone of its own."""
    storage: StorageSize = "20Gi"
    """Volume per instance."""
    max_connections: Annotated[int, Field(ge=50, le=5000)] | None = None
    """Default: what all pods together may open, and some to spare."""


BOOTSTRAP = "bootstrap"
"""A role that nobody uses."""
PROCESS = Process(
    name="instance",
    ports=(Port("postgresql", 5432), Port("metrics", 9187, metrics=True), Port("status", 8000)),
    cpu=0.5,
    memory=1024,
    configured=False,
    pod_labels={"cnpg.io/cluster": "postgresql"},
    service="postgresql-rw",
)


INITDB = {
    "database": "postgres",
    "owner": BOOTSTRAP,
    "encoding": "UTF8",
    "localeProvider": "icu",
    "icuLocale": "nl",
    "localeCollate": "C.UTF-8",
    "localeCType": "C.UTF-8",
}
"""How the first instance is made. The operator always wants a database and its owner, else it makes `app` and `app`
(cloudnative-pg 1.30.0, api/v1/cluster_defaults.go, pkg/management/postgres/initdb.go: what exists is not made again).
So it gets the database that is always there, and a role that may not log in. Case and order follow Dutch, from ICU:
with the operator's own default, C, `SÚDERWÂLD` is not found by `súderwâld`. Databases of components are copies of
template1 and have the same. These fields count once, at the start of a cluster. A newer ICU, which comes with another
Debian in the image, needs REINDEX and ALTER DATABASE ... REFRESH COLLATION VERSION (PostgreSQL 17, ALTER COLLATION)."""
SPARE_CONNECTIONS = 40
"""For a roll-out, the operator, monitoring and an administrator."""
BASE_MEMORY, CONNECTION_MEMORY = 768, 6
"""MiB for shared buffers and background, and for one idle back end with its caches (general experience)."""


def _roles(relation: Relation, context: Context) -> tuple[list[dict[str, Any]], list[Manifest]]:
    own = owner(relation, context)
    roles: list[dict[str, Any]] = [
        {"name": own, "ensure": "present", "login": False, "inherit": True, "connectionLimit": -1}
    ]
    secrets = []
    accepted = {credential.secret.counter for credential in relation.accepted}
    # The operator leaves a role that is no longer listed as it is, so a role of an older counter is listed as absent.
    retired = [n for n in range(1, max(accepted)) if n not in accepted]
    roles += [{"name": login_role(own, n), "ensure": "absent"} for n in retired]
    for credential in relation.accepted:
        counter = credential.secret.counter
        name = secret_name(f"postgresql-{relation.consumer}", counter)
        role = login_role(own, counter)
        roles.append(
            {
                "name": role,
                "ensure": "present",
                "login": True,
                "inherit": True,
                "connectionLimit": -1,
                "inRoles": [own],
                "passwordSecret": {"name": name},
            }
        )
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "labels": {"cnpg.io/reload": "true"}},
            "type": "kubernetes.io/basic-auth",
            "immutable": True,
            "data": {"username": text(role), "password": text(credential.secret)},
        }
        secrets.append(Manifest(f"{relation.consumer}-r{counter}", body))
    return roles, secrets


def _database(relation: Relation, context: Context) -> Manifest:
    own = owner(relation, context)
    extensions = [{"name": e, "ensure": "present"} for e in relation.parameters.get("extensions", ())]
    spec: dict[str, Any] = {
        "cluster": {"name": "postgresql"},
        "name": own,
        "owner": own,
        "ensure": "present",
        "databaseReclaimPolicy": "retain",
    }
    if extensions:
        spec["extensions"] = extensions
    body = {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Database",
        "metadata": {"name": f"postgresql-{relation.consumer}"},
        "spec": spec,
    }
    return Manifest(relation.consumer, body, needs=("postgresql/Cluster/main",))


def configure(context: Context) -> Configuration:
    """The Cluster with its roles, a Secret per log-in role, a Database per component."""
    settings = context.settings(Settings)
    roles: list[dict[str, Any]] = []
    manifests: list[Manifest] = []
    # These rules come after the operator's fixed ones (for itself and for replication) and before its last one. Without
    # them everybody may connect to every database, since PostgreSQL grants that to PUBLIC.
    rules = ["hostnossl all all all reject"]
    for relation in context.incoming:
        own_database = owner(relation, context)
        rules.append(f"hostssl {own_database} +{own_database} all scram-sha-256")
        mine, secrets = _roles(relation, context)
        roles += mine
        manifests += secrets
    roles.append({"name": BOOTSTRAP, "ensure": "present", "login": False, "connectionLimit": 0})
    own = settings.resources.get("instance")
    connections = settings.max_connections or context.connections + SPARE_CONNECTIONS
    cpu, memory = (own.cpu, own.memory) if own else ("500m", f"{BASE_MEMORY + connections * CONNECTION_MEMORY}Mi")
    spec: dict[str, Any] = {
        "instances": settings.instances,
        "bootstrap": {"initdb": INITDB},
        # The budget of one instance would let nobody empty its node (cloudnative-pg, kubernetes_upgrade.md).
        "enablePDB": settings.instances > 1,
        "imageName": context.image(),
        "enableSuperuserAccess": False,
        "primaryUpdateStrategy": "unsupervised",
        "storage": {"size": settings.storage, "storageClass": context.environment.cluster.storage.block},
        "resources": {
            "requests": {"cpu": cpu, "memory": memory},
            "limits": {"cpu": "2", "memory": memory},
        },
        "affinity": {
            "enablePodAntiAffinity": True,
            "topologyKey": "topology.kubernetes.io/zone",
            "podAntiAffinityType": "preferred",
        },
        "postgresql": {
            "parameters": {
                "max_connections": str(connections),
                "password_encryption": "scram-sha-256",
                "ssl_min_protocol_version": "TLSv1.3",
                "log_connections": "on",
                "log_disconnections": "on",
                "log_statement": "ddl",
            },
            "pg_hba": [*rules, "host all all all reject"],
        },
        "managed": {"roles": roles},
    }
    body = {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": {"name": "postgresql"},
        "spec": spec,
    }
    cluster = Manifest("main", body, needs=tuple(f"postgresql/Secret/{m.role}" for m in manifests))
    databases = [_database(relation, context) for relation in context.incoming]
    return Configuration(objects=(*manifests, cluster, *databases))


component = Component(
    name="postgresql",
    title="PostgreSQL",
    layer=Layer.DATA,
    summary="One database and one owner per component, replicated over zones",
    processes=(PROCESS,),
    settings=Settings,
    offers=(Api("database", "instance", "postgresql", auth=Auth.PASSWORD, title="SQL"),),
    internal=(
        Internal(("instance",), "instance", "postgresql"),
        Internal(("instance",), "instance", "status"),
    ),
    outside=(
        Outside("apiserver", ("instance",)),
        Outside("operators", ("instance",), inward=True, port="status"),
        Outside("backup", ("instance",), optional=True),
    ),
    configure=configure,
    external_inputs=(
        Input(
            id="ca",
            title="CA certificate of the server, as ca.crt in the Secret postgresql-ca",
            role="Administrator of the database server",
            check="the server's certificate verifies against it and names the server's host",
            days=30,
            secret=False,
        ),
        Input(
            id="roles",
            title="Per component a database, its owner, and a log-in role <owner>_r1 that may act as the owner",
            role="Administrator of the database server",
            check="each component's migration Job logs in",
            days=30,
        ),
    ),
    supplier="The PostgreSQL Global Development Group; operator: CloudNativePG (CNCF)",
    licence="PostgreSQL; operator Apache-2.0",
    source="https://github.com/cloudnative-pg/cloudnative-pg",
    exit="pg_dump per database; the operator's backups are ordinary base backups and WAL",
)
