"""Something is gone: how many users notice, how long it takes, and that it comes back.

Counts and times are told at the end of a run (`Failover` below the results); only counts are asserted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ggi.hosts.eapol import LoginOutcome
from sandbox.hosts.directory import UNIT
from sandbox.hosts.site import DIRECTORY
from tests.hosts.world import POLDERVEEN, RIJNSTAD, World

pytestmark = pytest.mark.timeout(2400)

PATIENCE = 120
"""Seconds until a log-in must work again; 6 s on a quiet machine."""
Record = Callable[[str, object], None]


def until_accepted(world: World, server: str = "rad1", realm: str = RIJNSTAD) -> int:
    """Log in until it works; returns how many users failed before. Fails the test when it never does."""
    failed, deadline = 0, time.monotonic() + PATIENCE
    while world.login(world.login_of(realm), "net-drieland", server, patience=20).outcome is not LoginOutcome.ACCEPTED:
        failed += 1
        assert time.monotonic() < deadline, f"{failed} users failed, and nobody could log in for {PATIENCE} s"
    return failed


def until_used(world: World, host: str, server: str) -> None:
    """Log in until the way leads over `host`: what nobody uses can be missed by nobody."""
    deadline = time.monotonic() + PATIENCE
    while True:
        until_accepted(world, server)
        if host.startswith("nat"):
            used = world.mac.lower() in world.national_log([host]).lower()
        else:
            stack, _, name = host.rpartition("-")
            used = any(attempt.mac == world.mac for attempt in world.attempts(stack, [name]))
        if used:
            return
        assert time.monotonic() < deadline, f"no log-in goes over {host}"


def until_active(world: World, host: str, unit: str) -> None:
    """Wait until a service runs."""
    deadline = time.monotonic() + PATIENCE
    while world.federation.inside(host, "systemctl", "is-active", "-q", unit, check=False).returncode != 0:
        assert time.monotonic() < deadline, f"{unit} on {host} does not run"
        time.sleep(0.2)


WAYS = {
    "stopped": ("systemctl stop {unit}", "systemctl start {unit}"),
    # Nobody brings it back: systemd does.
    "killed": ("systemctl kill -s KILL {unit}", "true"),
    "frozen": ("systemctl kill -s STOP {unit}", "systemctl kill -s CONT {unit}"),
    # Nothing says goodbye: connections stay open at the other end.
    "off the net": ("ip link set eth0 down", "ip link set eth0 up"),
}
"""How something goes and comes back: commands on its host."""


@contextmanager
def gone(world: World, host: str, unit: str, how: str) -> Iterator[None]:
    """Take a service away, for as long as the block runs."""
    away, back = (words.format(unit=unit) for words in WAYS[how])
    world.federation.inside(host, "sh", "-c", away)
    try:
        yield
    finally:
        world.federation.inside(host, "sh", "-c", back)


@pytest.mark.parametrize(
    ("host", "unit", "how", "most"),
    [
        # Who says nothing when it goes is missed when a Status-Server is not answered, after 10 to 36 s (radsecproxy).
        ("nat1", "national.service", "stopped", 1),
        ("nat1", "national.service", "killed", 1),
        ("nat1", "national.service", "frozen", 2),
        ("net-rijnstad-rad1", "freeradius.service", "stopped", 1),
        ("net-rijnstad-rad1", "freeradius.service", "killed", 1),
        ("net-rijnstad-rad1", "freeradius.service", "off the net", 2),
        # Its fellow is asked instead; without a proxy of its own a server can let no visitor in.
        ("net-drieland-rad1", "radsecproxy@out.service", "killed", 1),
    ],
)
def test_few_users_notice_that_a_server_is_gone(
    world: World, host: str, unit: str, how: str, most: int, record_property: Record
) -> None:
    server = host[-4:] if host.startswith("net-drieland") else "rad1"
    until_used(world, host, server)
    began = time.monotonic()
    with gone(world, host, unit, how):
        failed = until_accepted(world, server)
        record_property("failed users", failed)
        record_property("seconds until the next one got in", round(time.monotonic() - began, 1))
        assert failed <= most
        assert world.login(world.login_of(RIJNSTAD), "net-drieland", server).outcome is LoginOutcome.ACCEPTED
        began = time.monotonic()
    until_active(world, host, unit)
    until_used(world, host, server)
    record_property("seconds until it was used again", round(time.monotonic() - began, 1))


def test_access_points_find_the_other_server_when_their_first_one_is_off_the_net(world: World) -> None:
    with gone(world, "net-drieland-rad1", "freeradius", "off the net"):
        assert world.login(world.login_of(RIJNSTAD), "net-drieland", "rad1", patience=4).outcome is LoginOutcome.SILENT
        assert world.login(world.login_of(RIJNSTAD), "net-drieland", "rad2").outcome is LoginOutcome.ACCEPTED
        assert world.login(world.login_of(POLDERVEEN), "net-drieland", "rad2").outcome is LoginOutcome.ACCEPTED
    until_accepted(world)


def test_without_the_national_level_visitors_fail_and_own_people_do_not(world: World, record_property: Record) -> None:
    with gone(world, "nat1", "national.service", "stopped"), gone(world, "nat2", "national.service", "stopped"):
        visitor = world.login(world.login_of(RIJNSTAD), "net-drieland", patience=20)
        assert visitor.outcome in (LoginOutcome.REJECTED, LoginOutcome.SILENT)
        assert world.login(world.login_of(RIJNSTAD), "net-rijnstad").outcome is LoginOutcome.ACCEPTED
        began = time.monotonic()
    record_property("failed users on its return", until_accepted(world))
    record_property("seconds until all was well", round(time.monotonic() - began, 1))


def test_without_the_directory_its_own_people_fail_and_visitors_do_not(world: World, record_property: Record) -> None:
    with gone(world, DIRECTORY, UNIT, "stopped"):
        assert world.login(world.login_of(POLDERVEEN), "net-drieland", patience=20).outcome is LoginOutcome.REJECTED
        assert world.login(world.login_of(RIJNSTAD), "net-drieland").outcome is LoginOutcome.ACCEPTED
        began = time.monotonic()
    record_property("failed users on its return", until_accepted(world, realm=POLDERVEEN))
    record_property("seconds until all was well", round(time.monotonic() - began, 1))


LOGS, JOURNAL = "/var/log/freeradius", "/var/log/journal"
FULL = """
cat /dev/zero > {folder}/rest 2>/dev/null || true
# What is left of the last page of each file, too.
for file in {folder}/*; do cat /dev/zero >> "$file" 2>/dev/null || true; done
test "$(df --output=avail {folder} | tail -n 1)" -eq 0
"""
"""Fills a small disk up to its last byte."""


@contextmanager
def small_disks(world: World, host: str) -> Iterator[None]:
    """Give the logs and the journal of a host small disks of their own; its services start anew on them."""
    services = "systemctl restart systemd-journald freeradius radsecproxy@in radsecproxy@out"
    inside = world.federation.inside
    mounts = [f"mkdir -p {folder} && mount -t tmpfs -o size={size},mode=0755 logs {folder}"
              for folder, size in ((LOGS, "64k"), (JOURNAL, "16m"))]  # fmt: skip
    try:
        inside(host, "sh", "-euc", "\n".join([*mounts, f"chown freerad:freerad {LOGS}", services]))
        yield
    finally:
        inside(host, "sh", "-c", f"umount -l {LOGS}; umount -l {JOURNAL}; {services}")


def test_a_disk_full_of_logs_stops_nobody_and_the_journal_tells_it(world: World, record_property: Record) -> None:
    host, inside = "net-drieland-rad2", world.federation.inside
    with small_disks(world, host):
        until_accepted(world, "rad2")
        inside(host, "sh", "-euc", FULL.format(folder=LOGS))
        before = inside(host, "sha256sum", f"{LOGS}/govroam.log").stdout
        tried = [world.login(world.login_of(realm), "net-drieland", "rad2") for realm in (RIJNSTAD, POLDERVEEN)]
        assert inside(host, "sha256sum", f"{LOGS}/govroam.log").stdout == before, "the disk was not full"
        told = inside(host, "journalctl", "--no-pager", "-o", "cat", "-t", "freeradius").stdout
        assert "not in govroam.log, which can't be written" in told and world.mac in told
        # The journal's own disk as well: then nothing can hold a line.
        inside(host, "sh", "-euc", FULL.format(folder=JOURNAL))
        tried += [world.login(world.login_of(realm), "net-drieland", "rad2") for realm in (RIJNSTAD, POLDERVEEN)]
        record_property("failed users", sum(one.outcome is not LoginOutcome.ACCEPTED for one in tried))
        assert {one.outcome for one in tried} == {LoginOutcome.ACCEPTED}
    until_accepted(world, "rad2")
