"""One figure, and how to take it in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`ours` and `other` are in `unit`; `against` says what the other one is; `aim` is what we strive for."""

    what: str
    ours: float
    unit: str
    aim: str
    other: float | None = None
    against: str = ""

    def row(self) -> tuple[str, str, str, str, str]:
        """As cells of the table."""
        beside = f"{self.other:.2f} {self.unit}: {self.against}" if self.other is not None else "-"
        ratio = f"{self.other / self.ours:.1f}x" if self.other is not None and self.ours else "-"
        return self.what, f"{self.ours:.2f} {self.unit}", beside, ratio, self.aim


def child(code: str, arguments: Sequence[str] = (), *, one_core: bool = True, **environment: str) -> dict[str, float]:
    """Run `code` in a Python of its own, on one core or on all; it prints one JSON object; peak memory is added."""
    program = f"import resource\n{code}\nresult['mib'] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
    program += "import json, sys; print(json.dumps(result))"

    def pin() -> None:
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})

    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        preexec_fn=pin if one_core else None,
    )
    if done.returncode:
        raise SystemExit(f"the measurement failed:\n{done.stderr[-2000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result
