"""hosts: the govroam servers of a network, by Ansible; log-ins that are tried, and found again in the logs."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli import completion
from ggi.cli.options import Change, Json, Reason, Sandbox, Urgent, Yes
from ggi.cli.output import Progress, note, paint, say, say_json, table
from ggi.cli.root import app, platform_of, workspace_of
from ggi.errors import EXIT_FAILED, InputError, Problem
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.app.operations import ChangeRequest, Operation
    from ggi.hosts.network import ManagedNetwork
    from ggi.hosts.playbook import PlaybookRun

group = typer.Typer(
    name="hosts",
    help="The govroam servers and access points of a network, by Ansible.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(group)

Network = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK", autocompletion=completion.networks, help="net-rijnstad, or a gemeente that it serves."
    ),
]
Limit = Annotated[str, typer.Option("--limit", metavar="HOST", help="These hosts only: rad1, or several with commas.")]
Diff = Annotated[bool, typer.Option("--diff/--no-diff", help="Show what changes in files.")]


def _network(context: typer.Context, text: str, sandbox: bool) -> ManagedNetwork:
    """The network that is meant, with the sandbox's values when that is asked for."""
    from ggi.app.hosts import find_managed_network

    return find_managed_network(workspace_of(context), text, platform_of(sandbox))


def _operation(
    context: typer.Context, network: ManagedNetwork, action: str, sandbox: bool, request: ChangeRequest
) -> Operation:
    """The operation, when its request says what it must and nobody has to supply anything first."""
    from ggi.app.hosts import operation_on, refuse_open_inputs

    found = operation_on(network, action, workspace_of(context), platform_of(sandbox), request, note)
    found.check()
    refuse_open_inputs(network, found)
    return found


def _told(run: PlaybookRun, diff: bool) -> None:
    """Every change by host and role, with what it does to files."""
    for host in sorted(run.hosts):
        changes = run.of(host)
        color = "red" if host in run.failed else "yellow" if changes else "green"
        say(paint(f"{host}: {t('{count} changes', count=len(changes))}", color))
        for change in changes:
            say(f"  {change.role}: {change.task}")
            for line in change.diff.splitlines() if diff else ():
                mark = "green" if line.startswith("+") else "red" if line.startswith("-") else "dim"
                say("      " + paint(line, mark))
        if host in run.notices:
            say("  " + paint(f"! {run.notices[host]}", "yellow"))
        if host in run.failed:
            say("  " + paint(t("failed"), "red") + f": {run.failed[host]}")
    if run.problem:
        note(run.problem)


def _data(network: ManagedNetwork, run: PlaybookRun) -> dict[str, Any]:
    return {
        "stack": network.stack,
        "check": run.check,
        "hosts": {
            host: {
                "changes": [{"role": c.role, "task": c.task, "diff": c.diff} for c in run.of(host)],
                "notice": run.notices.get(host),
                "failed": run.failed.get(host),
            }
            for host in sorted(run.hosts)
        },
        "problem": run.problem or None,
    }


def _waits(network: ManagedNetwork) -> None:
    if network.hosts.waits:
        say(t("Open inputs of {stack}; nothing can be applied before they are there:", stack=network.stack))
        rows = [(wait.key, wait.what, wait.who) for wait in network.hosts.waits]
        table((t("input"), t("what"), t("who supplies it")), rows, indent="  ")


@group.command()
def plan(
    context: typer.Context,
    network: Network,
    sandbox: Sandbox = False,
    limit: Limit = "",
    diff: Diff = True,
    json_output: Json = False,
) -> None:
    """Show what would change on the hosts, and which inputs are still open. Changes nothing.

    Example: ggi hosts plan net-rijnstad
    """
    from ggi.app.hosts import check_hosts

    found = _network(context, network, sandbox)
    found.managed()
    if found.hosts.waits:
        if json_output:
            say_json({"stack": found.stack, "waits": [asdict(wait) for wait in found.hosts.waits]})
        else:
            _waits(found)
        raise typer.Exit(EXIT_FAILED)
    with Progress() as progress:
        run = check_hosts(found, progress, limit=limit)
    if json_output:
        say_json(_data(found, run))
    else:
        _told(run, diff)
        say(t("{count} changes on {hosts} hosts; nothing was changed.", count=len(run.changes), hosts=len(run.hosts)))
    if not run.fine:
        raise typer.Exit(EXIT_FAILED)


@group.command()
def check(
    context: typer.Context, network: Network, sandbox: Sandbox = False, limit: Limit = "", json_output: Json = False
) -> None:
    """Are the hosts as they should be? Exit code 1 when something differs. Changes nothing.

    Example: ggi hosts check net-rijnstad
    """
    from ggi.app.hosts import check_hosts

    found = _network(context, network, sandbox)
    found.ready()
    with Progress() as progress:
        run = check_hosts(found, progress, limit=limit)
    if json_output:
        say_json(_data(found, run))
    else:
        _told(run, diff=True)
    if run.changes or not run.fine:
        raise typer.Exit(EXIT_FAILED)


@group.command()
def apply(
    context: typer.Context,
    network: Network,
    sandbox: Sandbox = False,
    limit: Limit = "",
    yes: Yes = False,
    diff: Diff = False,
    first: Annotated[
        bool, typer.Option("--first", help="All servers at once: a first set-up, nobody is served yet.")
    ] = False,
    change: Change = None,
    urgent: Urgent = False,
    reason: Reason = None,
    json_output: Json = False,
) -> None:
    """Make the hosts as they should be, one server after the other. A second run changes nothing.

    A trail keeps who did it, when and for what. Example: ggi hosts apply net-rijnstad --yes
    """
    from ggi.app.operations import ChangeRequest

    found = _network(context, network, sandbox)
    request = ChangeRequest(change, urgent, reason, confirmed=not yes)
    operation = _operation(context, found, "apply", sandbox, request)
    if not yes:
        typer.confirm(t("Change the hosts of {stack}?", stack=found.stack), abort=True, err=True)
    _apply(found, operation, diff, json_output, limit=limit, first=first)


def _apply(
    found: ManagedNetwork,
    operation: Operation,
    diff: bool,
    json_output: bool,
    *,
    limit: str = "",
    first: bool = False,
    tags: str = "",
) -> None:
    """Change the hosts and tell what was done. Exits with 1 when something failed."""
    from ggi.app.hosts import apply_playbook

    with Progress() as progress:
        run = apply_playbook(found, operation, progress, limit=limit, first=first, tags=tags)
    if json_output:
        say_json(_data(found, run))
    else:
        _told(run, diff)
        closing = t("{count} changed on {hosts} hosts", count=len(run.changes), hosts=len(run.hosts))
        say(paint(closing, "green" if run.fine else "red"))
    if not run.fine:
        raise typer.Exit(EXIT_FAILED)


@group.command()
def pages(
    context: typer.Context,
    network: Network,
    out: Annotated[Path, typer.Option("--out", help="Folder; gets hosts.json, network-team.md and firewall.csv.")],
    sandbox: Sandbox = False,
    json_output: Json = False,
) -> None:
    """Write what to hand to the network team: settings of access points, and firewall requests. No secret is written.

    Example: ggi hosts pages net-rijnstad --out pages/
    """
    from ggi.hosts.pages import write

    found = _network(context, network, sandbox)
    files = write(found.hosts, found.file, out)
    if json_output:
        say_json({"stack": found.stack, "files": [str(path) for path in files]})
        return
    for path in files:
        say(f"  {path}")


@group.command()
def secret(
    context: typer.Context,
    network: Network,
    points: Annotated[str, typer.Argument(metavar="GROUP", help="Group of access points.")],
    sandbox: Sandbox = False,
) -> None:
    """Print the secret that a group of access points shares with the servers, for whoever sets them up.

    Example: ggi hosts secret net-rijnstad stadhuis
    """
    from ggi.hosts.secrets import value
    from ggi.hosts.wlan import client_secret
    from ggi.inventory.validate import nearest

    found = _network(context, network, sandbox)
    known = found.govroam.access_points
    if points not in known:
        message = t("there is no {what} {name}", what=t("group of access points"), name=points)
        raise InputError(Problem(message, nearest(points, known)))
    os.environ.update(found.environment)
    say(value(client_secret(points, found.govroam), found.stack))


@group.command()
def profiles(
    context: typer.Context,
    network: Network,
    out: Annotated[Path, typer.Option("--out", help="Folder for the profiles.")],
    realm: Annotated[str, typer.Option("--realm", help="Default: all realms of the network.")] = "",
    sandbox: Sandbox = False,
    json_output: Json = False,
) -> None:
    """Write profiles for devices: eap-config, Apple, Windows, Intune, ChromeOS, Linux. No secret is written.

    Example: ggi hosts profiles net-rijnstad --out profiles/
    """
    from ggi.hosts.profile import profile_of
    from ggi.hosts.profiles import files

    found = _network(context, network, sandbox)
    chosen = [realm] if realm else sorted(found.govroam.realms)
    texts = {name: text for one in chosen for name, text in files(profile_of(found.file, one)).items()}
    out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    if json_output:
        say_json({"stack": found.stack, "files": [str(out / name) for name in texts]})
        return
    for name in texts:
        say(f"  {out / name}")


@group.command("renew-certificate")
def renew_certificate(
    context: typer.Context,
    network: Network,
    profiles: Annotated[
        Path | None, typer.Option("--profiles", metavar="DIR", help="Write the profiles with all CAs there.")
    ] = None,
    sandbox: Sandbox = False,
    yes: Yes = False,
    change: Change = None,
    json_output: Json = False,
) -> None:
    """Take the next step to a new EAP certificate: profiles, share of devices that have them, servers.

    Supply the new certificate as given(certificates/eap.pem) and .key. Exit code 1 when something else comes first.
    Example: ggi hosts renew-certificate net-rijnstad --profiles profiles/
    """
    from ggi.app.hosts import installed_certificates
    from ggi.app.operations import ChangeRequest
    from ggi.hosts.profile import profile_of
    from ggi.hosts.profiles import files
    from ggi.hosts.rollover import Step, step
    from ggi.hosts.secrets import value

    found = _network(context, network, sandbox)
    found.ready()
    eap = found.govroam.eap
    if eap is None:
        raise InputError(
            Problem(t("{stack} lets nobody log in (no `eap`), so it has no EAP certificate", stack=found.stack))
        )
    os.environ.update(found.environment)
    new = value("given(certificates/eap.pem)", found.stack)
    advice = step(installed_certificates(found), new, eap, dt.datetime.now(dt.UTC))
    written = []
    if profiles is not None:
        profiles.mkdir(parents=True, exist_ok=True)
        for realm in sorted(found.govroam.realms):
            for name, text in files(profile_of(found.file, realm)).items():
                (profiles / name).write_text(text, encoding="utf-8", newline="\n")
                written.append(str(profiles / name))
    if not json_output:
        for text in advice.told:
            say(paint(text, "green" if advice.step in (Step.NOTHING, Step.SERVERS) else "yellow"))
        for name in written:
            say(f"  {name}")
    elif advice.step is not Step.SERVERS:
        say_json({"stack": found.stack, "step": advice.step, "told": advice.told, "files": written})
    if advice.step is Step.NOTHING:
        return
    if advice.step is not Step.SERVERS:
        raise typer.Exit(EXIT_FAILED)
    # Only this step writes: advice needs no number of a change.
    operation = _operation(context, found, "renew-certificate", sandbox, ChangeRequest(change, confirmed=not yes))
    if not yes:
        typer.confirm(t("Change the hosts of {stack}?", stack=found.stack), abort=True, err=True)
    # The role freeradius alone, one server after the other.
    _apply(found, operation, diff=False, json_output=json_output, tags="freeradius")


@group.command()
def test(
    context: typer.Context,
    network: Network,
    realm: Annotated[str, typer.Option("--realm", help="Realm of the test account; default the network's first.")] = "",
    user: Annotated[str, typer.Option("--user", help="Test account; default medewerker@REALM.")] = "",
    at: Annotated[str, typer.Option("--at", help="Group of access points to ask as; default the first.")] = "",
    server: Annotated[str, typer.Option("--server", help="Which server; default the first.")] = "",
    method: Annotated[str, typer.Option("--method", help="peap, ttls or ttls-mschapv2.")] = "peap",
    sandbox: Sandbox = False,
    json_output: Json = False,
) -> None:
    """Log in with a test account as a visitor's device does, and say in one sentence what came of it.

    Needs eapol_test, and an address that the server knows as access point. Exit code 1 when the log-in fails.
    Example: ggi hosts test net-drieland --realm rijnstad.test --sandbox
    """
    from ggi.app.hosts import login_test, try_login
    from ggi.hosts.eapol import LoginOutcome
    from ggi.hosts.logs import read_attempts
    from ggi.hosts.prober import PATIENCE
    from ggi.hosts.story import describe_login
    from ggi.inventory.govroam import RENEW_DAYS, days_left

    def ask(name: str) -> str:
        return str(typer.prompt(t("Password of {user}", user=name), hide_input=True, err=True))

    platform = platform_of(sandbox)
    asked = login_test(
        workspace_of(context),
        platform,
        network,
        realm=realm,
        user=user,
        points=at,
        server=server,
        method=method,
        ask_password=ask,
    )
    name = f"{asked.network.stack}-{asked.server}"
    with Progress() as progress:
        progress(t("asking {server}; when nobody answers, up to {seconds} s", server=name, seconds=PATIENCE))
        result, mac = try_login(asked, platform)
    hops = read_attempts(asked.network, mac) if result.outcome is LoginOutcome.REJECTED else []
    told = describe_login(result, asked.login.identity, name, hops)
    left = days_left(result.chain, dt.datetime.now(dt.UTC)) if result.chain else None
    accepted = result.outcome is LoginOutcome.ACCEPTED
    if json_output:
        seconds = round(result.seconds, 2)
        found = {"outcome": result.outcome, "seconds": seconds, "tls": result.tls, "told": told}
        say_json({**found, "certificate_days": left})
    else:
        say(paint(told, "green" if accepted else "red"))
        if left is not None:
            shown = t("the server's certificate is valid for {days} more days", days=left)
            say(paint(shown, "yellow" if left < RENEW_DAYS else "dim"))
    if not accepted:
        raise typer.Exit(EXIT_FAILED)


@group.command()
def find(
    context: typer.Context,
    network: Network,
    realm: Annotated[str, typer.Option("--realm", help="Realm of the user.")],
    around: Annotated[str, typer.Option("--around", metavar="HH:MM", help="About when, local time.")],
    date: Annotated[str, typer.Option("--date", metavar="YYYY-MM-DD", help="Default today.")] = "",
    sandbox: Sandbox = False,
    json_output: Json = False,
) -> None:
    """Tell what became of a real user's log-ins: the lines of all servers of the network, joined to sentences.

    Example: ggi hosts find net-drieland --realm rijnstad.test --around 09:40
    """
    from ggi.app.hosts import moment_of
    from ggi.hosts.logs import attempts_around, join_attempts, read_attempts
    from ggi.hosts.story import describe_attempt

    moment = moment_of(date, around)
    found = _network(context, network, sandbox)
    found.managed()
    groups = join_attempts(attempts_around(read_attempts(found, f"@{realm}"), moment, realm))
    if json_output:
        say_json([{"told": describe_attempt(hops), "hops": [hop.host for hop in hops]} for hops in groups])
        return
    for hops in groups:
        say(paint(describe_attempt(hops), "green" if all(hop.accepted for hop in hops) else "red"))
    if not groups:
        say(t("Nobody of {realm} tried around {time}; the device did not reach the servers.", realm=realm, time=around))
