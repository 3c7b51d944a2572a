"""`ggi bench`: figures of this machine, each beside its alternative, measured in one run.

    ggi bench                 the quick ones
    ggi bench render cli      some of them: render, cli, deploy, m365, govroam, govroam_soak, soak, audit, mutate
    ggi bench --json          for programs

Nothing here is asserted: times depend on the machine, so a figure only means something beside its neighbour.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measure import Figure

FIGURES = ("render", "cli", "deploy", "m365")
EXTRA = ("govroam", "govroam_soak", "soak", "audit", "mutate")


def main() -> int:
    """Measure what was asked for, and print the table."""
    parser = argparse.ArgumentParser(
        prog="ggi bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "figures", nargs="*", choices=[*FIGURES, *EXTRA, []], help=f"which; default: {' '.join(FIGURES)}"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    found: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen.figures or FIGURES:
            print(f"measuring: {name} ...", file=sys.stderr, flush=True)
            module = __import__(name)
            measure: Callable[[Path], list[Figure]] = module.measure
            found += measure(Path(folder))
    if chosen.json:
        print(json.dumps([asdict(f) for f in found], indent=2))
        return 0
    rows = [("what", "ours", "beside it", "ratio", "aim"), *(f.row() for f in found)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"\nPython {sys.version.split()[0]}, revision {revision.stdout.strip() or 'unknown'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
