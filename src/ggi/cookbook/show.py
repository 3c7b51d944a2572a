"""How plans and checks are shown: as a change request for people, and as data for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ggi.cookbook.compare import shown
from ggi.cookbook.content import Cookbook
from ggi.cookbook.impact import Remark
from ggi.cookbook.judge import ABSENT, Compliance, JudgedProperty, JudgedSetting
from ggi.cookbook.plan import PlannedWrite, WritePlan
from ggi.cookbook.product import GRAPH
from ggi.inventory.m365 import Stage
from ggi.messages import t


def _wanted(line: JudgedProperty) -> str:
    want = line.wanted
    value = shown(want.value, want.labels)
    if want.comparison == "contains":
        return t("contains {value}", value=value)
    if want.comparison == "one_of":
        return t("one of {value}", value=value)
    if want.comparison == "unset":
        return t("not set")
    if want.comparison == "at_most":
        return t("at most {value}", value=value)
    return value


def _seen(line: JudgedProperty) -> str:
    return t("does not exist") if line.actual is ABSENT else shown(line.actual, line.wanted.labels)


def word(one: JudgedSetting, plan: WritePlan) -> str:
    """The outcome for people."""
    if one in plan.waived:
        return t("accepted deviation")
    return outcome_word(one.outcome)


def outcome_word(outcome: Compliance) -> str:
    """One of the three."""
    return {
        Compliance.COMPLIANT: t("complies"),
        Compliance.DRIFT: t("differs"),
        Compliance.UNREADABLE: t("not readable"),
    }[outcome]


def check_rows(plan: WritePlan) -> list[tuple[str, str, str, str, str]]:
    """(recipe, outcome, object, seen, wanted) of everything that does not simply comply."""
    rows = []
    for one in plan.judged:
        if one.outcome is Compliance.COMPLIANT:
            continue
        if one.reason is not None:
            rows.append((one.recipe, word(one, plan), str(one.ref), str(one.reason), ""))
            continue
        lines = [line for line in one.lines if line.outcome is Compliance.DRIFT]
        if one.reading is not None and not one.reading.exists:
            rows.append((one.recipe, word(one, plan), str(one.ref), t("does not exist"), ""))
            continue
        rows.extend(
            (one.recipe, word(one, plan), str(one.ref), f"{line.wanted.path}: {_seen(line)}", _wanted(line))
            for line in lines
        )
    return rows


def closing(stack: str, plan: WritePlan) -> str:
    """One line that counts recipes per outcome; what was not read is never counted as complying."""
    by_recipe: dict[str, set[str]] = {}
    for one in plan.judged:
        outcome = "waived" if one in plan.waived else one.outcome.value
        by_recipe.setdefault(one.recipe, set()).add(outcome)
    order = (Compliance.UNREADABLE.value, Compliance.DRIFT.value, "waived", Compliance.COMPLIANT.value)
    counts = dict.fromkeys(order, 0)
    for outcomes in by_recipe.values():
        counts[next(o for o in order if o in outcomes)] += 1
    return t(
        "{stack}: {passed} recipes comply, {drift} differ, {waived} are accepted deviations, {unread} not readable",
        stack=stack,
        passed=counts[Compliance.COMPLIANT.value],
        drift=counts[Compliance.DRIFT.value],
        waived=counts["waived"],
        unread=counts[Compliance.UNREADABLE.value],
    )


def plan_lines(
    plan: WritePlan, book: Cookbook, remarks: Sequence[Remark] = (), *, writing: bool = False
) -> Iterator[str]:
    """The plan as a change request: what differs, what users notice, what is needed, what can be undone.

    `remarks`: what was counted in this tenant; each is shown with its recipe.
    """
    listed = [one for one in plan.judged if one.outcome is not Compliance.COMPLIANT]
    if writing:
        changing = {recipe for change in plan.changes for recipe in change.recipes}
        listed = [one for one in listed if one.recipe in changing]
    told: set[str] = set()
    for one in listed:
        recipe = book.recipes[one.recipe].file
        if one.recipe not in told:
            told.add(one.recipe)
            yield f"{recipe.id}  {recipe.title}  [{_stage(one, plan)}]"
        yield from _object_lines(one, plan)
        if one is [x for x in listed if x.recipe == one.recipe][-1] and one.reason is None:
            yield f"      {t('users notice')}: {recipe.impact}"
            yield from (
                f"      {t('in this tenant')}: {remark.text}" for remark in remarks if remark.recipe == one.recipe
            )
            yield f"      {t('advice')}: {recipe.rollout}"
            if recipe.by_hand is not None:
                yield f"      {t('by hand')}: {recipe.by_hand}"
            yield f"      {t('needs')}: {', '.join(_needs(recipe.id, plan, book))}; {_reversible(one, book)}"
    if listed:
        yield ""
    if plan.changes:
        yield t("Writes, in this order ({count}):", count=len(plan.changes))
        for number, change in enumerate(plan.changes, 1):
            verb = t("create") if change.creates else t("enforce") if change.follows else t("change")
            yield f"  {number}. {verb} {change.ref} ({', '.join(change.recipes)})"
    else:
        yield t("Nothing would be written: no recipe that differs is at stage apply.") if listed else t("No change.")
    if plan.proposed:
        yield t("Proposed, not written (stage propose): {count}.", count=len(plan.proposed))


def _stage(one: JudgedSetting, plan: WritePlan) -> str:
    return {
        Stage.OBSERVE: t("observe: only reported"),
        Stage.PROPOSE: t("propose: planned, not written"),
        Stage.APPLY: t("apply: will be written"),
    }[plan.targets[one.recipe].stage]


def _object_lines(one: JudgedSetting, plan: WritePlan) -> Iterator[str]:
    accepted = f"  ({t('accepted deviation')})" if one in plan.waived else ""
    if one.reason is not None:
        yield f"    {one.ref}: {t('not readable')}: {one.reason}"
        return
    yield f"    {one.ref}{accepted}" + (f"  ({one.note})" if one.note else "")
    for line in one.lines:
        if line.outcome is Compliance.DRIFT:
            seen = "" if line.actual is ABSENT else f"{_seen(line)} -> "
            yield f"      {line.wanted.path}: {seen}{_wanted(line)}"


def _needs(recipe: str, plan: WritePlan, book: Cookbook) -> list[str]:
    found: dict[str, None] = {}
    for asked in plan.targets[recipe].asked:
        product, resource = book.product(asked.ref.resource), book.resource(asked.ref.resource)
        if product.channel == GRAPH:
            found |= dict.fromkeys(resource.permissions.write)
        else:
            found |= dict.fromkeys(product.roles.get("write", []))
    return list(found) or [t("nothing")]


def _reversible(one: JudgedSetting, book: Cookbook) -> str:
    fine = book.resource(one.ref.resource).reversible
    return t("can be undone: ggi m365 release --restore") if fine else t("can't be undone")


def _value(line: JudgedProperty) -> Any:
    return None if line.actual is ABSENT or line.outcome is Compliance.UNREADABLE else line.actual


def judged_data(one: JudgedSetting, plan: WritePlan) -> dict[str, Any]:
    """One recipe about one object, as data."""
    return {
        "recipe": one.recipe,
        "object": str(one.ref),
        "outcome": one.outcome.value,
        "waived": one in plan.waived,
        "stage": plan.targets[one.recipe].stage.value,
        "evidence": one.evidence,
        "note": one.note,
        "reason": one.reason.reason.value if one.reason else "",
        "detail": str(one.reason) if one.reason else "",
        "properties": [
            {
                "path": line.wanted.path,
                "comparison": line.wanted.comparison,
                "wanted": line.wanted.value,
                "actual": _value(line),
                "outcome": line.outcome.value,
            }
            for line in one.lines
        ],
    }


def change_data(change: PlannedWrite) -> dict[str, Any]:
    """One write, as data."""
    return {
        "object": str(change.ref),
        "recipes": list(change.recipes),
        "creates": change.creates,
        "before": dict(change.before),
        "after": dict(change.after),
    }


def plan_data(plan: WritePlan, remarks: Sequence[Remark] = ()) -> dict[str, Any]:
    """A whole plan, as data."""
    return {
        "recipes": [judged_data(one, plan) for one in plan.judged],
        "writes": [change_data(change) for change in plan.changes],
        "proposed": [change_data(change) for change in plan.proposed],
        "by_hand": [one.recipe for one in plan.by_hand],
        "impact": [remark.data() for remark in remarks],
    }
