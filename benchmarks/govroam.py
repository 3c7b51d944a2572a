"""Log-ins per second through the test federation and at a server of it, beside FreeRADIUS as Debian ships it.

Needs root and podman (`ggi sandbox hosts status` says what is missing); makes test hosts of its own and removes them.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from measure import Figure

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

_place = importlib.util.spec_from_file_location("ggi_tests_hosts_world", ROOT / "tests" / "hosts" / "world.py")
assert _place is not None and _place.loader is not None
# By path: some packages of others bring a package that is called `tests`.
_tests = importlib.util.module_from_spec(_place)
sys.modules[_place.name] = _tests
_place.loader.exec_module(_tests)

LOGINS, AT_ONCE = 200, 8
"""How many log-ins, and how many devices at a time."""
NAME = "bench"

_SCRIPT = r"""
import subprocess, sys, time, json
from concurrent.futures import ThreadPoolExecutor
count, at_once, *words = sys.argv[1:]
def one(number):
    mac = "02:00:%02x:%02x:%02x:01" % (number >> 16 & 255, number >> 8 & 255, number & 255)
    began = time.monotonic()
    done = subprocess.run([*words, "-M", mac], capture_output=True)
    return time.monotonic() - began if done.returncode == 0 else -1.0
began = time.monotonic()
with ThreadPoolExecutor(int(at_once)) as pool:
    times = list(pool.map(one, range(int(count))))
print(json.dumps({"seconds": time.monotonic() - began, "times": times}))
"""
"""Runs on the host of access points, so that no container is entered between two log-ins."""


def measure(folder: Path) -> list[Figure]:
    """Log-ins per second and their times: through two proxies, at home, and stock. Empty where test hosts can't run."""
    from ggi.hosts.network import networks
    from ggi.hosts.run import play
    from ggi.inventory.load import Inventory
    from sandbox.hosts import stock
    from sandbox.hosts.federation import Federation, reset, start
    from sandbox.hosts.podman import obstacles
    from sandbox.hosts.site import DIRECTORY, USER, site_of

    if found := obstacles():
        print(f"govroam is left out: {'; '.join(found)}", file=sys.stderr)
        return []
    files = networks(Inventory(ROOT / "inventories"))
    sites = [site for name, file in files.items() if (site := site_of(name, file)) is not None]
    federation = Federation.of(os.environ.get("GGI_BENCH_HOSTS", NAME))
    try:
        start(federation, sites, lambda line: print(line, file=sys.stderr))
        os.environ.update(federation.environment)
        done = play(
            [site.stack for site in sites],
            inventory=ROOT / "inventories",
            environment=federation.environment,
            variables={"govroam_serial": "100%"},
        )
        assert done.fine, done.failed or done.problem
        world = _tests.World(federation)
        rijnstad, drieland = "net-rijnstad", "net-drieland"
        source, secret = federation.address(f"{rijnstad}/stadhuis"), secrets.token_hex(16)
        user = f"{USER}@{_tests.RIJNSTAD}"
        stock.install(
            federation.podman, federation.container(DIRECTORY), source, secret, user, world.password(_tests.RIJNSTAD)
        )
        # Nothing is pinned: the stock server shows a certificate that it made for itself.
        plain = world.login_of(_tests.RIJNSTAD, ca="", server_name="", anonymous="")
        ours = world.login_of(_tests.RIJNSTAD)
        points = {stack: _tests.PLACE[stack] for stack in (rijnstad, drieland)}

        def at(stack: str) -> tuple[float, float, float]:
            group = points[stack]
            own = federation.address(f"{stack}/{group}")
            return _run(world, ours, federation.address(f"{stack}-rad1"), own, world.secret(stack, group))

        shipped = _run(world, plain, federation.address(DIRECTORY), source, secret)
        away, home = at(drieland), at(rijnstad)
    finally:
        if "GGI_BENCH_HOSTS" not in os.environ:
            reset(federation)
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


def _run(world: Any, login: Any, server: str, source: str, secret: str) -> tuple[float, float, float]:
    """Log-ins a second, median and 99th percentile in seconds. Raises AssertionError when one fails."""
    import json

    from ggi.hosts.eapol import config

    file = world.file(f"{secrets.token_hex(4)}.conf", config(login))
    words = ["eapol_test", "-c", file, "-a", server, "-A", source, "-s", secret, "-t", "30"]
    began = time.monotonic()
    said = json.loads(world.python("ap", _SCRIPT, str(LOGINS), str(AT_ONCE), *words, seconds=600))
    times = sorted(said["times"])
    assert times[0] >= 0, f"{sum(t < 0 for t in times)} of {LOGINS} log-ins failed in {time.monotonic() - began:.0f} s"
    return LOGINS / said["seconds"], statistics.median(times), times[int(0.99 * len(times))]
