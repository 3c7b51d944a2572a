"""What must hold over several recipes, checked before any write.

1. A recipe that takes a protection away does so only where the recipes that replace it are enforced, or will be by
   the same plan. (The judge sees to the value; here a plan is refused that enforces a policy while the protection
   that forbids it stays.)
2. Accounts for emergencies (break glass) exist, at least two of them, before a policy is written that could lock
   everybody out, and every such policy excludes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from ggi.cookbook.compare import same
from ggi.cookbook.judge import JudgedSetting
from ggi.cookbook.plan import WritePlan, enforcing
from ggi.cookbook.reading import Ref, Unreadable
from ggi.cookbook.targets import RecipeTarget, WantedValue
from ggi.errors import Problem
from ggi.messages import t

POLICIES = "entra/conditionalAccessPolicy"
EXCLUDED = "conditions.users.excludeGroups"
ENOUGH = 2
"""Emergency accounts at least (Microsoft: manage emergency access accounts)."""


@runtime_checkable
class Groups(Protocol):
    """A channel that can count the members of a group."""

    async def members(self, group: str) -> int | Unreadable:
        """How many members a group has."""


async def broken(plan: WritePlan, graph: object) -> list[Problem]:
    """Every invariant that the plan would break."""
    problems = list(_unguarded(plan))
    groups: set[str] = set()
    for change in plan.changes:
        if change.ref.resource != POLICIES:
            continue
        wanted = {group for name in change.recipes for group in _excluded(plan.targets[name], change.ref)}
        if not wanted:
            message = t("{object} would exclude no emergency account", object=change.ref)
            problems.append(Problem(message, t("Its recipe must exclude the group of emergency accounts.")))
        groups |= wanted
    if isinstance(graph, Groups):
        for group in sorted(groups):
            problems.extend(_way_back(await graph.members(group)))
    return problems


def _excluded(target: RecipeTarget, ref: Ref) -> Iterator[str]:
    for asked in target.asked:
        for want in asked.wants:
            if asked.ref == ref and want.path == EXCLUDED:
                yield from want.value


def _way_back(members: int | Unreadable) -> Iterator[Problem]:
    if isinstance(members, Unreadable):
        message = t("the group of emergency accounts can't be read: {why}", why=members)
        yield Problem(message, t("Nothing was written: a policy without a way back can lock everybody out."))
    elif members < ENOUGH:
        message = t(
            "the group of emergency accounts has {count} members, {least} are needed", count=members, least=ENOUGH
        )
        yield Problem(message, t("Add emergency accounts to the group first. Nothing was written."))


def _unguarded(plan: WritePlan) -> Iterator[Problem]:
    """Entra ID refuses enforced policies while security defaults are on: refuse the plan instead of failing midway."""
    enforced = {name for change in plan.changes if enforcing(change, plan.targets) for name in change.recipes}
    changing = {recipe for change in plan.changes for recipe in change.recipes}
    for target in plan.targets.values():
        replaced = [want for asked in target.asked for want in asked.wants if want.otherwise is not None]
        if not enforced or not replaced or target.id in changing:
            continue
        about = [one for one in plan.judged if one.recipe == target.id]
        if all(_gone(one, replaced) for one in about):
            continue
        yield Problem(
            t("{needed} can't be enforced while {recipe} is not applied", needed=_list(enforced), recipe=target.id),
            t("Set the stage of {recipe} to apply as well, or use --report-only.", recipe=target.id),
        )


def _gone(one: JudgedSetting, replaced: list[WantedValue]) -> bool:
    """Whether what is to be replaced is off already."""
    values = one.reading.values if one.reading is not None else None
    return values is not None and all(same(values.get(want.path), want.value) for want in replaced)


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names))
