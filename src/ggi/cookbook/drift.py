"""What others changed since the Cookbook last wrote or looked. Works on what was read, so on snapshots too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ggi.cookbook.compare import same, shown
from ggi.cookbook.content import Cookbook
from ggi.cookbook.judge import Compliance, judge
from ggi.cookbook.reading import Reading, ReadResult, Ref
from ggi.cookbook.targets import RecipeTarget


@dataclass(frozen=True)
class Drifted:
    """One property that is not what it was; `verdict` is the recipe's outcome now."""

    recipe: str
    object: str
    path: str
    was: str
    now: str
    verdict: str

    def data(self) -> dict[str, str]:
        """For JSON."""
        return dict(vars(self))


def find_changes(
    known: Mapping[str, Mapping[str, Any]],
    seen: Mapping[Ref, ReadResult],
    targets: Iterable[RecipeTarget],
    book: Cookbook,
) -> list[Drifted]:
    """Every property of a recipe that changed; one that can't be read now is not listed, it is in `check`."""
    found: list[Drifted] = []
    for one in judge(targets, seen, book):
        before = known.get(str(one.ref))
        if before is None or one.outcome is Compliance.UNREADABLE:
            continue
        now = seen.get(one.ref)
        values: Mapping[str, Any] = (now.values or {}) if isinstance(now, Reading) else {}
        for line in one.lines:
            path = line.wanted.path
            if path not in before and path not in values:
                continue
            if path in before and path in values and same(before[path], values[path]):
                continue
            was = shown(before[path]) if path in before else "absent"
            is_now = shown(values[path]) if path in values else "absent"
            found.append(Drifted(one.recipe, str(one.ref), path, was, is_now, line.outcome.value))
    return found
