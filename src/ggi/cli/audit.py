"""audit: does a landscape meet the baseline, as it is planned, as it was written, or as it is in the cluster?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli.app import app
from ggi.cli.baseline import BaselineFile, FreezeFile, Measure
from ggi.cli.bundling import BundleFile, KeyFile, write_bundle
from ggi.cli.groups import MAIN, MainCommand, MainGroup
from ggi.cli.hostsplace import audit_hosts, is_network, with_host_controls
from ggi.cli.m365place import audit_m365, is_m365, with_recipes
from ggi.cli.options import Json, Sandbox
from ggi.cli.output import Progress, note, paint, say, say_json, table
from ggi.cli.reports import AllStacks, ControlIds, FormatNames, OutFolder, Reports, SinceFile, asked, known, only
from ggi.cli.workspace import Workspace
from ggi.errors import EXIT_FAILED, InputError, Problem
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.audit.audit import Audit, Place
    from ggi.controls.load import Controls
    from ggi.controls.observation import Domain, Facts, Subject
    from ggi.engine.kubeapi import KubeApi
    from ggi.inventory.waiverfiles import Waivers
    from ggi.inventory.waivers import Deviation

FEW = 50
"""Stacks between two lines of progress."""

audit_app = typer.Typer(cls=MainGroup, help="Judge a landscape by the controls, and keep and check the proof.")
"""`ggi audit STACK...` judges; other modules add commands to it, such as `ggi audit verify FILE`."""
app.add_typer(audit_app, name="audit")


def audit_date(text: str | None) -> dt.date:
    """The date of an audit (peildatum): what the user says, else today. Raises InputError."""
    from ggi.clock import today

    if text is None:
        return today()
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        problem = Problem(t("{value} is not a date", value=text), t("Write it as YYYY-MM-DD."))
        raise InputError(problem) from None


def place_of(text: str) -> Place:
    from ggi.audit.audit import Place

    try:
        return Place(text)
    except ValueError:
        known = ", ".join(place.value for place in Place)
        raise InputError(
            Problem(t("an audit can't look at {place}", place=text), t("Known: {names}.", names=known))
        ) from None


def _api(workspace: Workspace, facts: Facts, sandbox: bool) -> KubeApi:
    """A client for reading. The sandbox's has an auditor's rights and no more; elsewhere the login decides."""
    from ggi.audit.live import as_auditor
    from ggi.enforcement.cluster_stack import installed
    from ggi.engine.kubeapi import KubeApi

    api = KubeApi.from_kubeconfig(*workspace.place(facts.environment, sandbox))
    if sandbox and installed(api)[0]:
        as_auditor(api)
    return api


def _live(
    workspace: Workspace, facts: Facts, controls: Controls, sandbox: bool
) -> tuple[list[Subject], frozenset[str]]:
    from ggi.audit.live import read_namespace
    from ggi.controls.kinds import known_kinds
    from ggi.controls.subjects import of_objects

    kinds = {kind for control in controls for kind in control.kinds} or set(known_kinds())
    with _api(workspace, facts, sandbox) as api:
        objects, unread = read_namespace(api, facts.environment.namespace, {*kinds, "Namespace"})
    if not objects:
        raise InputError(
            Problem(
                t("the cluster has no namespace {name}", name=facts.environment.namespace),
                t("Bring the stack up first, or audit with `--from plan`."),
            )
        )
    return of_objects(objects, facts.landscape), unread


def _state(workspace: Workspace, facts: Facts, sandbox: bool, file: Path | None) -> list[Subject]:
    from ggi.audit.state import export_state, read_export
    from ggi.controls.subjects import of_state
    from ggi.engine.tools import PULUMI, resolve

    if file is not None:
        return list(of_state(read_export(file), facts.landscape))
    with Progress() as progress:
        cli = resolve(PULUMI, sandbox=sandbox, report=progress).path
    make = workspace.sandbox_target if sandbox else workspace.real_target
    return list(of_state(export_state(make(facts.environment, cli)), facts.landscape))


def _domains(facts: Facts) -> dict[str, Domain] | None:
    """What the DNS says of the environment's domain; None when this machine has no resolver."""
    from ggi.audit.domains import fetch, read_domain, system_resolver

    ask, name = system_resolver(), facts.environment.domain
    return {name: read_domain(name, ask, fetch=fetch)} if ask is not None else None


def audit_stack(
    workspace: Workspace,
    name: str,
    controls: Controls,
    waivers: Waivers,
    place: Place,
    date: dt.date,
    sandbox: bool,
    state_file: Path | None = None,
) -> Audit:
    """The audit of one stack in one place."""
    from ggi.audit.audit import Place, run_audit
    from ggi.controls.observation import Facts
    from ggi.controls.subjects import of_landscape

    if is_m365(name):
        return audit_m365(workspace, name, place, date, sandbox, state_file)
    if is_network(name):
        return audit_hosts(workspace, name, place, date, sandbox)
    facts = Facts(workspace.landscape(name), workspace.catalogue, workspace.inventory.registry)
    unread: frozenset[str] = frozenset()
    if place is Place.PLAN:
        subjects = of_landscape(facts.landscape)
    elif place is Place.STATE:
        subjects = _state(workspace, facts, sandbox, state_file)
    else:
        subjects, unread = _live(workspace, facts, controls, sandbox)
    own = waivers.get(facts.environment.tenant.id)
    simulated = sandbox and place is not Place.PLAN

    def others() -> dict[str, list[Deviation]]:
        from ggi.assurance.waiver_register import unused_elsewhere

        here, catalogue = facts.environment, workspace.catalogue
        return unused_elsewhere(own, here, workspace.inventory, catalogue, controls, date) if own else {}

    domains = _domains(facts) if place is Place.LIVE and not sandbox else None
    return run_audit(
        facts, subjects, controls, place, date, own, unread=unread, simulated=simulated, others=others, domains=domains
    )


def planned(workspace: Workspace, names: Sequence[str], date: dt.date, *, full: bool) -> Iterator[Audit]:
    """The audits of many stacks as they are planned, on all cores, and how far it is. Raises InputError."""
    from ggi.fleet.auditing import audit_all

    stacks = [(tenant.id, name) for tenant, name in map(workspace.inventory.find, names)]
    found = audit_all(workspace.folder, workspace.catalogue.roots, date, stacks, full=full)
    with Progress() as progress:
        for number, one in enumerate(found, 1):
            if number % FEW == 0 or number == len(stacks):
                progress(t("{number} of {total} stacks judged", number=number, total=len(stacks)))
            yield one


def _show(audit: Audit, *, alone: bool) -> None:
    """One audit as a table. Of many, what was not judged is told once, at the end."""
    from ggi.audit.summary import SHOWN, closing, rows
    from ggi.controls.verdict import Outcome

    listed = rows(audit, SHOWN if alone else [one for one in SHOWN if one is not Outcome.UNKNOWN])
    if listed:
        table((t("control"), t("outcome"), t("subject"), t("seen"), t("what to do")), listed, indent="  ")
    for problem in audit.problems:
        note(f"  ! {problem}")
    color = "red" if audit.counts[Outcome.FAIL] else "yellow" if audit.counts[Outcome.UNKNOWN] else "green"
    say(paint(closing(audit), color))
    if audit.simulated:
        if is_m365(audit.stack):
            say(t("  This is a stand-in tenant on this machine; nothing of Microsoft 365 was contacted."))
        elif is_network(audit.stack):
            say(t("  Looked at test hosts: real servers in containers on this machine."))
        else:
            say(t("  Looked at the sandbox: pods are simulated (kwok); no container runs."))


@audit_app.command(name=MAIN, cls=MainCommand, hidden=True)
def audit(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="STACK...", help="gm9901-prod, gm9901, or a name.")
    ] = None,
    place: Annotated[str, typer.Option("--from", metavar="PLACE", help="Where to look: plan, state or live.")] = "plan",
    state: Annotated[
        Path | None,
        typer.Option("--state", metavar="FILE", help="With --from state: an exported state, also one made by others."),
    ] = None,
    sandbox: Sandbox = False,
    date: Annotated[
        str | None, typer.Option("--date", metavar="DATE", help="Judge as on this date; default today.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 also when something that can be seen here was not judged.")
    ] = False,
    json_output: Json = False,
    everything: AllStacks = False,
    formats: FormatNames = None,
    out: OutFolder = None,
    since: SinceFile = None,
    control: ControlIds = None,
    baseline: BaselineFile = None,
    freeze: FreezeFile = None,
    bundle: BundleFile = None,
    key: KeyFile = None,
) -> None:
    """Judge a landscape by the controls. Exit code 1 when something does not comply.

    With a baseline (nulmeting) only what is new, or deviates otherwise than then, counts for the exit code.
    Example: ggi audit gm9901 --from plan --format html,junit,sarif,oscal --out reports
    """
    from ggi.audit.deviations import load_waivers
    from ggi.audit.summary import data, unjudged

    chosen, on, reports = place_of(place), audit_date(date), Reports.of(formats, out, since)
    workspace = Workspace()
    stacks = asked(workspace, names or [], everything)
    if state is not None and (chosen.value != "state" or len(stacks) != 1):
        fix = t("Write `ggi audit STACK --from state --state FILE`.")
        raise InputError(Problem(t("a file of state goes with one stack and --from state"), fix))
    controls = workspace.controls
    waivers = load_waivers(workspace.catalogue.roots, controls.by_id, controls.retired)
    reported = with_host_controls(with_recipes(controls, workspace, stacks), workspace, stacks)
    wanted = known(control, reported)
    measure = Measure.of(baseline, freeze)
    if chosen.value == "plan" and len(stacks) > 1 and not any(is_m365(s) or is_network(s) for s in stacks):
        # What complies is told one by one in reports and in what programs read, and only there.
        full = json_output or bundle is not None or bool(reports.formats)
        audits = [only(one, wanted) for one in planned(workspace, stacks, on, full=full)]
    else:
        audits = [
            only(
                audit_stack(workspace, name, controls, waivers, chosen, on, sandbox, state),
                wanted,
                drawn=len(stacks) == 1,
            )
            for name in stacks
        ]
    audits = measure.applied(audits)
    if json_output:
        found: Any = measure.with_data(data(audits), audits)
        say_json(found)
    else:
        for one in audits:
            _show(one, alone=len(audits) == 1)
            measure.show(one)
        if len(audits) > 1 and (left := unjudged(audits)):
            say(t("Not judged:"))
            table((t("control"), t("stacks"), t("why")), left, indent="  ")
    reports.write(workspace, audits, reported)
    measure.freeze(audits)
    if bundle is not None:
        write_bundle(bundle, key, audits, workspace, baseline)
    new = not measure.first and any(f.known_since is None for a in audits for f in a.failed)
    failed = new or any(a.problems for a in audits)
    if failed or (strict and any(a.open_questions for a in audits)):
        raise typer.Exit(EXIT_FAILED)
