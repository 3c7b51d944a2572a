"""waivers: everything that was accepted, over the whole fleet, what ends soonest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli.app import app
from ggi.cli.groups import MAIN, MainCommand, MainGroup
from ggi.cli.options import Json
from ggi.cli.output import note, paint, say, say_json, table
from ggi.cli.workspace import Workspace, sandbox_name
from ggi.errors import EXIT_FAILED, raise_if
from ggi.messages import t

if TYPE_CHECKING:
    import datetime as dt

    from ggi.assurance.waiver_register import Entry, Proposed
    from ggi.inventory.load import Tenant

waivers_app = typer.Typer(cls=MainGroup, help="List what was accepted over the whole fleet, and rewrite old files.")
app.add_typer(waivers_app, name="waivers")


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
        stacks |= {f"{tenant.id}-{name}" for name in ((environment,) if one else tenant.environments)}
    return list(tenants.values()), stacks


def _gathered(
    workspace: Workspace, tenants: list[Tenant], stacks: set[str], on: dt.date
) -> tuple[list[Entry], list[Proposed]]:
    from ggi.assurance.waiver_register import entries, proposals
    from ggi.audit.deviations import load_waivers
    from ggi.inventory.consistency import check_waiver_files

    controls = workspace.controls
    found = load_waivers(workspace.catalogue.roots, controls.by_id, controls.retired)
    inventory = workspace.inventory
    problems = found.problems
    check_waiver_files(found, workspace.folder.parent, inventory.tenant_ids(), inventory.region_ids(), problems)
    raise_if(problems)
    listed = [
        entry
        for tenant in tenants
        if tenant.id in found.tenants
        for entry in entries(found.tenants[tenant.id], tenant, workspace.inventory, workspace.catalogue, controls, on)
        if not stacks or entry.stack in stacks
    ]
    listed.sort(key=lambda e: (e.ends is None, e.ends or on, e.tenant, e.environment, e.control, e.resource))
    return listed, proposals(found, tenants)


def _urgent(tenants: list[Tenant]) -> list[dict[str, Any]]:
    """Urgent updates of these tenants that nobody approved, also in the sandbox, the oldest first."""
    from ggi.assurance.trail import read_trail, trail_file

    found: list[dict[str, Any]] = []
    for tenant in tenants:
        for name in tenant.environments:
            for sandbox in (None, sandbox_name()):
                trail = read_trail(trail_file(f"{tenant.id}-{name}", sandbox), f"{tenant.id}-{name}")
                found += trail.urgent_open()
    return sorted(found, key=lambda record: str(record["at"]))


def _data(entry: Entry) -> dict[str, Any]:
    from dataclasses import asdict

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
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[STACK...]", help="Only these stacks or gemeenten; default: all.")
    ] = None,
    date: Annotated[
        str | None, typer.Option("--date", metavar="DATE", help="Judge as on this date; default today.")
    ] = None,
    json_output: Json = False,
) -> None:
    """List what was accepted over the whole fleet, what ends soonest first. Exit code 1 when somebody must act.

    Example: ggi waivers --date 2027-09-15
    """
    from ggi.assurance.waiver_register import WRONG, DeviationState
    from ggi.cli.audit import audit_date

    workspace, on = Workspace(), audit_date(date)
    tenants, stacks = _asked(workspace, names or [])
    listed, proposed = _gathered(workspace, tenants, stacks, on)
    waiting = _urgent(tenants)
    if json_output:
        say_json(
            {
                "urgent": [{k: r[k] for k in ("stack", "number", "at", "change", "urgent", "who")} for r in waiting],
                "date": on,
                "waivers": [_data(entry) for entry in listed],
                "proposals": [{**_plain(p), "origin": str(p.origin)} for p in proposed],
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
    write: Annotated[bool, typer.Option("--write", help="Rewrite the files; default: only tell.")] = False,
    json_output: Json = False,
) -> None:
    """Rewrite values that older versions accepted as English sentences. Exit code 1 when something is left to do.

    Example: ggi waivers migrate --write
    """
    from ggi.audit.migration import plan_migration
    from ggi.hosts.audit import controls_of
    from ggi.hosts.controls import load_host_controls

    workspace = Workspace()
    roots = workspace.catalogue.roots
    found = plan_migration(roots, {**workspace.controls.by_id, **controls_of(load_host_controls(roots))})
    if write:
        found.write()
    left = bool(found.problems) or (bool(found.rewritings) and not write)
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
    if left:
        raise typer.Exit(EXIT_FAILED)


def _plain(proposed: Proposed) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(proposed)
