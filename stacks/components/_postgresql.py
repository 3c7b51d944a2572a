"""How a component reaches its database: names of roles, and libpq's environment."""

from __future__ import annotations

from ggi.catalogue.component import Context, SecretMount
from ggi.catalogue.relation import Relation

CA_PATH = "/etc/ggi/postgresql"
CA_MOUNT = SecretMount("postgresql-ca", CA_PATH, ("ca.crt",))
"""CloudNativePG writes its CA to the Secret `<cluster>-ca`."""


def owner(relation: Relation, context: Context) -> str:
    """The role that owns a component's database, which has the same name."""
    return context.environment.database(relation.consumer)


def login_role(own: str, counter: int) -> str:
    """The role that logs in, one per rotation counter."""
    return f"{own}_r{counter}"


def libpq(context: Context) -> dict[str, str]:
    """TLS checked to the name, and everything done as the owner, for every program that uses libpq."""
    relation = context.must("postgresql")
    return {
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": f"{CA_PATH}/ca.crt",
        "PGOPTIONS": f"-c role={owner(relation, context)}",
    }


def jdbc(relation: Relation, own: str) -> str:
    """The same for programs on the JVM, as an address without user and password."""
    options = f"sslmode=verify-full&sslrootcert={CA_PATH}/ca.crt&options=-c%20role%3D{own}"
    return f"jdbc:postgresql://{relation.host}:{relation.port}/{own}?{options}"
