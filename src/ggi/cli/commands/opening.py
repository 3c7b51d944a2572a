"""open: the way into a component."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli import completion
from ggi.cli.options import Json, Name, Sandbox
from ggi.cli.output import note, paint, say, say_json
from ggi.cli.root import app, platform_of, workspace_of
from ggi.errors import EXIT_FAILED, InputError, Problem
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.app.opening import Door


@app.command(name="open")
def open_component(
    context: typer.Context,
    name: Name,
    component: Annotated[str, typer.Argument(metavar="COMPONENT", autocompletion=completion.components)],
    sandbox: Sandbox = False,
    ca: Annotated[
        Path | None, typer.Option("--ca", metavar="FILE", help="Authorities to trust, in PEM; default: the system's.")
    ] = None,
    show_password: Annotated[
        bool, typer.Option("--show-password", help="Show the password of the first account, on a terminal only.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Show the address of a component, how to reach it from this machine, whether it answers, and the first log-in.

    Secrets are not shown unless --show-password asks for it. Exit code 1 when it does not answer.
    Example: ggi open gm9901 openzaak --sandbox
    """
    from ggi.app.opening import open_door, password
    from ggi.engine.kubeapi import KubeApi

    if show_password and (json_output or not sys.stdout.isatty()):
        raise InputError(Problem(t("a password is shown on a terminal only"), t("Leave out --show-password.")))
    platform = platform_of(sandbox)
    built = workspace_of(context).landscape(name)
    with KubeApi.from_kubeconfig(*platform.kubeconfig(built.environment)) as api:
        trusted = _read(ca) if ca else platform.authorities(built.environment, api)
        door = open_door(api, built, component, platform, trusted)
        secret = password(api, built, door.login) if show_password and door.login and door.login.first else ""
    if json_output:
        say_json(_data(door, platform.simulated))
    else:
        _show(door, platform.simulated, secret)
    if door.answer is None or not door.answer.well:
        raise typer.Exit(EXIT_FAILED)


def _show(door: Door, simulated: str, secret: str) -> None:
    from ggi.app.opening import ways

    say(door.url)
    if door.answer is None:
        say(paint(t("  nothing answers there"), "yellow") + (f": {t(simulated)}" if simulated else ""))
    elif door.answer.problem:
        say(paint(f"  {door.answer.problem}", "red"))
    elif door.passthrough:
        say(paint(t("  TLS answers; only a peer with a certificate of the FSC group comes further"), "green"))
    else:
        said = t("  it answers with status {status}", status=door.answer.status)
        more = f" -> {door.answer.location}" if door.answer.location else ""
        say(paint(said, "green" if door.answer.well else "red") + more)
    for purpose, line in ways(door):
        say(f"  {purpose}: {line}")
    if door.private and door.reached:
        say(t("  its certificate is by a private authority: browsers warn, and curl wants --cacert or -k"))
    login = door.login
    if login is None:
        say(t("  people do not log in to it"))
    elif login.first is None:
        text = t(
            "  log-in: an account of the realm {realm} of {by}, in the group beheerders; the first one is made as "
            "`./ggi open {realm} {by}` tells",
            realm=login.realm,
            by=login.by,
        )
        say(text)
    else:
        say(t("  log-in: an account of the realm {realm}; the first one is made with these lines", realm=login.realm))
        for line in login.commands:
            say(f"    {line}")
        say(
            t(
                "  they use the account {account}, whose password this shows: {command}",
                account=login.first.account,
                command=login.password,
            )
        )
        if secret:
            say(f"  {login.first.account}: {secret}")
    if simulated and door.answer is not None:
        note(f"  {t(simulated)}")


def _data(door: Door, simulated: str) -> dict[str, Any]:
    from ggi.app.opening import ways

    answer, login = door.answer, door.login
    return {
        "url": door.url,
        "gateway": door.address,
        "reached": list(door.reached) if door.reached else None,
        "named": door.named,
        "private": door.private,
        "answers": bool(answer and answer.well),
        "status": answer.status if answer else 0,
        "location": answer.location if answer else "",
        "problem": answer.problem if answer else "",
        "ways": dict(ways(door)),
        "simulated": simulated,
        "login": None
        if login is None
        else {"realm": login.realm, "by": login.by, "commands": list(login.commands), "password": login.password},
    }


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        message = t("{path} can't be read: {why}", path=path, why=error)
        raise InputError(Problem(message, t("Name a file of certificates in PEM."))) from None
