"""hosts plan|apply|check: the govroam servers of a network, by Ansible."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli.app import app
from ggi.cli.hostsplace import place_of
from ggi.cli.options import Json, Sandbox, Yes
from ggi.cli.output import Progress, note, paint, say, say_json, table
from ggi.errors import EXIT_FAILED
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.hosts.network import ManagedNetwork
    from ggi.hosts.playbook import PlaybookRun

group = typer.Typer(
    name="hosts",
    help="The govroam servers and access points of a network, by Ansible.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(group)

Network = Annotated[str, typer.Argument(metavar="NETWORK", help="net-rijnstad, or a gemeente that it serves.")]
Limit = Annotated[str, typer.Option("--limit", metavar="HOST", help="These hosts only: rad1, or several with commas.")]
Diff = Annotated[bool, typer.Option("--diff/--no-diff", help="Show what changes in files.")]


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


def _data(place: ManagedNetwork, run: PlaybookRun) -> dict[str, Any]:
    return {
        "stack": place.stack,
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


def _run(place: ManagedNetwork, *, check: bool, limit: str = "", first: bool = False, tags: str = "") -> PlaybookRun:
    from ggi.hosts.playbook import play

    # On a first run nobody is served yet, so all servers are set up at once.
    variables = {"govroam_serial": "100%"} if first else {}
    with Progress() as progress:
        return play(
            [place.stack],
            inventory=place.inventory,
            environment=place.environment,
            check=check,
            limit=limit,
            tags=tags,
            variables=variables,
            report=progress,
        )


def _waits(place: ManagedNetwork) -> None:
    if place.hosts.waits:
        say(t("Open inputs of {stack}; nothing can be applied before they are there:", stack=place.stack))
        rows = [(wait.key, wait.what, wait.who) for wait in place.hosts.waits]
        table((t("input"), t("what"), t("who supplies it")), rows, indent="  ")


@group.command()
def plan(
    network: Network, sandbox: Sandbox = False, limit: Limit = "", diff: Diff = True, json_output: Json = False
) -> None:
    """Show what would change on the hosts, and which inputs are still open. Changes nothing.

    Example: ggi hosts plan net-rijnstad
    """
    place = place_of(network, sandbox)
    place.managed()
    if place.hosts.waits:
        if json_output:
            say_json({"stack": place.stack, "waits": [vars_of(wait) for wait in place.hosts.waits]})
        else:
            _waits(place)
        raise typer.Exit(EXIT_FAILED)
    run = _run(place, check=True, limit=limit)
    if json_output:
        say_json(_data(place, run))
    else:
        _told(run, diff)
        say(t("{count} changes on {hosts} hosts; nothing was changed.", count=len(run.changes), hosts=len(run.hosts)))
    if not run.fine:
        raise typer.Exit(EXIT_FAILED)


@group.command()
def check(network: Network, sandbox: Sandbox = False, limit: Limit = "", json_output: Json = False) -> None:
    """Are the hosts as they should be? Exit code 1 when something differs. Changes nothing.

    Example: ggi hosts check net-rijnstad
    """
    place = place_of(network, sandbox)
    place.ready()
    run = _run(place, check=True, limit=limit)
    if json_output:
        say_json(_data(place, run))
    else:
        _told(run, diff=True)
    if run.changes or not run.fine:
        raise typer.Exit(EXIT_FAILED)


@group.command()
def apply(
    network: Network,
    sandbox: Sandbox = False,
    limit: Limit = "",
    yes: Yes = False,
    diff: Diff = False,
    first: Annotated[
        bool, typer.Option("--first", help="All servers at once: a first set-up, nobody is served yet.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Make the hosts as they should be, one server after the other. A second run changes nothing.

    Example: ggi hosts apply net-rijnstad --yes
    """
    place = place_of(network, sandbox)
    place.ready()
    if not yes:
        typer.confirm(t("Change the hosts of {stack}?", stack=place.stack), abort=True, err=True)
    applied(place, _run(place, check=False, limit=limit, first=first), diff, json_output)


def applied(place: ManagedNetwork, run: PlaybookRun, diff: bool, json_output: bool) -> None:
    """Tell what a run did. Exits with 1 when it failed."""
    if json_output:
        say_json(_data(place, run))
    else:
        _told(run, diff)
        closing = t("{count} changed on {hosts} hosts", count=len(run.changes), hosts=len(run.hosts))
        say(paint(closing, "green" if run.fine else "red"))
    if not run.fine:
        raise typer.Exit(EXIT_FAILED)


def renewed(place: ManagedNetwork) -> PlaybookRun:
    """Run the role freeradius alone, one server after the other."""
    return _run(place, check=False, tags="freeradius")


def vars_of(value: Any) -> dict[str, Any]:
    """The fields of a small frozen value, for JSON."""
    from dataclasses import asdict

    return asdict(value)


@group.command()
def pages(
    network: Network,
    out: Annotated[Path, typer.Option("--out", help="Folder; gets hosts.json, network-team.md and firewall.csv.")],
    sandbox: Sandbox = False,
    json_output: Json = False,
) -> None:
    """Write what to hand to the network team: settings of access points, and firewall requests. No secret is written.

    Example: ggi hosts pages net-rijnstad --out pages/
    """
    from ggi.hosts.pages import write

    place = place_of(network, sandbox)
    files = write(place.hosts, place.file, out)
    if json_output:
        say_json({"stack": place.stack, "files": [str(path) for path in files]})
        return
    for path in files:
        say(f"  {path}")


@group.command()
def secret(
    network: Network,
    points: Annotated[str, typer.Argument(metavar="GROUP", help="Group of access points.")],
    sandbox: Sandbox = False,
) -> None:
    """Print the secret that a group of access points shares with the servers, for whoever sets them up.

    Example: ggi hosts secret net-rijnstad stadhuis
    """
    import os

    from ggi.errors import InputError, Problem
    from ggi.hosts.secrets import value
    from ggi.hosts.wlan import client_secret
    from ggi.inventory.validate import nearest

    place = place_of(network, sandbox)
    known = place.govroam.access_points
    if points not in known:
        message = t("there is no {what} {name}", what=t("group of access points"), name=points)
        raise InputError(Problem(message, nearest(points, known)))
    os.environ.update(place.environment)
    say(value(client_secret(points, place.govroam), place.stack))


@group.command()
def profiles(
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

    place = place_of(network, sandbox)
    chosen = [realm] if realm else sorted(place.govroam.realms)
    texts = {name: text for one in chosen for name, text in files(profile_of(place.file, one)).items()}
    out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    if json_output:
        say_json({"stack": place.stack, "files": [str(out / name) for name in texts]})
        return
    for name in texts:
        say(f"  {out / name}")
