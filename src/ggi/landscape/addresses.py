"""Addresses in databases, when they change: which become which, the SQL that rewrites them, and the Job that runs it.

In the ZGW standards an address is an identity, and applications keep it in many ways. Open Zaak splits a reference to
another register into a row of `zgw_consumers_service` (`api_root`) and the rest of the path (`ServiceUrlField`,
`ServiceFkField` and `RelativeURLField` in openzaak/components/zaken/models/zaken.py, 90dd5eb), a reference to its own
into a foreign key without any address, and writes whole addresses into rights, its audit trail and `zaakobject`. Open
Formulieren keeps answers of registers as JSON. So nothing is assumed: every column with text, JSON or a list of them is
looked at.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ggi.catalogue.component import service_host
from ggi.errors import InputError, Problem
from ggi.landscape.build import Landscape
from ggi.landscape.objects import Body
from ggi.messages import t

ADDRESS = re.compile(r"https?://[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?/([A-Za-z0-9._~-]+/)*")
"""With a slash at its end: else `http://a` would be found at the beginning of `http://ab`."""
FORMER = {"openzaak": "nginx", "openformulieren": "nginx"}
"""Processes whose Service was the address of a component before decision 021; of all others that of its route."""
ROW = "ggi-count"
"""First word of the lines with the counts, in what psql prints."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Everything below `old` moves below `new`."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Count:
    """Rows of a column that name an address of before."""

    table: str
    column: str
    rows: int


def former_addresses(built: Landscape) -> list[Rewrite]:
    """What the addresses of Services of before decision 021 become: the public names."""
    found = []
    for name, host in built.hosts.items():
        component = built.components[name].component
        if not component.passthrough:
            process = FORMER.get(name, component.route.partition(":")[0])
            found.append(
                Rewrite(f"http://{service_host(name, process, built.environment.namespace)}/", f"https://{host}/")
            )
    return found


def check_rewrites(rewrites: Iterable[Rewrite]) -> list[Rewrite]:
    """The rewrites, checked: each address once, none within another's result. Raises InputError."""
    found, problems = list(dict.fromkeys(rewrites)), []
    for address in (a for r in found for a in (r.old, r.new)):
        if not ADDRESS.fullmatch(address):
            message = t("{address} is no address that can be rewritten", address=address)
            problems.append(
                Problem(message, t("Write it with http:// or https://, in lower case, and a / at its end."))
            )
    for one in found:
        for other in found:
            if one.old in other.new or (one is not other and one.old in other.old):
                message = t(
                    "{old} is part of {other}", old=one.old, other=other.new if one.old in other.new else other.old
                )
                problems.append(Problem(message, t("Rewrite one after the other; twice the same must change nothing.")))
    if problems:
        raise InputError(*problems)
    return found


SCRIPT = """\
\\set ON_ERROR_STOP on
BEGIN;
CREATE TEMPORARY TABLE ggi_rewrites (old text, new text) ON COMMIT DROP;
INSERT INTO ggi_rewrites VALUES {pairs};
CREATE TEMPORARY TABLE ggi_counts (place text, name text, rows bigint) ON COMMIT DROP;
DO $ggi$
DECLARE
  item record;
  pair record;
  found bigint;
  value text;
  named text;
BEGIN
  SET CONSTRAINTS ALL DEFERRED;
  FOR item IN
    SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod) AS type
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_type e ON e.oid = y.typelem
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attgenerated = '' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
      AND (y.typname IN ('text', 'varchar', 'bpchar', 'json', 'jsonb', 'xml', 'hstore', 'citext')
        OR e.typname IN ('text', 'varchar', 'bpchar', 'json', 'jsonb', 'citext'))
    ORDER BY 1, 2, a.attnum
  LOOP
    named := format('EXISTS (SELECT 1 FROM ggi_rewrites WHERE strpos(%I::text, old) > 0)', item.attname);
    EXECUTE format('SELECT count(*) FROM %I.%I WHERE %s', item.nspname, item.relname, named) INTO found;
    IF found = 0 THEN
      CONTINUE;
    END IF;
    INSERT INTO ggi_counts VALUES (item.nspname || '.' || item.relname, item.attname, found);
    IF {apply} THEN
      value := format('%I::text', item.attname);
      FOR pair IN SELECT * FROM ggi_rewrites LOOP
        value := format('replace(%s, %L, %L)', value, pair.old, pair.new);
      END LOOP;
      EXECUTE format('UPDATE %I.%I SET %I = (%s)::%s WHERE %s',
        item.nspname, item.relname, item.attname, value, item.type, named);
    END IF;
  END LOOP;
END
$ggi$;
\\pset format unaligned
\\pset tuples_only on
\\pset fieldsep ' '
SELECT '{row}', place, name, rows FROM ggi_counts ORDER BY 1, 2, 3;
COMMIT;
"""
"""One transaction: everything of a database, or nothing. A value that no longer fits its column is an error."""


def script(rewrites: Iterable[Rewrite], *, apply: bool) -> str:
    """The program for psql: it prints how many rows of which column name old addresses, and with `apply` rewrites them.

    `rewrites` must have passed `check_rewrites`, so that no address can end a literal.
    """
    pairs = ", ".join(f"('{r.old}', '{r.new}')" for r in rewrites)
    return SCRIPT.replace("{pairs}", pairs).replace("{apply}", str(apply).upper()).replace("{row}", ROW)


def counts(printed: str) -> list[Count]:
    """What psql printed, as counts."""
    lines = (line.split(" ") for line in printed.splitlines() if line.startswith(f"{ROW} "))
    return [Count(table, column, int(rows)) for _, table, column, rows in lines]


def databases(built: Landscape) -> list[str]:
    """The components whose databases can hold addresses: those that migrate one and are told where it is."""
    names = []
    for name in built.order:
        has_job = any(o.name == f"{name}/Job/migrate" for o in built.objects)
        environment: dict[str, str] = next(
            (o.body["data"] for o in built.objects if o.name == f"{name}/ConfigMap/env"), {}
        )
        if has_job and "DB_HOST" in environment:
            names.append(name)
    return names


def job(built: Landscape, component: str, rewrites: Iterable[Rewrite], *, apply: bool) -> Body:
    """A Job that runs the script on the database of `component`: the one that migrates it, with another command.

    So it has the same rights, secrets and place in the network. psql comes with the image of PostgreSQL.
    """
    migrate = next(o for o in built.objects if o.name == f"{component}/Job/migrate")
    body: Body = copy.deepcopy(migrate.body)
    name = f"{component}-addresses"
    body["metadata"] = {"name": name, "namespace": built.environment.namespace, "labels": body["metadata"]["labels"]}
    body["spec"] |= {"backoffLimit": 0, "ttlSecondsAfterFinished": 3600}
    (container,) = body["spec"]["template"]["spec"]["containers"]
    container["image"] = built.environment.cluster.image(built.components["postgresql"].version.image().reference)
    container["command"] = [
        "/bin/sh",
        "-c",
        'export PGHOST="$DB_HOST" PGPORT="$DB_PORT" PGDATABASE="$DB_NAME" PGUSER="$DB_USER" PGPASSWORD="$DB_PASSWORD"\n'
        'printf "%s" "$1" | psql --no-psqlrc --quiet',
        "addresses",
        script(rewrites, apply=apply),
    ]
    return body
