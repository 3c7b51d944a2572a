"""One federation for all tests: made and set up once by the real roles, removed at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ggi.hosts.network import networks
from ggi.hosts.playbook import PlaybookRun, run_ansible
from ggi.inventory.load import Inventory
from ggi.paths import ROOT
from sandbox.hosts.federation import Federation, reset, start
from sandbox.hosts.podman import obstacles
from sandbox.hosts.site import site_of
from tests.hosts.world import World

NAME = os.environ.get("GGI_TEST_HOSTS", "tests")
"""Name of the sandbox of hosts. With GGI_TEST_HOSTS_KEEP=1 it stays; with `as-is` it is not set up again either."""
STACKS = ("net-rijnstad", "net-drieland")


def converge(
    federation: Federation,
    *stacks: str,
    check: bool = False,
    first: bool = False,
    limit: str = "",
    tags: str = "",
    variables: Mapping[str, Any] | None = None,
) -> PlaybookRun:
    """Run the roles on the hosts of these networks."""
    more = {"govroam_serial": "100%"} if first else {}
    return run_ansible(
        stacks or STACKS,
        inventory=ROOT / "inventories",
        environment=federation.environment,
        check=check,
        limit=limit,
        tags=tags,
        variables={**(variables or {}), **more},
    )


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The federation, set up; skipped with the reason where this machine can't run it."""
    if found := obstacles():
        pytest.skip("; ".join(found))
    files = networks(Inventory(Path(ROOT / "inventories")))
    sites = [site for name, file in files.items() if (site := site_of(name, file)) is not None]
    federation = Federation.of(NAME)
    said: list[str] = []
    try:
        start(federation, sites, said.append)
        os.environ.update(federation.environment)
        if os.environ.get("GGI_TEST_HOSTS_KEEP") != "as-is":
            run = converge(federation, first=True)
            assert run.fine, run.failed or run.problem
            assert not run.notices, "the national level has not called"
        yield World(federation)
    finally:
        for name in federation.environment:
            os.environ.pop(name, None)
        if not os.environ.get("GGI_TEST_HOSTS_KEEP"):
            reset(federation)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests of failover counted and timed, which no test can assert on every machine."""
    ended = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    told = [report for report in ended if report.user_properties]
    if told:
        terminalreporter.section("Failover")
    for report in told:
        figures = ", ".join(f"{what}: {value}" for what, value in report.user_properties)
        terminalreporter.write_line(f"{report.nodeid.partition('::')[2]}: {figures}")
