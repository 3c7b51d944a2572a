"""What the roles promise: a second run changes nothing, drift is restored, and wrong input touches no service."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ggi.controls.verdict import Outcome
from ggi.hosts.audit import audit_network
from ggi.hosts.controls import load_host_controls
from ggi.hosts.eapol import LoginOutcome as Ended
from ggi.hosts.network import ManagedNetwork
from ggi.hosts.playbook import PlaybookRun
from ggi.inventory.load import Inventory
from ggi.paths import ROOT
from tests.hosts.conftest import converge
from tests.hosts.world import POLDERVEEN, RIJNSTAD, World

pytestmark = pytest.mark.timeout(2400)

HOST = "net-drieland-rad2"
"""The host that tests break; the roles restore it."""
DATE = dt.date(2026, 11, 22)


def place(world: World) -> ManagedNetwork:
    """The network of the host that tests break."""
    return ManagedNetwork.of("net-drieland", Inventory(Path(ROOT / "inventories")), world.federation.environment)


def outcomes(world: World) -> dict[str, Outcome]:
    """What each control says of the host."""
    found = audit_network(place(world), load_host_controls([ROOT]), DATE)
    return {finding.control: finding.outcome for finding in found.findings if finding.subject == HOST}


def changes(run: PlaybookRun) -> set[tuple[str, str, str]]:
    """What a run changed, or would."""
    assert run.fine, run.failed or run.problem
    return {(change.host, change.role, change.task) for change in run.changes}


@contextmanager
def whole_afterwards(world: World) -> Iterator[None]:
    """A test that fails leaves no broken host to the next one."""
    try:
        yield
    except BaseException:
        # Also back to the CA that devices know, from one that they do not.
        converge(world.federation, "net-drieland", limit="rad2", variables={"freeradius_reached": 100})
        raise


def only_freeradius(world: World, variables: dict[str, Any]) -> PlaybookRun:
    """Run the role freeradius alone on the host, with these variables."""
    return converge(world.federation, "net-drieland", limit="rad2", tags="freeradius", variables=variables)


def test_a_second_run_changes_nothing(world: World) -> None:
    assert changes(converge(world.federation, first=True)) == set()


def test_drift_is_seen_by_controls_and_by_check_mode_and_is_restored(world: World) -> None:
    controls = load_host_controls([ROOT])
    assert set(outcomes(world).values()) == {Outcome.PASS}
    with whole_afterwards(world):
        for control in controls.values():
            script = control.broken.read_text(encoding="utf-8")
            world.federation.inside(HOST, "sh", "-euc", script)
        assert outcomes(world) == dict.fromkeys(controls, Outcome.FAIL)
        foreseen = changes(converge(world.federation, "net-drieland", check=True, limit="rad2"))
        assert {role for _, role, _ in foreseen} == {"base", "certificates", "freeradius", "radsecproxy"}
        assert {host for host, _, _ in foreseen} == {HOST}
        assert changes(converge(world.federation, "net-drieland", limit="rad2")) == foreseen
        assert set(outcomes(world).values()) == {Outcome.PASS}
        assert world.login(world.login_of(RIJNSTAD), "net-drieland", "rad2").outcome is Ended.ACCEPTED


WRONG = [
    # The certificate is for another name: refused on the controller.
    ({"freeradius_server_name": "radius.elsewhere.test"}, "the certificate is for"),
    # FreeRADIUS does not know this cipher: refused by FreeRADIUS itself, before it replaces anything.
    ({"freeradius_ciphers": "NO-SUCH-CIPHER"}, "the new configuration is refused"),
    # No argument of the role: refused before anything is done.
    ({"freeradius_users": "everybody"}, "value of freeradius_users must be one of"),
]


def state(world: World) -> tuple[str, str]:
    """The process of FreeRADIUS on the host, and a hash of each file of its configuration."""
    script = "systemctl show -p MainPID freeradius; find /etc/freeradius/govroam -type f | sort | xargs sha256sum"
    process, _, files = world.federation.inside(HOST, "sh", "-c", script).stdout.partition("\n")
    return process, files


@pytest.mark.parametrize(("variables", "reason"), WRONG)
def test_wrong_input_fails_before_a_service_is_touched(world: World, variables: dict[str, Any], reason: str) -> None:
    before = state(world)
    with whole_afterwards(world):
        run = only_freeradius(world, variables)
        assert reason in run.failed[HOST], run.failed
        assert state(world) == before


def test_a_server_that_does_not_start_gets_its_previous_configuration_back(world: World) -> None:
    # Its check passes, but the address is another host's, so it can't listen there.
    address = world.federation.address("nat1")
    variables = {"freeradius_listen": [world.federation.address(HOST), "127.0.0.1", address]}
    _, files = state(world)
    with whole_afterwards(world):
        run = only_freeradius(world, variables)
        assert "the previous one runs again" in run.failed[HOST], run.failed
        assert state(world)[1] == files
        assert world.login(world.login_of(POLDERVEEN), "net-drieland", "rad2").outcome is Ended.ACCEPTED
