"""Log-ins per second through the test federation, beside the same federation's first server asked directly.

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
    """Log-ins per second and their times: through two proxies and at home. Empty where test hosts can't run."""
    from ggi.hosts.network import networks
    from ggi.hosts.run import play
    from ggi.inventory.load import Inventory
    from sandbox.hosts.federation import Federation, reset, site_of, start
    from sandbox.hosts.podman import obstacles

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
        away = _run(world, _tests.RIJNSTAD, "net-drieland")
        home = _run(world, _tests.RIJNSTAD, "net-rijnstad")
    finally:
        if "GGI_BENCH_HOSTS" not in os.environ:
            reset(federation)
    rate_away, p50_away, p99_away = away
    rate_home, p50_home, p99_home = home
    what = f"govroam, PEAP, {AT_ONCE} devices at a time: "
    direct = "at the home server itself"
    return [
        Figure(
            what + "log-ins a second through the federation", rate_away, "/s", "the more the better", rate_home, direct
        ),
        Figure(what + "median time of a log-in", p50_away, "s", "< 1 s", p50_home, direct),
        Figure(what + "99th percentile", p99_away, "s", "< 2 s", p99_home, direct),
    ]


def _run(world: Any, realm: str, at: str) -> tuple[float, float, float]:
    """Log-ins a second, median and 99th percentile in seconds. Raises AssertionError when one fails."""
    import json

    from ggi.hosts.eapol import config

    file = world.file(f"{secrets.token_hex(4)}.conf", config(world.login_of(realm)))
    group = _tests.PLACE[at]
    federation = world.federation
    words = [
        "eapol_test",
        "-c",
        file,
        "-a",
        federation.address(f"{at}-rad1"),
        "-A",
        federation.address(f"{at}/{group}"),
    ]
    words += ["-s", world.secret(at, group), "-t", "30"]
    began = time.monotonic()
    said = json.loads(world.python("ap", _SCRIPT, str(LOGINS), str(AT_ONCE), *words, seconds=600))
    times = sorted(said["times"])
    assert times[0] >= 0, f"{sum(t < 0 for t in times)} of {LOGINS} log-ins failed in {time.monotonic() - began:.0f} s"
    return LOGINS / said["seconds"], statistics.median(times), times[int(0.99 * len(times))]
