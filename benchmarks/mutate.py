"""How many mutants of the reference landscape no control notices, and which.

The figure says how much of what could be made worse the controls see. Survivors are printed with their place; those
that policies/mutation.yaml explains are marked.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from ggi.audit.mutation import Mutant
from ggi.audit.mutationlist import load_mutation_file, stale
from ggi.audit.mutationrun import mutants_of, references, run
from ggi.paths import ROOT
from measure import Figure

SHOWN = 200
"""Lines of survivors that are printed at most."""


def _row(cells: tuple[object, ...]) -> str:
    return f"  {cells[0]!s:<24}" + "".join(f"{cell!s:>10}" for cell in cells[1:])


def measure(folder: Path) -> list[Figure]:
    """Print the table and the survivors; the figures are the share that is caught, and the seconds."""
    began = time.perf_counter()
    file = load_mutation_file(ROOT)
    known = references()
    every = list(mutants_of(known))
    excluded: Counter[str] = Counter()
    counted: list[tuple[str, Mutant]] = []
    for stack, mutant in every:
        reason = file.reason(mutant)
        if reason is None:
            counted.append((stack, mutant))
        else:
            excluded[reason.value] += 1
    total, caught, families = Counter[str](), Counter[str](), Counter[str]()
    survivors: list[Mutant] = []
    for result in run(known, counted):
        kind = result.mutant.subject.kind
        total[kind] += 1
        if result.by:
            caught[kind] += 1
            families[result.by[:3]] += 1
        else:
            survivors.append(result.mutant)
    seconds = time.perf_counter() - began

    print(_row(("kind", "mutants", "caught", "survived", "share")))
    for kind, number in sorted(total.items(), key=lambda item: -item[1]):
        share = f"{caught[kind] / number:.1%}"
        print(_row((kind, number, caught[kind], number - caught[kind], share)))
    print("\n  caught first by  " + ", ".join(f"{name} {n}" for name, n in families.most_common()))
    print("  not counted      " + ", ".join(f"{name} {n}" for name, n in excluded.most_common()))
    places = Counter((m.subject.kind, m.operator.value, m.place, file.why(m)) for m in survivors)
    print(f"\n  {len(survivors)} survivors in {len(places)} places:")
    for (kind, operator, place, why), number in places.most_common(SHOWN):
        print(f"  {kind} {operator} {place} ({number}){': ' + why if why else ''}")
    for line in stale(file, [m for _, m in every], survivors):
        print(f"  ! {line}")
    share = 100 * sum(caught.values()) / max(1, sum(total.values()))
    everything = 100 * sum(caught.values()) / len(every)
    return [
        Figure(f"caught of {sum(total.values())} mutants", share, "%", "95 %"),
        Figure(f"  caught of all {len(every)}, with those that do not count", everything, "%", "-"),
        Figure("  seconds on one core", seconds, "s", "120 s"),
    ]
