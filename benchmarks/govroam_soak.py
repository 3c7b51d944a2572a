"""Minutes of log-ins through the test federation: does one fail, and do the servers keep memory or files?

GGI_SOAK_MINUTES says how many minutes; needs what `govroam` needs.
"""

from __future__ import annotations

import os
import statistics
from pathlib import Path
from typing import Any

from govroam import DRIELAND, RIJNSTAD, federation_of_tests, log_ins, visitor
from measure import Figure

MINUTES = float(os.environ.get("GGI_SOAK_MINUTES", "5"))
WARM = 30
"""Seconds before the first look: threads and connections are made when they are needed first."""
SERVERS = (f"{DRIELAND}-rad1", f"{RIJNSTAD}-rad1")
"""Those that see every log-in: the host's server, and the home server that the national level prefers."""
UNITS = ("freeradius", "radsecproxy@in", "radsecproxy@out")
_LOOK = """
for unit in {units}; do
	pid=$(systemctl show -p MainPID --value "$unit")
	echo "$(awk '/^VmRSS/ {{print $2}}' "/proc/$pid/status") $(ls "/proc/$pid/fd" | wc -l)"
done
"""


def _look(world: Any) -> dict[tuple[str, str], tuple[float, int]]:
    """Memory in MiB and open files of each daemon, by host and unit."""
    found = {}
    for host in SERVERS:
        said = world.federation.inside(host, "sh", "-euc", _LOOK.format(units=" ".join(UNITS))).stdout
        for unit, line in zip(UNITS, said.splitlines(), strict=True):
            memory, files = line.split()
            found[host, unit] = (int(memory) / 1024, int(files))
    return found


def measure(folder: Path) -> list[Figure]:
    """Failed log-ins, and memory and open files of the daemons that grew most. Empty where test hosts can't run."""
    with federation_of_tests() as world:
        if not world:
            return []
        way = visitor(world, DRIELAND)
        log_ins(world, *way, count=10**9, seconds=WARM)
        before = _look(world)
        seconds, times = log_ins(world, *way, count=10**9, seconds=int(MINUTES * 60))
        after = _look(world)
    memory = max(after, key=lambda one: after[one][0] - before[one][0])
    files = max(after, key=lambda one: after[one][1] - before[one][1])
    what = f"govroam, soak of {MINUTES:g} min: "
    named = {one: f"{one[1]} of {one[0]}" for one in after}
    return [
        Figure(what + "failed log-ins", sum(t < 0 for t in times), "log-ins", "0", len(times), "log-ins in all"),
        Figure(what + "log-ins a second", len(times) / seconds, "/s", "the more the better"),
        Figure(what + "median time of a log-in", statistics.median(times), "s", "< 1 s"),
        Figure(what + "99th percentile", times[int(0.99 * len(times))], "s", "< 2 s"),
        Figure(f"  memory of {named[memory]}, which grew most", after[memory][0], "MiB", "as before",
               before[memory][0], "before"),
        Figure(f"  open files of {named[files]}, which grew most", after[files][1], "files", "as before",
               before[files][1], "before"),
    ]  # fmt: skip
