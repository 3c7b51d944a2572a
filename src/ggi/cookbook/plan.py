"""From what was judged to what would be written: one change per object, in an order that never lowers the guard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ggi.cookbook.compare import same, to_write
from ggi.cookbook.content import Cookbook
from ggi.cookbook.judge import ABSENT, Compliance, JudgedSetting, judge
from ggi.cookbook.product import DNS
from ggi.cookbook.reading import Reading, ReadResult, Ref
from ggi.cookbook.targets import RecipeTarget
from ggi.inventory.m365 import Stage


@dataclass(frozen=True)
class PlannedWrite:
    """One write. `before` and `after` by property; `before` lacks what did not exist."""

    ref: Ref
    recipes: tuple[str, ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reading: Reading
    follows: bool = False
    """An earlier change of the plan writes this object first."""
    deletes: bool = False
    """The object is removed: it was made by the Cookbook, and is released."""
    guards: bool = False
    """It takes away a protection that later changes of the plan replace: undone when they fail."""

    @property
    def creates(self) -> bool:
        """Whether the object does not exist yet."""
        return not self.reading.exists and not self.follows

    def shows_in(self, reading: Reading) -> bool:
        """Whether an object that was read afterwards holds what was written."""
        values = reading.values
        if self.deletes:
            return values is None
        return values is not None and all(
            p in values and (same(v, values[p]) or (v is None and not values[p])) for p, v in self.after.items()
        )


@dataclass(frozen=True)
class WritePlan:
    """What was judged, what will be written in this order, and what is only proposed or has to be done by hand."""

    judged: tuple[JudgedSetting, ...]
    targets: Mapping[str, RecipeTarget]
    changes: tuple[PlannedWrite, ...]
    proposed: tuple[PlannedWrite, ...] = ()
    by_hand: tuple[JudgedSetting, ...] = ()
    waived: tuple[JudgedSetting, ...] = ()
    report_only: bool = False

    def drifts(self) -> tuple[JudgedSetting, ...]:
        """Everything that differs and is not waived."""
        return tuple(one for one in self.judged if one.outcome is Compliance.DRIFT and one not in self.waived)


Waived = Callable[[JudgedSetting], bool]


def make_plan(
    targets: Iterable[RecipeTarget],
    seen: Mapping[Ref, ReadResult],
    book: Cookbook,
    waived: Waived = lambda _: False,
    *,
    report_only: bool = False,
) -> WritePlan:
    """The plan. A waiver wins over a change; `report_only` writes what a recipe gives for it and enforces nothing."""
    by_id = {target.id: target for target in targets}
    now = judge(by_id.values(), seen, book)
    will = _enforced_after(now, by_id, waived, report_only)
    judged = judge(by_id.values(), seen, book, will)
    accepted = tuple(one for one in judged if one.outcome is Compliance.DRIFT and waived(one))
    open_ones = [one for one in judged if one.outcome is Compliance.DRIFT and one not in accepted]
    by_hand = tuple(one for one in open_ones if book.channel(one.ref.resource) == DNS)
    writable = [one for one in open_ones if one not in by_hand]
    apply = [one for one in writable if by_id[one.recipe].stage is Stage.APPLY]
    propose = [one for one in writable if by_id[one.recipe].stage is Stage.PROPOSE]
    changes = _ordered(_merged(apply, report_only), by_id, book, report_only)
    return WritePlan(judged, by_id, changes, _merged(propose, report_only), by_hand, accepted, report_only)


def _enforced_after(
    now: Iterable[JudgedSetting], by_id: Mapping[str, RecipeTarget], waived: Waived, report_only: bool
) -> Callable[[str], bool]:
    found = list(now)

    def will_be(name: str) -> bool:
        about = [one for one in found if one.recipe == name]
        mended = not report_only and name in by_id and by_id[name].stage is Stage.APPLY
        return bool(about) and all(
            one.outcome is Compliance.COMPLIANT or (one.outcome is Compliance.DRIFT and mended and not waived(one))
            for one in about
        )

    return will_be


def _values(one: JudgedSetting, report_only: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for line in one.lines:
        want = line.wanted
        if line.outcome is not Compliance.DRIFT:
            continue
        actual = None if line.actual is ABSENT else line.actual
        value = to_write(want.comparison, want.value, actual)
        if report_only and want.report_only is not None:
            value = want.report_only
        if line.actual is not ABSENT:
            if same(value, line.actual):
                continue
            before[want.path] = line.actual
        after[want.path] = value
    return before, after


def _merged(judged: Iterable[JudgedSetting], report_only: bool) -> tuple[PlannedWrite, ...]:
    """One change per object, whatever number of recipes ask for it: fewer requests, and no state in between."""
    made: dict[Ref, PlannedWrite] = {}
    for one in judged:
        before, after = _values(one, report_only)
        if not after or one.reading is None:
            continue
        known = made.get(one.ref)
        made[one.ref] = (
            replace(
                known,
                recipes=(*known.recipes, one.recipe),
                before={**known.before, **before},
                after={**known.after, **after},
            )
            if known
            else PlannedWrite(one.ref, (one.recipe,), before, after, one.reading)
        )
    return tuple(made.values())


def _ordered(
    changes: tuple[PlannedWrite, ...], by_id: Mapping[str, RecipeTarget], book: Cookbook, report_only: bool
) -> tuple[PlannedWrite, ...]:
    """What is needed first comes first.

    Entra ID refuses an enforced conditional access policy while security defaults are on, and without security
    defaults nothing guards until the policies do. So the policies are made in report-only mode, then the defaults go,
    then the policies are enforced at once: three steps, the second undone when the third fails.
    """
    guards = [replace(c, guards=True) for c in changes if any(by_id[r].recipe.file.while_enforced for r in c.recipes)]
    first: list[PlannedWrite] = []
    last: list[PlannedWrite] = []
    for change in changes:
        if any(guard.ref == change.ref for guard in guards):
            continue
        watched = enforcing(change, by_id) if guards and not report_only else {}
        early = {
            p: v
            for p, v in {**change.after, **watched}.items()
            if p not in change.before or not same(v, change.before[p])
        }
        if early:
            first.append(replace(change, after=early))
        if watched:
            after = {path: change.after[path] for path in watched}
            last.append(replace(change, before=dict(watched), after=after, follows=True))
    return (*sorted(first, key=lambda c: (book.channel(c.ref.resource), _rank(c))), *guards, *last)


def _rank(change: PlannedWrite) -> int:
    """A policy is made before it is assigned, and before rules are added to it."""
    return 1 if change.creates else 0


def enforcing(change: PlannedWrite, by_id: Mapping[str, RecipeTarget]) -> dict[str, Any]:
    """The properties by which a change enforces a policy, each with the value that would only report."""
    return {
        want.path: want.report_only
        for recipe in change.recipes
        for asked in by_id[recipe].asked
        if asked.ref == change.ref
        for want in asked.wants
        if want.report_only is not None and not same(change.after.get(want.path, want.report_only), want.report_only)
    }


def refs_of(targets: Iterable[RecipeTarget]) -> tuple[Ref, ...]:
    """Every object that targets are about, each once."""
    return tuple(dict.fromkeys(asked.ref for target in targets for asked in target.asked))
