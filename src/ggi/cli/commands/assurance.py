"""waivers, dossier, approve, audit vvt: what was accepted, what was done, and what that proves."""

from __future__ import annotations

import os
from dataclasses import asdict, astuple
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli import completion
from ggi.cli.commands.audit import audit_app, place_of
from ggi.cli.options import AnyName, From, Json, Name, OnDate, Sandbox, date_of
from ggi.cli.output import note, paint, say, say_json, table
from ggi.cli.root import app, platform_of, workspace_of
from ggi.cli.typer_words import MAIN, MainCommand, MainGroup
from ggi.errors import EXIT_FAILED, InputError, Problem, raise_if
from ggi.inventory.stack import Stack, StackKind, kind_of
from ggi.messages import mark, t

if TYPE_CHECKING:
    import datetime as dt

    from ggi.app.workspace import Workspace
    from ggi.assurance.dossier import Dossier, OperationRow
    from ggi.assurance.history import Update
    from ggi.assurance.statement import Statement
    from ggi.assurance.trail import Trail
    from ggi.assurance.waiver_register import Entry, Proposed
    from ggi.controls.coverage import NormCoverage
    from ggi.inventory.load import Tenant

waivers_app = typer.Typer(cls=MainGroup, help="List what was accepted over the whole fleet, and rewrite old files.")
app.add_typer(waivers_app, name="waivers")

DOSSIER_FORMATS = ("table", "json", "md")
DOSSIER_COLUMNS = (
    mark("sample"), mark("stack"), mark("line"), mark("time (UTC)"), mark("operation"), mark("who"), mark("change"),
    mark("release"), mark("outcome"), mark("controls of the norm"), mark("approval"), mark("hash"),
)  # fmt: skip
STATEMENT_FORMATS = ("table", "json", "csv", "md")
STATEMENT_COLUMNS = (
    mark("number"), mark("measure"), mark("applicable"), mark("reason"), mark("implemented"), mark("owner"),
    mark("proof"), mark("kind"),
)  # fmt: skip
ANNEX = (
    mark("control"), mark("norms"), mark("resource"), mark("seen"), mark("status"), mark("reason"),
    mark("compensating measure or plan"), mark("owner"), mark("approver"), mark("granted"), mark("last day"),
)  # fmt: skip


def _asked(workspace: Workspace, names: list[str]) -> tuple[list[Tenant], set[str]]:
    """The tenants, and the stacks when some were named; a tenant's id or name means all its environments."""
    inventory = workspace.inventory
    if not names:
        return list(inventory.tenants()), set()
    tenants: dict[str, Tenant] = {}
    stacks: set[str] = set()
    for text in names:
        tenant, environment = inventory.find(text)
        tenants[tenant.id] = tenant
        one = text.strip().lower().endswith(f"-{environment}")
        asked = (environment,) if one else tenant.environments
        stacks |= {str(Stack(StackKind.LANDSCAPE, tenant.id, name)) for name in asked}
    return list(tenants.values()), stacks


def _gathered(
    workspace: Workspace, tenants: list[Tenant], stacks: set[str], on: dt.date
) -> tuple[list[Entry], list[Proposed]]:
    from ggi.assurance.waiver_register import entries, proposals
    from ggi.inventory.consistency import check_waiver_files

    found, inventory = workspace.waivers, workspace.inventory
    problems = found.problems
    check_waiver_files(found, workspace.folder.parent, inventory.tenant_ids(), inventory.region_ids(), problems)
    raise_if(problems)
    listed = [
        entry
        for tenant in tenants
        if tenant.id in found.tenants
        for entry in entries(workspace.assessor(on), found.tenants[tenant.id], tenant)
        if not stacks or entry.stack in stacks
    ]
    listed.sort(key=lambda e: (e.ends is None, e.ends or on, e.tenant, e.environment, e.control, e.resource))
    return listed, proposals(found, tenants)


def _stacks_of(tenant: Tenant) -> set[Stack]:
    """What serves a tenant: its landscapes, its network and its Microsoft 365 tenant."""
    landscapes = {Stack(StackKind.LANDSCAPE, tenant.id, name) for name in tenant.environments}
    return landscapes | {Stack(StackKind.NETWORK, tenant.network), Stack(StackKind.M365, tenant.m365)}


def _urgent(workspace: Workspace, tenants: list[Tenant], *, clusters: bool) -> list[dict[str, Any]]:
    """Urgent operations on what serves these tenants that nobody approved, also in the sandbox, the oldest first.

    With `clusters`, those on clusters as well, which serve everybody.
    """
    from ggi.assurance.trail import read_trail, stacks_with_trail, trail_file

    stacks = {str(stack) for tenant in tenants for stack in _stacks_of(tenant)}
    found: list[dict[str, Any]] = []
    for sandbox in (None, platform_of(sandbox=True).sandbox):
        shared = {stack for stack in stacks_with_trail(sandbox) if clusters and kind_of(stack) is StackKind.CLUSTER}
        for stack in sorted(stacks | shared):
            found += read_trail(trail_file(stack, sandbox), stack, workspace.inventory.changes).urgent_open()
    return sorted(found, key=lambda record: str(record["at"]))


def _entry(entry: Entry) -> dict[str, Any]:
    return {**asdict(entry), "stack": entry.stack, "origin": str(entry.origin)}


def _days(entry: Entry) -> str:
    if entry.days is None:
        return t("no end")
    if entry.days < 0:
        return t("{days} days ago", days=-entry.days)
    return t("{days} days", days=entry.days)


def _rows(listed: list[Entry]) -> list[tuple[str, ...]]:
    from ggi.assurance.waiver_register import KINDS, STATES

    return [
        (
            _days(e),
            str(e.ends or "-"),
            t(STATES[e.state]),
            e.stack,
            e.control or t(KINDS[e.kind]),
            e.resource,
            e.owner,
            f"{e.origin}" + (f" ({e.proposal})" if e.proposal else ""),
        )
        for e in listed
    ]


@waivers_app.command(name=MAIN, cls=MainCommand, hidden=True)
def waivers(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STACK...]",
            autocompletion=completion.landscapes,
            help="Only these stacks or gemeenten; default: all.",
        ),
    ] = None,
    date: OnDate = None,
    json_output: Json = False,
) -> None:
    """List what was accepted over the whole fleet, what ends soonest first. Exit code 1 when somebody must act.

    Example: ggi waivers --date 2027-09-15
    """
    from ggi.assurance.waiver_register import WRONG, DeviationState

    workspace, on = workspace_of(context), date_of(date)
    tenants, stacks = _asked(workspace, names or [])
    listed, proposed = _gathered(workspace, tenants, stacks, on)
    waiting = _urgent(workspace, tenants, clusters=not names)
    if json_output:
        say_json(
            {
                "urgent": [{k: r[k] for k in ("stack", "number", "at", "change", "urgent", "who")} for r in waiting],
                "date": on,
                "waivers": [_entry(entry) for entry in listed],
                "proposals": [{**asdict(p), "origin": str(p.origin)} for p in proposed],
            }
        )
    else:
        headers = (t("ends in"), t("last day"), t("state"), t("stack"), t("control"), t("resource"), t("owner"))
        if listed:
            table((*headers, t("place")), _rows(listed), indent="  ")
        for p in proposed:
            line = t(
                "  {name} is proposed until {date} (reads: {reads}); adopted by {adopted}, not by {others}",
                name=p.name,
                date=p.ends,
                reads=p.reads,
                adopted=", ".join(p.adopted) or t("nobody"),
                others=", ".join(p.open) or t("nobody"),
            )
            note(line)
        for record in waiting:
            line = t(
                "  urgent and not approved: {stack} {number} of {date}, {change}: {reason}",
                stack=record["stack"] + (" --sandbox" if record.get("where", {}).get("sandbox") else ""),
                number=record["number"],
                date=record["at"][:10],
                change=record["change"],
                reason=record["urgent"]["reason"],
            )
            say(paint(line, "red"))
        wrong = sum(e.state in WRONG for e in listed) + len(waiting)
        soon = sum(e.state is DeviationState.SOON for e in listed)
        closing = t(
            "{date}: {count} accepted deviations, {soon} end within 30 days, {wrong} need somebody to act",
            date=on,
            count=len(listed),
            soon=soon,
            wrong=wrong,
        )
        say(paint(closing, "red" if wrong else "yellow" if soon else "green"))
    if waiting or any(e.state in WRONG for e in listed):
        raise typer.Exit(EXIT_FAILED)


@waivers_app.command()
def migrate(
    context: typer.Context,
    write: Annotated[bool, typer.Option("--write", help="Rewrite the files; default: only tell.")] = False,
    json_output: Json = False,
) -> None:
    """Rewrite values that older versions accepted as English sentences. Exit code 1 when something is left to do.

    Example: ggi waivers migrate --write
    """
    from ggi.audit.migration import plan_migration

    workspace = workspace_of(context)
    controls = workspace.controls_of(StackKind.LANDSCAPE, StackKind.NETWORK)
    found = plan_migration(workspace.catalogue.roots, controls.by_id)
    if write:
        found.write()
    if json_output:
        rewritten = [[str(r.origin), r.before, r.after] for r in found.rewritings]
        say_json({"written": write, "rewritten": rewritten, "problems": [str(p) for p in found.problems]})
    else:
        for one in found.rewritings:
            say(f"  {one.origin}: {one.before} -> {one.after}")
        for problem in found.problems:
            note(str(problem))
        count = len(found.rewritings)
        if write:
            say(t("{count} values rewritten", count=count))
        else:
            say(t("{count} values would be rewritten; `--write` does it", count=count))
    if found.problems or (found.rewritings and not write):
        raise typer.Exit(EXIT_FAILED)


def trails(workspace: Workspace, names: list[str], sandbox: bool) -> list[Trail]:
    """The trails of these stacks; without names, of every one that has a trail here. Raises InputError."""
    from ggi.assurance.trail import read_trail, stacks_with_trail, trail_file

    where = platform_of(sandbox).sandbox
    stacks = [str(workspace.stack(name)) for name in names] if names else stacks_with_trail(where)
    return [read_trail(trail_file(stack, where), stack, workspace.inventory.changes) for stack in stacks]


def _histories(listed: list[Trail], sandbox: bool) -> dict[str, list[Update]]:
    """The engine's own history of each stack, where it is in a folder of this machine."""
    from ggi.assurance.history import updates
    from ggi.engine.target import local_state

    own = f"file://{local_state(platform_of(sandbox).sandbox) / 'state'}"
    backend = own if sandbox else os.environ.get("PULUMI_BACKEND_URL") or own
    found = {trail.stack: updates(backend, trail.stack) for trail in listed if kind_of(trail.stack).on_kubernetes}
    return {stack: history for stack, history in found.items() if history is not None}


ENDS = (
    mark("done"), mark("failed"), mark("interrupted"), mark("confirmed at the terminal"), mark("given with --yes"),
)  # fmt: skip
"""Words of a trail, which is in English for programs; a table shows them in the reader's language."""


def _operation(item: OperationRow) -> tuple[str, ...]:
    outcome = t(item.outcome) + (f" ({t('urgent')}: {item.urgent})" if item.urgent else "")
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
        t(item.approval),
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
    if found.unseen:
        lines.append(t("The engine's own history could not be compared: {stacks}", stacks=", ".join(found.unseen)))
    lines += [t("A trail is not as it was written: {problem}", problem=problem) for problem in found.problems]
    return lines


def _dossier_data(found: Dossier) -> dict[str, Any]:
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
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STACK...]",
            autocompletion=completion.all_stacks,
            help="Default: every stack that has a trail here.",
        ),
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

    if form not in DOSSIER_FORMATS:
        known = t("Known: {names}.", names=", ".join(DOSSIER_FORMATS))
        raise InputError(Problem(t("there is no format {name}", name=form), known))
    workspace = workspace_of(context)
    rows = coverage(workspace.controls, load_frameworks(workspace.catalogue.roots))
    norms = norms_of(norm, rows) if norm else ()
    listed = trails(workspace, names or [], sandbox)
    histories = _histories(listed, sandbox)
    found = made(norms, period(within or str(today().year)), listed, size or SAMPLE, histories)
    columns = [t(column) for column in DOSSIER_COLUMNS]
    text = f"# {t('Dossier')}\n\n" + "\n".join(f"- {line}" for line in _texts(found)) + "\n\n"
    text += markdown_rows(columns, [_operation(item) for item in found.population])
    if out is not None:
        out.write_text(text, encoding="utf-8")
        note(str(out))
    if json_output or form == "json":
        say_json(_dossier_data(found))
    elif form == "md":
        say(text.rstrip())
    else:
        for line in _texts(found):
            say(line)
        if found.population:
            table(columns, [_operation(item) for item in found.population], indent="  ")
        say(t("It shows what was done. Whether the norm is met, a person decides."))
    if found.problems:
        note(paint(t("A trail was changed; keep it, and find out."), "red"))
        raise typer.Exit(EXIT_FAILED)


@app.command()
def approve(
    context: typer.Context,
    name: AnyName,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Number in the trail; `ggi waivers` lists them.")],
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="The role in which you approve; not a name.")],
    remark: Annotated[str, typer.Option("--remark", metavar="TEXT", help="What you looked at.")] = "",
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="Sign with this Ed25519 key of the role.")
    ] = None,
    sandbox: Sandbox = False,
    json_output: Json = False,
) -> None:
    """Approve what another person did as urgent, or wants to do that loses data. The stack's trail keeps it.

    Example: ggi approve gm9901 12 --role CISO --remark "Looked at it with the supplier."
    """
    from ggi.app.deploying import operation_on
    from ggi.app.operations import ChangeRequest, Operation

    workspace, platform = workspace_of(context), platform_of(sandbox)
    stack = workspace.stack(name)
    if stack.kind.on_kubernetes:
        operation = operation_on(workspace.owner(name), "approve", workspace, platform, ChangeRequest(), note)
    else:
        operation = Operation("approve", stack, platform, ChangeRequest(), workspace.inventory.changes, note)
    added = operation.approve(number, role, remark, key)
    if json_output:
        say_json(added)
    else:
        say(t("{stack} {number}: approved by {role}", stack=stack, number=number, role=role.strip()))


def _norms(workspace: Workspace, wanted: list[str]) -> list[NormCoverage]:
    from ggi.controls.coverage import coverage, framework_names, load_frameworks

    frameworks = load_frameworks(workspace.catalogue.roots)
    chosen = framework_names(wanted, frameworks)
    return [row for row in coverage(workspace.controls, frameworks) if row.framework in chosen]


def _lines(found: Statement) -> list[tuple[str, ...]]:
    from ggi.assurance.statement import WORDS

    return [
        (x.number, x.measure, t(WORDS[x.applicable]), x.reason, t(WORDS[x.implemented]), x.owner, x.proof, x.kind)
        for x in found.lines
    ]


def _annex(found: Statement) -> list[tuple[str, ...]]:
    return [astuple(item) for item in found.annex]


def _statement_head(found: Statement) -> str:
    audit = found.audit
    return t(
        "{tenant} ({stack}), {place}, {date}: contribution to the Verklaring van Toepasselijkheid",
        tenant=audit.tenant,
        stack=audit.stack,
        place=audit.place.value,
        date=audit.date,
    )


def _statement_closing() -> str:
    return t(
        "This is a contribution: the gemeente decides what applies and names an owner. `partly, by automation` is not "
        "`implemented`; no norm is met by this alone."
    )


def _statement_data(found: Statement) -> dict[str, Any]:
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
    context: typer.Context,
    name: Name,
    frameworks: Annotated[
        list[str] | None,
        typer.Option("--framework", metavar="NAME", help="Can be repeated; default BIO2 and ISO 27002."),
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar="NAME", help="table, json, csv or md.")] = "table",
    annex: Annotated[bool, typer.Option("--annex", help="Only the annex of exceptions.")] = False,
    place: From = "plan",
    sandbox: Sandbox = False,
    date: OnDate = None,
    json_output: Json = False,
) -> None:
    """Write what this toolkit can add to a gemeente's Verklaring van Toepasselijkheid, and the annex of exceptions.

    Example: ggi audit vvt gm9901 --format csv > vvt.csv
    """
    from ggi.app.auditing import AuditRequest, audit_stack
    from ggi.assurance.statement import statement
    from ggi.inventory.waivers import WaiverFile
    from ggi.report.audit.tables import csv_rows, markdown_rows

    if form not in STATEMENT_FORMATS:
        known = t("Known: {names}.", names=", ".join(STATEMENT_FORMATS))
        raise InputError(Problem(t("there is no format {name}", name=form), known))
    workspace, on = workspace_of(context), date_of(date)
    judged = audit_stack(AuditRequest(workspace, name, platform_of(sandbox), place_of(place), on, report=note))
    own = workspace.waivers.get(Stack.parse(judged.stack).owner)
    rows = _norms(workspace, frameworks or ["BIO2", "ISO 27002"])
    found = statement(judged, rows, own.file if own else WaiverFile())
    if json_output or form == "json":
        say_json(_statement_data(found))
        return
    columns, annexed = [t(c) for c in STATEMENT_COLUMNS], [t(c) for c in ANNEX]
    if form == "csv":
        say((csv_rows(annexed, _annex(found)) if annex else csv_rows(columns, _lines(found))).rstrip())
        return
    if form == "md":
        parts = [f"# {_statement_head(found)}\n"] + (
            [] if annex else [markdown_rows(columns, _lines(found)), _statement_closing() + "\n"]
        )
        say("\n".join([*parts, f"## {t('Annex: exceptions')}\n", markdown_rows(annexed, _annex(found))]).rstrip())
        return
    say(_statement_head(found))
    if not annex:
        # The others say all the same; every other format has them.
        seen = [line for line, row in zip(_lines(found), found.lines, strict=True) if row.proof]
        table([columns[i] for i in (0, 2, 4, 6, 1)], [[r[i] for i in (0, 2, 4, 6, 1)] for r in seen], "  ")
        count = len(found.lines) - len(seen)
        say(t("  and {count} norms at which no control looks: the gemeente itself shows how they are met", count=count))
    say(t("Annex: exceptions"))
    shown = (0, 2, 3, 4, 7, 8)
    table([annexed[i] for i in shown], [[r[i] for i in shown] for r in _annex(found)], indent="  ")
    say(_statement_closing())
