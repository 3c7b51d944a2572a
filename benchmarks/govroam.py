"""Log-ins per second through the test federation and at a server of it, beside FreeRADIUS as Debian ships it.

Needs root and podman (`ggi sandbox hosts status` says what is missing); makes test hosts of its own and removes them.
"""

from __future__ import annotations

import json
import os
import secrets
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ggi.catalogue.modules import load_module
from measure import Figure

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

# By path: some packages of others bring a package that is called `tests`.
_tests = load_module(ROOT / "tests" / "hosts" / "world.py", "ggi_tests_hosts")

LOGINS, AT_ONCE = 200, 8
"""How many log-ins, and how many devices at a time."""
RIJNSTAD, DRIELAND = "net-rijnstad", "net-drieland"
NAME = "bench"

_SCRIPT = r"""
import itertools, json, subprocess, sys, threading, time
count, at_once, seconds, *words = sys.argv[1:]
numbers, times, began = itertools.count(), [], time.monotonic()
def devices():
    while (number := next(numbers)) < int(count) and time.monotonic() - began < float(seconds):
        mac = "02:00:%02x:%02x:%02x:01" % (number >> 16 & 255, number >> 8 & 255, number & 255)
        start = time.monotonic()
        done = subprocess.run([*words, "-M", mac], capture_output=True)
        times.append(time.monotonic() - start if done.returncode == 0 else -1.0)
threads = [threading.Thread(target=devices) for _ in range(int(at_once))]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps({"seconds": time.monotonic() - began, "times": times}))
"""
"""Runs on the host of access points, so that no container is entered between two log-ins."""


@contextmanager
def federation_of_tests() -> Iterator[Any]:
    """A federation that was set up, as tests see it; None where this machine can't run it."""
    from ggi.hosts.network import networks
    from ggi.hosts.playbook import run_ansible
    from ggi.inventory.load import Inventory
    from sandbox.hosts.federation import Federation, reset, start
    from sandbox.hosts.podman import obstacles
    from sandbox.hosts.site import site_of

    if found := obstacles():
        print(f"govroam is left out: {'; '.join(found)}", file=sys.stderr)
        yield None
        return
    files = networks(Inventory(ROOT / "inventories"))
    sites = [site for name, file in files.items() if (site := site_of(name, file)) is not None]
    federation = Federation.of(os.environ.get("GGI_BENCH_HOSTS", NAME))
    try:
        start(federation, sites, lambda line: print(line, file=sys.stderr))
        os.environ.update(federation.environment)
        done = run_ansible(
            [site.stack for site in sites],
            inventory=ROOT / "inventories",
            environment=federation.environment,
            variables={"govroam_serial": "100%"},
        )
        assert done.fine, done.failed or done.problem
        yield _tests.World(federation)
    finally:
        if "GGI_BENCH_HOSTS" not in os.environ:
            reset(federation)


def measure(folder: Path) -> list[Figure]:
    """Log-ins per second and their times: through two proxies, at home, and stock. Empty where test hosts can't run."""
    with federation_of_tests() as world:
        return _figures(world) if world else []


def _figures(world: Any) -> list[Figure]:
    from sandbox.hosts import stock
    from sandbox.hosts.site import DIRECTORY, USER

    federation = world.federation
    source, secret = federation.address(f"{RIJNSTAD}/stadhuis"), secrets.token_hex(16)
    password = world.password(_tests.RIJNSTAD)
    container = federation.container(DIRECTORY)
    stock.install(federation.podman, container, source, secret, f"{USER}@{_tests.RIJNSTAD}", password)
    # Nothing is pinned: the stock server shows a certificate that it made for itself.
    plain = world.login_of(_tests.RIJNSTAD, ca="", server_name="", anonymous="")
    shipped = _rate(log_ins(world, plain, federation.address(DIRECTORY), source, secret))
    _joined(world)
    away, home = (_rate(log_ins(world, *visitor(world, stack))) for stack in (DRIELAND, RIJNSTAD))
    stock_is = "FreeRADIUS as Debian ships it"
    figures = []
    for where, (rate, median, worst), aims in (
        ("through the federation (4 servers)", away, ("the more the better", "< 1 s", "< 2 s")),
        ("at the home server", home, ("the more the better", "< 1 s", "< 2 s")),
    ):
        what = f"govroam {where}, PEAP, {AT_ONCE} devices at a time: "
        figures += [
            Figure(what + "log-ins a second", rate, "/s", aims[0], shipped[0], stock_is),
            Figure(what + "median time of a log-in", median, "s", aims[1], shipped[1], stock_is),
            Figure(what + "99th percentile", worst, "s", aims[2], shipped[2], stock_is),
        ]
    return figures


def visitor(world: Any, at: str) -> tuple[Any, str, str, str]:
    """A log-in of somebody from Rijnstad at the first server of a network: with server, source and secret."""
    group = _tests.PLACE[at]
    own = world.federation.address(f"{at}/{group}")
    return world.login_of(_tests.RIJNSTAD), world.federation.address(f"{at}-rad1"), own, world.secret(at, group)


def log_ins(
    world: Any, login: Any, server: str, source: str, secret: str, *, count: int = LOGINS, seconds: int = 600
) -> tuple[float, list[float]]:
    """Log in `count` times, or for so many seconds; returns how long it took, and each time in seconds (-1: failed)."""
    from ggi.hosts.eapol import config

    file = world.file(f"{secrets.token_hex(4)}.conf", config(login))
    words = ["eapol_test", "-c", file, "-a", server, "-A", source, "-s", secret, "-t", "30"]
    numbers = (str(count), str(AT_ONCE), str(seconds))
    said = json.loads(world.python("ap", _SCRIPT, *numbers, *words, seconds=seconds + 120))
    return said["seconds"], sorted(said["times"])


def _joined(world: Any) -> None:
    """Wait until a visitor gets in: a proxy looks only once a minute for a server that was just installed."""
    for _ in range(6):
        if log_ins(world, *visitor(world, DRIELAND), count=1)[1][0] >= 0:
            return


def _rate(found: tuple[float, list[float]]) -> tuple[float, float, float]:
    """Log-ins a second, median and 99th percentile in seconds. Raises AssertionError when one failed."""
    seconds, times = found
    assert times[0] >= 0, f"{sum(t < 0 for t in times)} of {len(times)} log-ins failed in {seconds:.0f} s"
    return len(times) / seconds, statistics.median(times), times[int(0.99 * len(times))]
