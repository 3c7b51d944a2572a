"""hosts renew-certificate: a new EAP certificate, in the order that devices need."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ggi.cli.hosts import Network, applied, group, renewed
from ggi.cli.hostsplace import place_of
from ggi.cli.options import Json, Sandbox, Yes
from ggi.cli.output import paint, say, say_json
from ggi.errors import EXIT_FAILED, InputError, Problem
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.hosts.network import ManagedNetwork

FOLDER = "/etc/govroam/certificates/eap"
"""Where the role freeradius keeps the certificate (`freeradius_certificate_folder`)."""


def _current(place: ManagedNetwork) -> list[tuple[str, str]]:
    """Chain and CAs that each server has; servers that were never set up have none. Raises WorkError."""
    from ggi.errors import WorkError
    from ggi.hosts.audit import connection

    found = []
    for name in place.hosts.servers:
        done = connection(place, name).run(f"cat {FOLDER}/chain.pem && echo ===== && cat {FOLDER}/ca.pem")
        if done.rc == 255:
            why = done.stderr.strip().splitlines()[-1:] or ["?"]
            raise WorkError(Problem(t("{host} can't be read: {why}", host=name, why=why[0])))
        if done.rc == 0:
            chain, _, authorities = done.stdout.partition("=====\n")
            found.append((chain, authorities))
    return found


@group.command("renew-certificate")
def renew_certificate(
    network: Network,
    profiles: Annotated[
        Path | None, typer.Option("--profiles", metavar="DIR", help="Write the profiles with all CAs there.")
    ] = None,
    sandbox: Sandbox = False,
    yes: Yes = False,
    json_output: Json = False,
) -> None:
    """Take the next step to a new EAP certificate: profiles, share of devices that have them, servers.

    Supply the new certificate as given(certificates/eap.pem) and .key. Exit code 1 when something else comes first.
    Example: ggi hosts renew-certificate net-rijnstad --profiles profiles/
    """
    from ggi.hosts.profile import profile_of
    from ggi.hosts.profiles import files
    from ggi.hosts.rollover import Step, step
    from ggi.hosts.secrets import value

    place = place_of(network, sandbox)
    place.ready()
    eap = place.govroam.eap
    if eap is None:
        raise InputError(
            Problem(t("{stack} lets nobody log in (no `eap`), so it has no EAP certificate", stack=place.stack))
        )
    os.environ.update(place.environment)
    new = value("given(certificates/eap.pem)", place.stack)
    advice = step(_current(place), new, eap, dt.datetime.now(dt.UTC))
    written = []
    if profiles is not None:
        profiles.mkdir(parents=True, exist_ok=True)
        for realm in sorted(place.govroam.realms):
            for name, text in files(profile_of(place.file, realm)).items():
                (profiles / name).write_text(text, encoding="utf-8", newline="\n")
                written.append(str(profiles / name))
    if not json_output:
        for text in advice.told:
            say(paint(text, "green" if advice.step in (Step.NOTHING, Step.SERVERS) else "yellow"))
        for name in written:
            say(f"  {name}")
    elif advice.step is not Step.SERVERS:
        say_json({"stack": place.stack, "step": advice.step, "told": advice.told, "files": written})
    if advice.step is Step.NOTHING:
        return
    if advice.step is not Step.SERVERS:
        raise typer.Exit(EXIT_FAILED)
    if not yes:
        typer.confirm(t("Change the hosts of {stack}?", stack=place.stack), abort=True, err=True)
    applied(place, renewed(place), diff=False, json_output=json_output)
