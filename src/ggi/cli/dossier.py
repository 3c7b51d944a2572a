"""dossier: what was done to stacks in a period, a sample of it, and the evidence about one norm."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli.app import app
from ggi.cli.options import Json, Sandbox
from ggi.cli.output import note, paint, say, say_json, table
from ggi.cli.workspace import Workspace, sandbox_name
from ggi.errors import EXIT_FAILED, InputError, Problem
from ggi.messages import mark, t

if TYPE_CHECKING:
    from ggi.assurance.dossier import Dossier, OperationRow
    from ggi.assurance.history import Update
    from ggi.assurance.trail import Trail

FORMATS = ("table", "json", "md")
COLUMNS = (
    mark("sample"), mark("stack"), mark("line"), mark("time (UTC)"), mark("operation"), mark("who"), mark("change"),
    mark("release"), mark("outcome"), mark("controls of the norm"), mark("approval"), mark("hash"),
)  # fmt: skip


def trails(workspace: Workspace, names: list[str], sandbox: bool) -> list[Trail]:
    """The trails of these stacks; without names, of every one that has a trail here. Raises InputError."""
    from ggi.assurance.trail import read_trail, trail_file

    where = sandbox_name() if sandbox else None
    if names:
        stacks = [workspace.owner(name).stack for name in names]
    else:
        stacks = sorted(path.stem for path in trail_file("x", where).parent.glob("*.jsonl"))
    return [read_trail(trail_file(stack, where), stack) for stack in stacks]


def _histories(listed: list[Trail], sandbox: bool) -> dict[str, list[Update]]:
    """The engine's own history of each stack, where it is in a folder of this machine."""
    from ggi.assurance.history import updates
    from ggi.engine.target import local_state

    own = f"file://{local_state(sandbox_name() if sandbox else None) / 'state'}"
    backend = own if sandbox else os.environ.get("PULUMI_BACKEND_URL") or own
    found = {trail.stack: updates(backend, trail.stack) for trail in listed}
    return {stack: history for stack, history in found.items() if history is not None}


def _row(item: OperationRow) -> tuple[str, ...]:
    outcome = item.outcome + (f" ({t('urgent')}: {item.urgent})" if item.urgent else "")
    return (
        "x" if item.sampled else "",
        item.stack,
        str(item.number),
        item.at.removesuffix("+00:00"),
        item.operation,
        item.who,
        item.change or "-",
        item.release,
        outcome,
        item.verdict,
        item.approval,
        item.hash[:12],
    )


def _texts(found: Dossier) -> list[str]:
    """What stands above the table: which norm, which controls, how the sample was taken."""
    lines = [f"{row.framework} {row.version} {row.id}: {row.subject} [{row.coverage.value}]" for row in found.norms]
    which = " ".join(found.controls) or (t("none") if found.norms else t("all"))
    lines.append(t("Controls: {controls}", controls=which))
    lines.append(
        t(
            "Population: {count} operations from {first} to {last} in {trails} trails; sample: {sample}, the first by "
            "SHA-256 of norm, period and hash of the line",
            count=len(found.population),
            first=found.period.first,
            last=found.period.last,
            trails=len(found.trails),
            sample=len(found.sample),
        )
    )
    heads = ", ".join(f"{trail.stack} {len(trail.records)}:{trail.head[:12]}" for trail in found.trails if trail.head)
    lines.append(t("Last lines: {heads}", heads=heads or "-"))
    lines += [
        t("{stack}: {count} updates were done without `ggi up`; no trail has them", stack=stack, count=count)
        for stack, count in found.outside.items()
    ]
    unseen = [trail.stack for trail in found.trails if trail.stack not in found.histories]
    if unseen:
        lines.append(t("The engine's own history could not be compared: {stacks}", stacks=", ".join(unseen)))
    lines += [t("A trail is not as it was written: {problem}", problem=problem) for problem in found.problems]
    return lines


def _data(found: Dossier) -> dict[str, Any]:
    return {
        "norms": [{"framework": r.framework, "version": r.version, "id": r.id} for r in found.norms],
        "controls": list(found.controls),
        "period": {"first": found.period.first, "last": found.period.last},
        "size": found.size,
        "population": [asdict(item) for item in found.population],
        "sample": [item.hash for item in found.sample],
        "trails": [{"stack": x.stack, "lines": len(x.records), "head": x.head} for x in found.trails],
        "outside": found.outside,
        "compared": sorted(found.histories),
        "problems": [str(problem) for problem in found.problems],
    }


@app.command()
def dossier(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[STACK...]", help="Default: every stack that has a trail here.")
    ] = None,
    norm: Annotated[
        str | None, typer.Option("--norm", metavar="ID", help="Such as BIO2:8.24.01; default: all norms together.")
    ] = None,
    within: Annotated[
        str | None, typer.Option("--period", metavar="PERIOD", help="2026, 2026-Q3, 2026-11 or DATE..DATE.")
    ] = None,
    size: Annotated[
        int | None, typer.Option("--sample", metavar="COUNT", min=1, help="Operations in the sample; default 25.")
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar="NAME", help="table, json or md.")] = "table",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write Markdown into this file.")] = None,
    sandbox: Sandbox = False,
    json_output: Json = False,
) -> None:
    """Show what was done in a period: population, sample and evidence. Exit code 1 when a trail was changed.

    Example: ggi dossier --norm BIO2:8.32.01 --period 2026
    """
    from ggi.assurance.dossier import SAMPLE, norms_of, period
    from ggi.assurance.dossier import dossier as made
    from ggi.clock import today
    from ggi.controls.coverage import coverage, load_frameworks
    from ggi.report.audit.tables import markdown_rows

    if form not in FORMATS:
        known = t("Known: {names}.", names=", ".join(FORMATS))
        raise InputError(Problem(t("there is no format {name}", name=form), known))
    workspace = Workspace()
    rows = coverage(workspace.controls, load_frameworks(workspace.catalogue.roots))
    norms = norms_of(norm, rows) if norm else ()
    listed = trails(workspace, names or [], sandbox)
    histories = _histories(listed, sandbox)
    found = made(norms, period(within or str(today().year)), listed, size or SAMPLE, histories)
    columns = [t(column) for column in COLUMNS]
    text = f"# {t('Dossier')}\n\n" + "\n".join(f"- {line}" for line in _texts(found)) + "\n\n"
    text += markdown_rows(columns, [_row(item) for item in found.population])
    if out is not None:
        out.write_text(text, encoding="utf-8")
        note(str(out))
    if json_output or form == "json":
        say_json(_data(found))
    elif form == "md":
        say(text.rstrip())
    else:
        for line in _texts(found):
            say(line)
        if found.population:
            table(columns, [_row(item) for item in found.population], indent="  ")
        say(t("It shows what was done. Whether the norm is met, a person decides."))
    if found.problems:
        note(paint(t("A trail was changed; keep it, and find out."), "red"))
        raise typer.Exit(EXIT_FAILED)
