"""Something is gone: how many users notice, and that it comes back."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from ggi.hosts.eapol import Outcome
from sandbox.hosts.directory import UNIT
from sandbox.hosts.site import DIRECTORY
from tests.hosts.world import POLDERVEEN, RIJNSTAD, World

pytestmark = [pytest.mark.hosts, pytest.mark.xdist_group("hosts"), pytest.mark.timeout(2400)]

PATIENCE = 120
"""Seconds until a log-in must work again; 6 s on a quiet machine."""


def until_accepted(world: World, server: str = "rad1", realm: str = RIJNSTAD) -> int:
    """Log in until it works; returns how many users failed before. Fails the test when it never does."""
    failed, deadline = 0, time.monotonic() + PATIENCE
    while world.login(world.login_of(realm), "net-drieland", server, patience=20).outcome is not Outcome.ACCEPTED:
        failed += 1
        assert time.monotonic() < deadline, f"{failed} users failed, and nobody could log in for {PATIENCE} s"
    return failed


def gone(world: World, host: str, unit: str, how: str) -> Callable[[], object]:
    """Take a service away; returns what brings it back."""
    inside = world.federation.inside
    if how == "stopped":
        inside(host, "systemctl", "stop", unit)
        return lambda: inside(host, "systemctl", "start", unit)
    inside(host, "systemctl", "kill", "-s", "STOP", unit)
    return lambda: inside(host, "systemctl", "kill", "-s", "CONT", unit)


@pytest.mark.parametrize(
    ("host", "unit", "how", "most"),
    [
        ("nat1", "national.service", "stopped", 1),
        ("nat1", "national.service", "frozen", 2),
        ("net-rijnstad-rad1", "freeradius.service", "stopped", 1),
        ("net-drieland-rad1", "radsecproxy@out.service", "stopped", 0),
    ],
)
def test_few_users_notice_that_a_server_is_gone(world: World, host: str, unit: str, how: str, most: int) -> None:
    server = "rad2" if unit.startswith("radsecproxy@out") else "rad1"
    until_accepted(world, server)
    back = gone(world, host, unit, how)
    try:
        assert until_accepted(world, server) <= most
        assert world.login(world.login_of(RIJNSTAD), "net-drieland", server).outcome is Outcome.ACCEPTED
    finally:
        back()
    until_accepted(world, server)


def test_without_the_national_level_visitors_fail_and_own_people_do_not(world: World) -> None:
    back = [gone(world, name, "national.service", "stopped") for name in ("nat1", "nat2")]
    try:
        visitor = world.login(world.login_of(RIJNSTAD), "net-drieland", patience=20)
        assert visitor.outcome in (Outcome.REJECTED, Outcome.SILENT)
        assert world.login(world.login_of(RIJNSTAD), "net-rijnstad").outcome is Outcome.ACCEPTED
    finally:
        for one in back:
            one()
    until_accepted(world)


def test_without_the_directory_its_own_people_fail_and_visitors_do_not(world: World) -> None:
    back = gone(world, DIRECTORY, UNIT, "stopped")
    try:
        assert world.login(world.login_of(POLDERVEEN), "net-drieland", patience=20).outcome is Outcome.REJECTED
        assert world.login(world.login_of(RIJNSTAD), "net-drieland").outcome is Outcome.ACCEPTED
    finally:
        back()
    until_accepted(world, realm=POLDERVEEN)
