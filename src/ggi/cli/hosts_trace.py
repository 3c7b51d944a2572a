"""hosts test|find: try a log-in, and tell what became of a user's log-ins."""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING, Annotated

import typer

from ggi.cli.hosts import Network, group
from ggi.cli.hostsplace import place_of
from ggi.cli.options import Json, Sandbox
from ggi.cli.output import Progress, paint, say, say_json
from ggi.errors import EXIT_FAILED, InputError, Problem
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.hosts.network import ManagedNetwork

METHODS = {"peap": ("PEAP", "mschapv2"), "ttls": ("TTLS", "pap"), "ttls-mschapv2": ("TTLS", "mschapv2")}


def _one(text: str, known: list[str], what: str) -> str:
    """`text`, or the first that is known when it is empty. Raises InputError."""
    from ggi.inventory.validate import nearest

    if not text and known:
        return known[0]
    if text not in known:
        raise InputError(Problem(t("there is no {what} {name}", what=what, name=text), nearest(text, known)))
    return text


def _password(place: ManagedNetwork, user: str, sandbox: bool) -> str:
    from ggi.errors import GgiError
    from ggi.hosts.secrets import value

    try:
        return value(f"given(users/{user})", place.stack)
    except GgiError:
        if sandbox:
            raise
    answer: str = typer.prompt(t("Password of {user}", user=user), hide_input=True, err=True)
    return answer


@group.command()
def test(
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
    from ggi.cli.workspace import Workspace, sandbox_name
    from ggi.hosts.eapol import Login, LoginOutcome
    from ggi.hosts.logs import read
    from ggi.hosts.network import networks, with_supplied
    from ggi.hosts.prober import PATIENCE, Probe, here, in_container
    from ggi.hosts.secrets import value
    from ggi.hosts.story import of_login
    from ggi.hosts.wlan import client_secret
    from ggi.inventory.govroam import RENEW_DAYS, days_left

    place = place_of(network, sandbox)
    govroam = place.govroam
    os.environ.update(place.environment)
    points = _one(at, list(govroam.access_points), t("group of access points"))
    name = _one(server, list(govroam.servers), t("server"))
    kind, inner = METHODS[_one(method, list(METHODS), t("method"))]
    wanted = realm or user.rpartition("@")[2] or next(iter(govroam.realms), "")
    who = user or f"medewerker@{wanted}"
    supplied = place.supplied
    homes = {
        one: (stack, eap)
        for stack, file in networks(Workspace().inventory).items()
        if (found := with_supplied(file, supplied.get(stack, {})).govroam) is not None and (eap := found.eap)
        for one in found.realms
    }
    home, eap = homes.get(wanted, ("", None))
    password = _password(place_of(home, sandbox) if home else place, who, sandbox)
    login = Login(
        method=kind,  # type: ignore[arg-type]
        identity=who,
        password=password,
        anonymous=f"anonymous@{wanted}",
        inner=inner,  # type: ignore[arg-type]
        server_name=eap.server_name if eap else "",
    )
    probe: Probe = here
    source = ""
    if sandbox:
        from sandbox.hosts.federation import Federation
        from sandbox.hosts.site import AP

        federation = Federation.of(sandbox_name())
        probe = in_container(lambda words, text: federation.pipe(AP, words, text))
        source = federation.address(f"{place.stack}/{points}")
    with Progress() as progress:
        progress(
            t(
                "asking {server}; when nobody answers, up to {seconds} s",
                server=f"{place.stack}-{name}",
                seconds=PATIENCE,
            )
        )
        result, mac = probe(
            login,
            eap.authority or "" if eap else "",
            govroam.servers[name].address,
            value(client_secret(points, govroam), place.stack),
            source,
        )
    hops = read(place, mac) if result.outcome is LoginOutcome.REJECTED else []
    told = of_login(result, who, f"{place.stack}-{name}", hops)
    left = days_left(result.chain, dt.datetime.now(dt.UTC)) if result.chain else None
    if json_output:
        say_json({
            "outcome": result.outcome, "seconds": round(result.seconds, 2), "tls": result.tls, "told": told,
            "certificate_days": left,
        })  # fmt: skip
    else:
        say(paint(told, "green" if result.outcome is LoginOutcome.ACCEPTED else "red"))
        if left is not None:
            shown = t("the server's certificate is valid for {days} more days", days=left)
            say(paint(shown, "yellow" if left < RENEW_DAYS else "dim"))
    if result.outcome is not LoginOutcome.ACCEPTED:
        raise typer.Exit(EXIT_FAILED)


@group.command()
def find(
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
    from ggi.hosts.logs import joined, near, read
    from ggi.hosts.story import of_attempt

    try:
        day = dt.date.fromisoformat(date) if date else dt.datetime.now().astimezone().date()
        moment = dt.datetime.combine(day, dt.time.fromisoformat(around)).astimezone(dt.UTC)
    except ValueError:
        fix = t("Write --around HH:MM and --date YYYY-MM-DD.")
        raise InputError(Problem(t("{value} is not a time", value=f"{date} {around}".strip()), fix)) from None
    place = place_of(network, sandbox)
    place.managed()
    groups = joined(near(read(place, f"@{realm}"), moment, realm))
    if json_output:
        say_json([{"told": of_attempt(hops), "hops": [hop.host for hop in hops]} for hops in groups])
        return
    for hops in groups:
        say(paint(of_attempt(hops), "green" if all(hop.accepted for hop in hops) else "red"))
    if not groups:
        say(t("Nobody of {realm} tried around {time}; the device did not reach the servers.", realm=realm, time=around))
