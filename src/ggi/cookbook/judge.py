"""Recipes against what was read: compliant, drift, or not readable. Pure. A missing value is never defaulted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ggi.cookbook.compare import holds, same, shown
from ggi.cookbook.content import Cookbook
from ggi.cookbook.reading import EVERY, Reading, ReadResult, Reason, Ref, Unreadable
from ggi.cookbook.targets import Asked, RecipeTarget, WantedValue
from ggi.messages import t


class Compliance(StrEnum):
    """The three outcomes."""

    COMPLIANT = "compliant"
    DRIFT = "drift"
    UNREADABLE = "not readable"


@dataclass(frozen=True)
class JudgedProperty:
    """One property: what is wanted, what is there (`ABSENT` in an object that does not exist), and whether it fits."""

    wanted: WantedValue
    actual: Any
    outcome: Compliance
    note: str = ""


ABSENT = object()
"""Stands for the value of an object that does not exist."""


@dataclass(frozen=True)
class JudgedSetting:
    """One recipe about one object."""

    recipe: str
    ref: Ref
    outcome: Compliance
    lines: tuple[JudgedProperty, ...] = ()
    reading: Reading | None = None
    reason: Unreadable | None = None
    note: str = ""

    @property
    def evidence(self) -> str:
        """What was seen where it differs; a waiver accepts exactly this. For what complies: everything."""
        if self.reason is not None:
            return ""
        if self.reading is None or not self.reading.exists:
            return "absent"
        lines = [x for x in self.lines if x.outcome is self.outcome] or self.lines
        return "; ".join(f"{line.wanted.path}={shown(line.actual)}" for line in lines)


Enforced = Callable[[str], bool]


def judge(
    targets: Iterable[RecipeTarget], seen: Mapping[Ref, ReadResult], book: Cookbook, will_be: Enforced | None = None
) -> tuple[JudgedSetting, ...]:
    """Every target about every object. `will_be` tells of a recipe whether it will be enforced; default: is now."""
    ordered = sorted(targets, key=lambda target: bool(target.recipe.file.while_enforced))
    found: list[JudgedSetting] = []

    def enforced(name: str) -> bool:
        about = [one for one in found if one.recipe == name]
        return bool(about) and all(one.outcome is Compliance.COMPLIANT for one in about)

    for target in ordered:
        met = all((will_be or enforced)(name) for name in target.recipe.file.while_enforced)
        found.extend(_of_target(target, seen, book, met))
    order = {recipe: number for number, recipe in enumerate(book.recipes)}
    return tuple(sorted(found, key=lambda one: (order[one.recipe], one.ref)))


def _of_target(
    target: RecipeTarget, seen: Mapping[Ref, ReadResult], book: Cookbook, met: bool
) -> Iterator[JudgedSetting]:
    if target.undecided:
        reason = Unreadable(Reason.UNDECIDED, ", ".join(target.undecided))
        yield JudgedSetting(
            target.id, Ref(target.recipe.file.settings[0].resource), Compliance.UNREADABLE, reason=reason
        )
        return
    for asked in target.asked:
        for ref, found in _about(asked, seen):
            if isinstance(found, Unreadable):
                yield JudgedSetting(target.id, ref, Compliance.UNREADABLE, reason=found)
            else:
                yield _object(target, asked, ref, found, seen, book, met)


def _about(asked: Asked, seen: Mapping[Ref, ReadResult]) -> Iterator[tuple[Ref, ReadResult]]:
    """The objects that are meant: the one with its name, or all of its kind."""
    if asked.ref.item != EVERY:
        yield asked.ref, seen.get(asked.ref, Unreadable(Reason.CHANNEL))
        return
    whole = seen.get(asked.ref)
    if isinstance(whole, Unreadable):
        yield asked.ref, whole
        return
    every = [(r, s) for r, s in seen.items() if r.resource == asked.ref.resource and r.item not in (EVERY, "")]
    exist = [(r, s) for r, s in every if isinstance(s, Unreadable) or s.exists]
    yield from exist or [(asked.ref, Unreadable(Reason.ABSENT))]


def _object(
    target: RecipeTarget,
    asked: Asked,
    ref: Ref,
    found: Reading,
    seen: Mapping[Ref, ReadResult],
    book: Cookbook,
    met: bool,
) -> JudgedSetting:
    lines = tuple(_line(want, found, book, ref, met) for want in asked.wants)
    outcome = _worst([line.outcome for line in lines])
    if outcome is Compliance.DRIFT and asked.any_item:
        for other, reading in seen.items():
            if other.resource == ref.resource and other != ref and isinstance(reading, Reading) and reading.exists:
                theirs = tuple(_line(want, reading, book, other, met) for want in asked.wants)
                if all(line.outcome is Compliance.COMPLIANT for line in theirs):
                    note = t("{name} does the same", name=other.item)
                    return JudgedSetting(target.id, ref, Compliance.COMPLIANT, theirs, reading, note=note)
    reason = next((line.actual for line in lines if line.outcome is Compliance.UNREADABLE), None)
    note = next((line.note for line in lines if line.note), "")
    if outcome is Compliance.UNREADABLE:
        return JudgedSetting(target.id, ref, outcome, lines, found, reason)
    return JudgedSetting(target.id, ref, outcome, lines, found, note=note)


def _worst(outcomes: Sequence[Compliance]) -> Compliance:
    """What can't be read hides whether the whole complies; drift that was seen is drift whatever the rest is."""
    if Compliance.DRIFT in outcomes and Compliance.UNREADABLE not in outcomes:
        return Compliance.DRIFT
    return Compliance.UNREADABLE if Compliance.UNREADABLE in outcomes else Compliance.COMPLIANT


def _line(want: WantedValue, found: Reading, book: Cookbook, ref: Ref, met: bool) -> JudgedProperty:
    if want.otherwise is not None and not met:
        want = replace(want, comparison="equal", value=want.otherwise, otherwise=None)
    if found.values is None:
        return JudgedProperty(want, ABSENT, Compliance.DRIFT, t("does not exist"))
    if want.path not in found.values:
        return JudgedProperty(want, Unreadable(Reason.ABSENT, want.path), Compliance.UNREADABLE)
    actual = found.values[want.path]
    if isinstance(actual, Unreadable):
        return JudgedProperty(want, actual, Compliance.UNREADABLE)
    if holds(want.comparison, want.value, actual):
        return JudgedProperty(want, actual, Compliance.COMPLIANT)
    prop = book.resource(ref.resource).properties[want.path]
    if prop.type == "enum" and isinstance(actual, str) and not any(same(actual, v) for v in prop.values):
        # It may be stricter than anything this release knows, so it is not overwritten either.
        return JudgedProperty(want, Unreadable(Reason.NEWER, f"{want.path}={actual}"), Compliance.UNREADABLE)
    note = ""
    if want.report_only is not None and same(actual, want.report_only):
        note = t("in report-only mode: nothing is enforced")
    return JudgedProperty(want, actual, Compliance.DRIFT, note)
