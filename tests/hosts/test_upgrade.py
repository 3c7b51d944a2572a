"""Servers that the previous release of the roles set up become those of this one, while people log in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ggi.hosts.eapol import LoginOutcome
from tests.hosts.conftest import converge
from tests.hosts.recording import STACK, contents, lay
from tests.hosts.test_failover import until_active
from tests.hosts.world import PAIR, POLDERVEEN, RIJNSTAD, World

pytestmark = pytest.mark.timeout(2400)

LEFT = "/etc/logrotate.d/radsecproxy"
"""What the previous release wrote and this one does not."""
OLD_LOGS = """
touch /var/log/radsecproxy/in.log-recent.gz
touch -d '184 days ago' /var/log/radsecproxy/in.log-expired.gz
"""
"""Rotated logs of the previous release, before and after the 183 days that the sandbox decided."""


def test_an_upgrade_from_the_previous_release_locks_nobody_out_and_leaves_nothing(
    world: World, record_property: Callable[[str, object], None]
) -> None:
    wanted = {name: contents(world.federation, name) for name in PAIR}
    try:
        for name in PAIR:
            lay(world.federation, name)
            host = f"{STACK}-{name}"
            services = "systemd-journald nftables chrony ssh freeradius radsecproxy@in radsecproxy@out"
            world.federation.inside(host, "sh", "-euc", f"systemctl daemon-reload; systemctl restart {services}")
            until_active(world, host, "radsecproxy@in")
            world.federation.inside(host, "sh", "-euc", OLD_LOGS)
            assert LEFT in contents(world.federation, name) and LEFT not in wanted[name]
        own, visitor = world.login_of(RIJNSTAD), world.login_of(POLDERVEEN)
        for name in PAIR:
            for login in (own, visitor):
                assert world.login(login, STACK, name).outcome is LoginOutcome.ACCEPTED
        with world.crowd(own, STACK) as failed:
            run = converge(world.federation, STACK)
        assert run.fine, run.failed or run.problem
        record_property("users who failed during the upgrade", len(failed))
        assert not failed
        for name in PAIR:
            found = contents(world.federation, name)
            other = {path for path in {*found, *wanted[name]} if found.get(path) != wanted[name].get(path)}
            assert not other, "not as on a server that never had another release"
            for login in (own, visitor):
                assert world.login(login, STACK, name).outcome is LoginOutcome.ACCEPTED
            world.federation.inside(f"{STACK}-{name}", "systemd-tmpfiles", "--clean", check=False)
            kept = world.federation.inside(f"{STACK}-{name}", "ls", "/var/log/radsecproxy").stdout.split()
            assert "in.log-recent.gz" in kept and "in.log-expired.gz" not in kept
        assert not converge(world.federation, STACK).changes
    except BaseException:
        converge(world.federation, STACK, first=True)
        raise
