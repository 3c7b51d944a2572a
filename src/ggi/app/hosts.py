"""Work on the servers of a network: run its playbook, try a log-in, and read what its servers have."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ggi.errors import GgiError, InputError, Problem, WorkError
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.app.operations import ChangeRequest, Operation
    from ggi.app.platform import Platform
    from ggi.app.workspace import Workspace
    from ggi.hosts.eapol import Login, Result
    from ggi.hosts.network import ManagedNetwork
    from ggi.hosts.playbook import PlaybookRun

Report = Callable[[str], None]
EAP_FOLDER = "/etc/govroam/certificates/eap"
"""Where the role freeradius keeps the certificate (`freeradius_certificate_folder`)."""
METHODS = {"peap": ("PEAP", "mschapv2"), "ttls": ("TTLS", "pap"), "ttls-mschapv2": ("TTLS", "mschapv2")}
"""Ways to log in with a password: the outer method, and the one inside its tunnel."""


def find_managed_network(workspace: Workspace, text: str, platform: Platform) -> ManagedNetwork:
    """The network that a person means, with what a sandbox supplies. Raises InputError."""
    from ggi.hosts.network import ManagedNetwork

    return ManagedNetwork.of(text, workspace.inventory, platform.hosts_environment())


def operation_on(
    network: ManagedNetwork,
    action: str,
    workspace: Workspace,
    platform: Platform,
    request: ChangeRequest,
    report: Report,
) -> Operation:
    """The operation that a change of the hosts of a network is."""
    from ggi.app.operations import Operation
    from ggi.inventory.stack import Stack

    return Operation(action, Stack.parse(network.stack), platform, request, workspace.inventory.changes, report)


def refuse_open_inputs(network: ManagedNetwork, operation: Operation) -> None:
    """Raise InputError when somebody must supply something first, after the trail was told, or when nothing is ours."""
    network.managed()
    try:
        network.ready()
    except InputError as error:
        operation.refused(error.problems)
        raise


def check_hosts(network: ManagedNetwork, report: Report, *, limit: str = "") -> PlaybookRun:
    """What the playbook would change; nothing is changed."""
    return _play(network, report, check=True, limit=limit)


def apply_playbook(
    network: ManagedNetwork,
    operation: Operation,
    report: Report,
    *,
    limit: str = "",
    first: bool = False,
    tags: str = "",
) -> PlaybookRun:
    """Make the hosts as they should be; with `first` all at once, since nobody is served yet. Raises WorkError."""
    where = f"test hosts {operation.platform.sandbox}" if operation.platform.sandbox else limit or "all hosts"
    with operation.run(context=where) as going:
        # On a first run nobody is served yet, so all servers are set up at once.
        variables = {"govroam_serial": "100%"} if first else {}
        found = _play(network, report, check=False, limit=limit, tags=tags, variables=variables)
        going.changes = {"update": len(found.changes)}
        going.failed = not found.fine
    return found


def _play(
    network: ManagedNetwork,
    report: Report,
    *,
    check: bool,
    limit: str = "",
    tags: str = "",
    variables: dict[str, str] | None = None,
) -> PlaybookRun:
    from ggi.hosts.playbook import run_ansible

    return run_ansible(
        [network.stack],
        inventory=network.inventory,
        environment=network.environment,
        check=check,
        limit=limit,
        tags=tags,
        variables=variables or {},
        report=report,
    )


def installed_certificates(network: ManagedNetwork) -> list[tuple[str, str]]:
    """EAP chain and CAs that each server has, as PEM; servers that were never set up have none. Raises WorkError."""
    from ggi.hosts.audit import connection

    found = []
    for name in network.hosts.servers:
        done = connection(network, name).run(f"cat {EAP_FOLDER}/chain.pem && echo ===== && cat {EAP_FOLDER}/ca.pem")
        if done.rc == 255:
            why = done.stderr.strip().splitlines()[-1:] or ["?"]
            raise WorkError(Problem(t("{host} can't be read: {why}", host=name, why=why[0])))
        if done.rc == 0:
            chain, _, authorities = done.stdout.partition("=====\n")
            found.append((chain, authorities))
    return found


@dataclass(frozen=True)
class LoginTest:
    """A log-in to try: as which account of which home network, at which access points, over which server."""

    network: ManagedNetwork
    login: Login
    authority: str
    """CAs of the home network, as PEM."""
    server: str
    """Name of the server that is asked."""
    points: str
    """Group of access points as which it is asked."""


def login_test(
    workspace: Workspace,
    platform: Platform,
    text: str,
    *,
    realm: str,
    user: str,
    points: str,
    server: str,
    method: str,
    ask_password: Callable[[str], str],
) -> LoginTest:
    """What is to be tried, with what is not said filled in: the first realm, group of access points and server.

    `ask_password` is asked for the password of an account that is in no store of secrets. Raises InputError.
    """
    from ggi.hosts.eapol import Login
    from ggi.hosts.network import networks, with_supplied

    network = find_managed_network(workspace, text, platform)
    govroam = network.govroam
    os.environ.update(network.environment)
    chosen = _one_of(points, list(govroam.access_points), t("group of access points"))
    name = _one_of(server, list(govroam.servers), t("server"))
    kind, inner = METHODS[_one_of(method, list(METHODS), t("method"))]
    wanted = realm or user.rpartition("@")[2] or next(iter(govroam.realms), "")
    who = user or f"medewerker@{wanted}"
    homes = {
        one: (stack, eap)
        for stack, file in networks(workspace.inventory).items()
        if (found := with_supplied(file, network.supplied.get(stack, {})).govroam) is not None and (eap := found.eap)
        for one in found.realms
    }
    home, eap = homes.get(wanted, ("", None))
    owner = find_managed_network(workspace, home, platform) if home else network
    login = Login(
        method=kind,  # type: ignore[arg-type]
        identity=who,
        password=_password(owner, who, ask_password, required=platform.sandbox is not None),
        anonymous=f"anonymous@{wanted}",
        inner=inner,  # type: ignore[arg-type]
        server_name=eap.server_name if eap else "",
    )
    return LoginTest(network, login, eap.authority or "" if eap else "", name, chosen)


def try_login(test: LoginTest, platform: Platform) -> tuple[Result, str]:
    """Log in as a visitor's device does: what came of it, and the MAC address under which servers log it."""
    from ggi.hosts.secrets import value
    from ggi.hosts.wlan import client_secret

    network, govroam = test.network, test.network.govroam
    probe, source = platform.probe(network.stack, test.points)
    secret = value(client_secret(test.points, govroam), network.stack)
    return probe(test.login, test.authority, govroam.servers[test.server].address, secret, source)


def _one_of(text: str, known: list[str], what: str) -> str:
    """`text`, or the first that is known when it is empty. Raises InputError."""
    from ggi.inventory.validate import nearest

    if not text and known:
        return known[0]
    if text not in known:
        raise InputError(Problem(t("there is no {what} {name}", what=what, name=text), nearest(text, known)))
    return text


def _password(network: ManagedNetwork, user: str, ask: Callable[[str], str], *, required: bool) -> str:
    from ggi.hosts.secrets import value

    try:
        return value(f"given(users/{user})", network.stack)
    except GgiError:
        if required:
            raise
    return ask(user)


def moment_of(date: str, time: str) -> dt.datetime:
    """The moment that a person means, in local time; without `date` today. Raises InputError."""
    try:
        day = dt.date.fromisoformat(date) if date else dt.datetime.now().astimezone().date()
        return dt.datetime.combine(day, dt.time.fromisoformat(time)).astimezone(dt.UTC)
    except ValueError:
        fix = t("Write --around HH:MM and --date YYYY-MM-DD.")
        raise InputError(Problem(t("{value} is not a time", value=f"{date} {time}".strip()), fix)) from None
