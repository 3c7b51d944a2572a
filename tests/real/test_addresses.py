"""Addresses rewritten in a real PostgreSQL, by the command of the Job and with the environment of its pod."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ggi.errors import InputError
from ggi.landscape.addresses import Rewrite, check_rewrites, counts, databases, former_addresses, job
from tests.real.postgres import Database, database
from tests.real.programs import program
from tests.real.rendered import rendered

OLD = "http://openzaak-nginx.gm9901-accp.svc/"
NEW = f"https://{rendered().built.hosts['openzaak']}/"
CASE = "zaken/api/v1/zaken/6f1a2b34"
TABLES = f"""
CREATE TABLE zgw_consumers_service (id serial PRIMARY KEY, api_root varchar(255) UNIQUE);
INSERT INTO zgw_consumers_service (api_root) VALUES ('{OLD}zaken/api/v1/'), ('https://elders.test/api/');
CREATE TABLE audittrails_audittrail (hoofd_object varchar(1000), nieuw jsonb, oud json);
INSERT INTO audittrails_audittrail VALUES ('{OLD}{CASE}', '{{"url": "{OLD}{CASE}", "rollen": ["{OLD}x"]}}', NULL),
  ('https://elders.test/x', '{{"a": 1}}', '{{"url":  "{OLD}{CASE}"}}');
CREATE TABLE producten (diensten varchar(1000)[], aantal integer, kort char(80), half varchar(40));
INSERT INTO producten VALUES (ARRAY['{OLD}a', 'http://openzaak-nginx.gm9901-accp.svcx/'], 3, '{OLD}', NULL);
CREATE TABLE afgeleid (a text, b text GENERATED ALWAYS AS (lower(a)) STORED);
INSERT INTO afgeleid (a) VALUES ('{OLD}');
"""  # noqa: S608


@pytest.fixture
def server() -> Iterator[Database]:
    with database(rendered()) as made, made.operator.connect("openzaak") as connection:
        connection.execute("SET ROLE openzaak")
        connection.execute(TABLES)
        yield made


def run(server: Database, *, apply: bool) -> subprocess.CompletedProcess[str]:
    """The container of the Job, with the address, port and authority of this machine."""
    body = job(rendered().built, "openzaak", check_rewrites(former_addresses(rendered().built)), apply=apply)
    pod = body["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"].startswith("ghcr.io/cloudnative-pg/")
    env = dict(rendered().pod("openzaak/Job/migrate").environment)
    assert env["DB_HOST"] in server.names
    env |= {"DB_PORT": str(server.port), "PGHOSTADDR": "127.0.0.1", "PGSSLROOTCERT": str(server.ca)}
    command = pod["containers"][0]["command"]
    psql = Path(program("psql", "postgresql-client-15")).parent
    return subprocess.run(
        command,
        env=env | {"PATH": f"{psql}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def everything(server: Database) -> dict[str, list[Any]]:
    with server.operator.connect("openzaak") as connection:
        return {
            name: connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()  # type: ignore[call-overload]  # noqa: S608
            for name in ("zgw_consumers_service", "audittrails_audittrail", "producten", "afgeleid")
        }


COUNTED = {
    ("public.zgw_consumers_service", "api_root", 1),
    ("public.audittrails_audittrail", "hoofd_object", 1),
    ("public.audittrails_audittrail", "nieuw", 1),
    ("public.audittrails_audittrail", "oud", 1),
    ("public.producten", "diensten", 1),
    ("public.producten", "kort", 1),
    ("public.afgeleid", "a", 1),
}


def test_counting_changes_nothing(server: Database) -> None:
    before, done = everything(server), run(server, apply=False)
    assert done.returncode == 0, done.stderr
    assert {(c.table, c.column, c.rows) for c in counts(done.stdout)} == COUNTED
    assert everything(server) == before


def test_every_kind_of_column_is_rewritten_and_a_second_time_finds_nothing(server: Database) -> None:
    done = run(server, apply=True)
    assert done.returncode == 0, done.stderr
    assert {(c.table, c.column, c.rows) for c in counts(done.stdout)} == COUNTED
    found = everything(server)
    assert [row[1] for row in found["zgw_consumers_service"]] == [f"{NEW}zaken/api/v1/", "https://elders.test/api/"]
    trail = {row[0]: row for row in found["audittrails_audittrail"]}
    assert trail[NEW + CASE][1] == {"url": NEW + CASE, "rollen": [NEW + "x"]}
    assert trail["https://elders.test/x"][1:] == ({"a": 1}, {"url": NEW + CASE})
    (product,) = found["producten"]
    assert product[:2] == ([f"{NEW}a", "http://openzaak-nginx.gm9901-accp.svcx/"], 3) and product[2].strip() == NEW
    assert found["afgeleid"] == [(NEW, NEW)]
    again = run(server, apply=True)
    assert (again.returncode, counts(again.stdout)) == (0, [])
    assert json.dumps(found, default=str).count(OLD) == 0


def test_a_value_that_no_longer_fits_leaves_the_whole_database_as_it_was(server: Database) -> None:
    with server.operator.connect("openzaak") as connection:
        connection.execute(f"UPDATE producten SET half = '{OLD}'")  # noqa: S608
        connection.execute("ALTER TABLE producten ALTER half TYPE varchar(39)")
        connection.execute(f"ALTER TABLE producten ADD CHECK (half = '{OLD}')")
    before, done = everything(server), run(server, apply=True)
    assert done.returncode != 0 and "violates check constraint" in done.stderr
    assert everything(server) == before


def test_who_rewrites_has_no_more_rights_than_the_component(server: Database) -> None:
    env = rendered().pod("openzaak/Job/migrate").environment
    assert env["PGOPTIONS"] == "-c role=openzaak"
    with pytest.raises(psycopg.errors.InsufficientPrivilege), server.operator.connect("openzaak") as connection:
        connection.execute("SET ROLE openzaak")
        connection.execute("CREATE DATABASE other")


def test_only_databases_that_hold_addresses_are_looked_at() -> None:
    assert set(databases(rendered().built)) == {
        "openzaak", "opennotificaties", "openklant", "openobject", "openformulieren",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("http://a", "https://b/"), ("http://a/", "https://b"), ("http://a/'; DROP TABLE x; --/", "https://b/"),
        ("ftp://a/", "https://b/"), ("http://a/", "http://a/x/"),
    ],
)  # fmt: skip
def test_an_address_that_would_do_harm_is_refused(old: str, new: str) -> None:
    with pytest.raises(InputError):
        check_rewrites([Rewrite(old, new)])


def test_one_address_within_another_is_refused() -> None:
    with pytest.raises(InputError, match="is part of"):
        check_rewrites([Rewrite("http://a/", "https://b/"), Rewrite("http://a/c/", "https://d/")])
