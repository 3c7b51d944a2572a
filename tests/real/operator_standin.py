"""A stand-in for CloudNativePG: does to one PostgreSQL server what its Cluster and Database objects say.

It knows the fields that our objects use and refuses any other, so that a new field is not ignored in silence. What it
copies from the operator's manual: own pg_hba rules come between the fixed ones and a last one that lets everybody with
a password in; roles that are not listed stay as they are; a password's Secret must name its role.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from ggi.landscape.objects import Body
from tests.real.rendered import Rendered

SUPERUSER = "postgres"
FIXED_RULES = ("local all postgres scram-sha-256",)
LAST_RULE = "host all all all scram-sha-256"
ROLE_FIELDS = {"name", "ensure", "login", "inherit", "connectionLimit", "inRoles", "passwordSecret"}
DATABASE_FIELDS = {"cluster", "name", "owner", "ensure", "databaseReclaimPolicy", "extensions"}


def _cluster(landscape: Rendered) -> Body:
    return dict(landscape.object("postgresql/Cluster/main").body["spec"])


def parameters(landscape: Rendered) -> dict[str, str]:
    """The server's parameters."""
    return dict(_cluster(landscape)["postgresql"]["parameters"])


INITDB_FLAGS = {
    "encoding": "--encoding",
    "localeCollate": "--lc-collate",
    "localeCType": "--lc-ctype",
    "locale": "--locale",
    "localeProvider": "--locale-provider",
    "icuLocale": "--icu-locale",
}
"""cloudnative-pg 1.30.0, pkg/specs/jobs.go, buildInitDBFlags."""
INITDB_DEFAULTS = {"encoding": "UTF8", "localeCollate": "C", "localeCType": "C"}
"""What its webhook fills in (api/v1/cluster_defaults.go, defaultInitDB)."""


def initdb_flags(landscape: Rendered) -> list[str]:
    """The arguments with which the operator makes the first instance."""
    said = dict(_cluster(landscape)["bootstrap"]["initdb"])
    assert {said.pop("database"), said.pop("owner")} and said.keys() <= INITDB_FLAGS.keys()
    return [f"{INITDB_FLAGS[key]}={value}" for key, value in (INITDB_DEFAULTS | said).items()]


def hba(landscape: Rendered) -> str:
    """The file pg_hba.conf."""
    return "\n".join([*FIXED_RULES, *_cluster(landscape)["postgresql"]["pg_hba"], LAST_RULE]) + "\n"


class Operator:
    """Applies a landscape's objects through the server's socket."""

    def __init__(self, socket: Path, port: int, password: str) -> None:
        # The role is said because a test may have put a pod's PGOPTIONS into our own environment.
        self._where: dict[str, Any] = {
            "host": str(socket),
            "port": port,
            "user": SUPERUSER,
            "password": password,
            "options": "-c role=none",
        }

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """A connection as superuser, which only the operator has."""
        return psycopg.connect(**self._where, dbname=database, autocommit=True)

    def apply(self, landscape: Rendered) -> None:
        """Roles, then databases with their extensions; safe to run again."""
        with self.connect() as connection:
            for role in _cluster(landscape)["managed"]["roles"]:
                self._role(connection, role, landscape)
            databases = [o.body["spec"] for o in landscape.built.objects if o.kind == "Database"]
            for database in databases:
                self._database(connection, database)
        for database in databases:
            with self.connect(database["name"]) as connection:
                for extension in database.get("extensions", ()):
                    query = sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension["name"]))
                    connection.execute(query)

    def _role(self, connection: psycopg.Connection[Any], role: Body, landscape: Rendered) -> None:
        assert not set(role) - ROLE_FIELDS, f"unknown fields {set(role) - ROLE_FIELDS}"
        name = sql.Identifier(role["name"])
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role["name"]]).fetchone()
        if role["ensure"] == "absent":
            if known:
                connection.execute(sql.SQL("DROP ROLE {}").format(name))
            return
        if not known:
            connection.execute(sql.SQL("CREATE ROLE {}").format(name))
        parts = [
            sql.SQL("LOGIN" if role.get("login") else "NOLOGIN"),
            sql.SQL("INHERIT" if role.get("inherit", True) else "NOINHERIT"),
            sql.SQL("CONNECTION LIMIT {}").format(sql.Literal(role.get("connectionLimit", -1))),
        ]
        if "passwordSecret" in role:
            data = landscape.data("Secret", role["passwordSecret"]["name"])
            assert data is not None and data["username"] == role["name"], "the Secret must name its role"
            parts.append(sql.SQL("PASSWORD {}").format(sql.Literal(data["password"])))
        connection.execute(sql.SQL("ALTER ROLE {} {}").format(name, sql.SQL(" ").join(parts)))
        for group in role.get("inRoles", ()):
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), name))

    def _database(self, connection: psycopg.Connection[Any], database: Body) -> None:
        assert not set(database) - DATABASE_FIELDS, f"unknown fields {set(database) - DATABASE_FIELDS}"
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database["name"]]).fetchone() is None:
            query = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(query.format(sql.Identifier(database["name"]), sql.Identifier(database["owner"])))
