"""Start-up time of the command line."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from ggi.paths import ROOT
from measure import Figure

RUNS = 7


def _seconds(command: list[str]) -> float:
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, cwd=ROOT)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def measure(folder: Path) -> list[Figure]:
    """Median seconds, beside a Python that only starts."""
    bare = _seconds([sys.executable, "-c", "pass"])
    start = str(ROOT / "ggi")
    return [
        Figure("ggi --help", _seconds([start, "--help"]), "s", "0.3 s", bare, "python -c pass"),
        Figure("ggi plan gm9901", _seconds([start, "plan", "gm9901"]), "s", "1 s", bare, "python -c pass"),
    ]
