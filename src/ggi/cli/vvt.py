"""audit vvt: the contribution of one landscape to the Verklaring van Toepasselijkheid, and the annex of exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli.audit import audit_app, audit_date, audit_stack, place_of
from ggi.cli.options import Json, Name, Sandbox
from ggi.cli.output import say, say_json, table
from ggi.cli.workspace import Workspace
from ggi.errors import InputError, Problem
from ggi.messages import mark, t

if TYPE_CHECKING:
    from ggi.assurance.statement import Statement
    from ggi.controls.coverage import Row

FORMATS = ("table", "json", "csv", "md")
COLUMNS = (
    mark("number"), mark("measure"), mark("applicable"), mark("reason"), mark("implemented"), mark("owner"),
    mark("proof"), mark("kind"),
)  # fmt: skip
ANNEX = (
    mark("control"), mark("norms"), mark("resource"), mark("seen"), mark("status"), mark("reason"),
    mark("compensating measure or plan"), mark("owner"), mark("approver"), mark("granted"), mark("last day"),
)  # fmt: skip


def _norms(workspace: Workspace, controls: Any, wanted: list[str]) -> list[Row]:
    from ggi.controls.coverage import coverage, load_frameworks
    from ggi.inventory.validate import nearest

    frameworks = load_frameworks(workspace.catalogue.roots)
    names = {f.framework.lower(): f.framework for f in frameworks}
    for name in wanted:
        if name.lower() not in names:
            message = t("there is no framework {name}", name=name)
            raise InputError(Problem(message, nearest(name, names.values())))
    chosen = {names[name.lower()] for name in wanted}
    return [row for row in coverage(controls, frameworks) if row.framework in chosen]


def _lines(found: Statement) -> list[tuple[str, ...]]:
    from ggi.assurance.statement import WORDS

    return [
        (x.number, x.measure, t(WORDS[x.applicable]), x.reason, t(WORDS[x.implemented]), x.owner, x.proof, x.kind)
        for x in found.lines
    ]


def _annex(found: Statement) -> list[tuple[str, ...]]:
    from dataclasses import astuple

    return [astuple(item) for item in found.annex]


def _head(found: Statement) -> str:
    audit = found.audit
    return t(
        "{tenant} ({stack}), {place}, {date}: contribution to the Verklaring van Toepasselijkheid",
        tenant=audit.tenant,
        stack=audit.stack,
        place=audit.place.value,
        date=audit.date,
    )


def _closing() -> str:
    return t(
        "This is a contribution: the gemeente decides what applies and names an owner. `partly, by automation` is not "
        "`implemented`; no norm is met by this alone."
    )


def _data(found: Statement) -> dict[str, Any]:
    from dataclasses import asdict

    audit = found.audit
    return {
        "stack": audit.stack,
        "tenant": audit.tenant,
        "from": audit.place.value,
        "date": audit.date.isoformat(),
        "proof": audit.proof.value,
        "lines": [asdict(line) for line in found.lines],
        "annex": [asdict(item) for item in found.annex],
    }


@audit_app.command()
def vvt(
    name: Name,
    frameworks: Annotated[
        list[str] | None,
        typer.Option("--framework", metavar="NAME", help="Can be repeated; default BIO2 and ISO 27002."),
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar="NAME", help="table, json, csv or md.")] = "table",
    annex: Annotated[bool, typer.Option("--annex", help="Only the annex of exceptions.")] = False,
    place: Annotated[str, typer.Option("--from", metavar="PLACE", help="Where to look: plan, state or live.")] = "plan",
    sandbox: Sandbox = False,
    date: Annotated[
        str | None, typer.Option("--date", metavar="DATE", help="Judge as on this date; default today.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Write what this toolkit can add to a gemeente's Verklaring van Toepasselijkheid, and the annex of exceptions.

    Example: ggi audit vvt gm9901 --format csv > vvt.csv
    """
    from ggi.assurance.statement import statement
    from ggi.audit.deviations import load_waivers
    from ggi.inventory.waivers import WaiverFile
    from ggi.report.audit.tables import csv_rows, markdown_rows

    if form not in FORMATS:
        known = t("Known: {names}.", names=", ".join(FORMATS))
        raise InputError(Problem(t("there is no format {name}", name=form), known))
    workspace, on = Workspace(), audit_date(date)
    controls = workspace.controls
    waivers = load_waivers(workspace.catalogue.roots, controls.by_id, controls.retired)
    judged = audit_stack(workspace, name, controls, waivers, place_of(place), on, sandbox)
    own = waivers.get(judged.stack.rpartition("-")[0])
    rows = _norms(workspace, controls, frameworks or ["BIO2", "ISO 27002"])
    found = statement(judged, rows, own.file if own else WaiverFile())
    if json_output or form == "json":
        say_json(_data(found))
        return
    columns, annexed = [t(c) for c in COLUMNS], [t(c) for c in ANNEX]
    if form == "csv":
        say((csv_rows(annexed, _annex(found)) if annex else csv_rows(columns, _lines(found))).rstrip())
        return
    if form == "md":
        parts = [f"# {_head(found)}\n"] + ([] if annex else [markdown_rows(columns, _lines(found)), _closing() + "\n"])
        say("\n".join([*parts, f"## {t('Annex: exceptions')}\n", markdown_rows(annexed, _annex(found))]).rstrip())
        return
    say(_head(found))
    if not annex:
        # The others say all the same; every other format has them.
        seen = [line for line, row in zip(_lines(found), found.lines, strict=True) if row.proof]
        table([columns[i] for i in (0, 2, 4, 6, 1)], [[r[i] for i in (0, 2, 4, 6, 1)] for r in seen], "  ")
        count = len(found.lines) - len(seen)
        say(t("  and {count} norms at which no control looks: the gemeente itself shows how they are met", count=count))
    say(t("Annex: exceptions"))
    shown = (0, 2, 3, 4, 7, 8)
    table([annexed[i] for i in shown], [[r[i] for i in shown] for r in _annex(found)], indent="  ")
    say(_closing())
