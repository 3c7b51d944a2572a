"""A sandbox with a landscape in it, left alone: is everything still ready, does an audit find anything that nobody did,
and does memory stay where it was? Ten minutes; `SOAK_MINUTES=60 ./ggi bench soak` takes an hour."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ggi.paths import ROOT
from measure import Figure

MINUTES = int(os.environ.get("SOAK_MINUTES", "10"))
STACK = "gm9901-prod"


def _json(*words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "ggi", *words, "--json"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    return json.loads(done.stdout)


def measure(folder: Path) -> list[Figure]:
    """Looks every half minute; the figures are the looks at which not everything was ready, and memory."""
    os.environ["GGI_SANDBOX"] = "soak"
    ggi = [sys.executable, "-m", "ggi"]
    subprocess.run([*ggi, "up", STACK, "--sandbox", "--yes"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    before = float(str(_json("sandbox", "status")["memory_mib"]))
    bad = looks = found = 0
    end = time.monotonic() + MINUTES * 60
    while time.monotonic() < end:
        time.sleep(30)
        looks += 1
        bad += not _json("status", STACK, "--sandbox")["ready"]
        (audit,) = _json("audit", STACK, "--from", "live", "--sandbox")
        found += sum(f["outcome"] == "FAIL" and f["control"].startswith("INT-") for f in audit["findings"])
    after = float(str(_json("sandbox", "status")["memory_mib"]))
    subprocess.run([*ggi, "sandbox", "stop"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return [
        Figure(
            f"soak of {MINUTES} min: looks at which something was not ready", bad, "looks", "0", looks, "looks in all"
        ),
        Figure("  what audits found that nobody did", found, "findings", "0", looks, "audits"),
        Figure("  memory of the sandbox afterwards", after, "MiB", "as before", before, "before"),
    ]
