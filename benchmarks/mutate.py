"""How many mutants of the reference landscape no control notices, and which.

The figure says how much of what could be made worse the controls see. Survivors are printed with their place; those
that policies/mutation.yaml explains are marked.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from benchmarks.mutation.mutants import Mutant
from benchmarks.mutation.survivors import load_mutation_file, stale
from benchmarks.mutation.judging import mutants_of, references, run
from ggi.paths import ROOT
from measure import Figure

SHOWN = 2000
"""Lines of survivors that are printed at most."""


def _row(cells: tuple[object, ...]) -> str:
    return f"  {cells[0]!s:<24}" + "".join(f"{cell!s:>13}" for cell in cells[1:])


def measure(folder: Path) -> list[Figure]:
    """Print the table and the survivors; the figures are the share that is caught, and the seconds of one core."""
    began = time.process_time()
    file = load_mutation_file(ROOT)
    known = references()
    total, caught, excluded, families = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    reasons: Counter[str] = Counter()
    alive: list[Mutant] = []
    survivors: list[Mutant] = []
    for result in run(known, mutants_of(known)):
        kind = result.mutant.subject.kind
        total[kind] += 1
        if result.by:
            caught[kind] += 1
            families[result.by[:3]] += 1
            continue
        alive.append(result.mutant)
        reason = file.reason(result.mutant)
        if reason is None:
            survivors.append(result.mutant)
        else:
            excluded[kind] += 1
            reasons[reason.value] += 1
    seconds = time.process_time() - began

    print(_row(("kind", "mutants", "not counted", "caught", "survived", "share")))
    for kind, number in sorted(total.items(), key=lambda item: -item[1]):
        counted = number - excluded[kind]
        share = f"{caught[kind] / max(1, counted):.1%}"
        print(_row((kind, number, excluded[kind], caught[kind], counted - caught[kind], share)))
    print("\n  caught first by  " + ", ".join(f"{name} {n}" for name, n in families.most_common()))
    print("  not counted      " + ", ".join(f"{name} {n}" for name, n in reasons.most_common()))
    places = Counter((m.subject.kind, m.operator.value, m.place, file.why(m)) for m in survivors)
    unexplained = sum(number for (*_, why), number in places.items() if not why)
    print(f"\n  {len(survivors)} survivors in {len(places)} places, {unexplained} without a reason:")
    for (kind, operator, place, why), number in places.most_common(SHOWN):
        print(f"  {kind} {operator} {place} ({number}){': ' + why if why else ''}")
    for line in stale(file, alive):
        print(f"  ! {line}")
    killed, every, left = sum(caught.values()), sum(total.values()), sum(excluded.values())
    return [
        Figure(f"caught of {every - left} mutants that say something", 100 * killed / (every - left), "%", "95 %"),
        Figure(f"  caught of all {every} mutants", 100 * killed / every, "%", "-"),
        Figure("  seconds on one core", seconds, "s", "120 s"),
    ]
