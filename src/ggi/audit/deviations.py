"""Applying a tenant's deviations to findings, and checking that they are about controls that exist."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ggi.controls.control import Control
from ggi.controls.verdict import Finding, Outcome
from ggi.errors import Origin, Problem, raise_if
from ggi.inventory.tree import read
from ggi.inventory.validate import nearest, validate
from ggi.inventory.waiverfiles import REGIONS, Waivers, WaiversOf, read_waivers
from ggi.inventory.waivers import Deviation, NotApplicable, RemediationPlan, Waiver, WaiverFile, matcher
from ggi.messages import t

__all__ = ["Applied", "Deviations", "WaiversOf", "load_waivers", "unused_problems"]


@dataclass(frozen=True, slots=True)
class Applied:
    """What the deviations make of one failure."""

    outcome: Outcome
    note: str = ""
    waiver: Waiver | None = None
    not_applicable: NotApplicable | None = None
    plan: RemediationPlan | None = None


@dataclass
class Deviations:
    """The deviations of one environment on one date. Remembers which matched a failure, and which explained one."""

    file: WaiverFile
    environment: str
    date: dt.date
    used: set[int] = field(default_factory=set)
    accepted: set[int] = field(default_factory=set)

    def _covering(self, listed: Sequence[Deviation], control: str, subject: str) -> Iterator[Deviation]:
        for item in listed:
            if item.control == control and item.covers(self.environment) and matcher(item.resource).match(subject):
                yield item

    def of(self, control: Control, subject: str, evidence: str) -> Applied:
        """The outcome of a failure of `control` about `subject`, with the deviation that explains it."""
        note = ""
        for item in self._covering(self.file.deviations, control.id, subject):
            self.used.add(id(item))
            applied = self._apply(item, control, evidence)
            if applied.outcome is not Outcome.FAIL or applied.plan is not None:
                self.accepted.add(id(item))
                return applied
            note = applied.note or note
        return Applied(Outcome.FAIL, note)

    def explained(self, control: Control, finding: Finding) -> Finding:
        """A failure with the deviation that explains it; any other finding as it is."""
        if finding.outcome is not Outcome.FAIL:
            return finding
        said = self.of(control, finding.subject, finding.evidence)
        return replace(
            finding,
            outcome=said.outcome,
            note=said.note or finding.note,
            waiver=said.waiver,
            not_applicable=said.not_applicable,
            plan=said.plan,
        )

    def _apply(self, item: Deviation, control: Control, evidence: str) -> Applied:
        """What one deviation makes of a failure that it covers."""
        if item.granted > self.date:
            return Applied(Outcome.FAIL, t("the decision begins on {date}", date=item.granted))
        if isinstance(item, NotApplicable):
            return Applied(Outcome.NOT_APPLICABLE, item.reason, not_applicable=item)
        if isinstance(item, Waiver):
            return self._waived(item, control, evidence)
        assert isinstance(item, RemediationPlan)  # noqa: S101
        if item.due < self.date:
            return Applied(Outcome.FAIL, t("the plan was due on {date}", date=item.due))
        if item.value != evidence:
            return Applied(Outcome.FAIL, t("the plan is about another value: {value}", value=item.value))
        return Applied(Outcome.FAIL, t("planned by {role} before {date}", role=item.owner, date=item.due), plan=item)

    def _waived(self, item: Waiver, control: Control, evidence: str) -> Applied:
        if not control.waivable:
            return Applied(Outcome.FAIL, t("a government measure can't be waived"))
        if item.expired(self.date):
            expired = t("the waiver of {role} expired on {date}", role=item.approver, date=item.expires)
            return Applied(Outcome.FAIL, expired)
        if item.value != evidence:
            return Applied(Outcome.FAIL, t("the waiver accepts another value: {value}", value=item.value))
        soon = t("the waiver ends on {date}", date=item.expires) if item.expires_soon(self.date) else ""
        return Applied(Outcome.WAIVED, soon, waiver=item)

    def unused(self) -> list[Deviation]:
        """Deviations of this environment that explained nothing."""
        return [d for d in self.file.deviations if d.covers(self.environment) and id(d) not in self.used]


def load_waivers(
    roots: Sequence[Path], controls: Mapping[str, Control], retired: Mapping[str, object] | None = None
) -> Waivers:
    """The deviations of every tenant and the proposals of every region, of all content roots. Raises nothing.

    A waiver of a control that does not exist, or of a government measure, is a problem of its file.
    """
    found = read_waivers(roots)
    wrong = {key: list(problems) for key, problems in found.wrong.items()}
    for one in found.tenants.values():
        for item in one.file.deviations:
            wrong.setdefault(one.tenant, []).extend(_wrong(item, one.origin(item), controls, retired or {}))
    for region in found.regions.values():
        for proposal in region.proposals.values():
            told = _wrong(proposal, region.origin(proposal), controls, retired or {})
            wrong.setdefault(f"{REGIONS}/{region.region}", []).extend(told)
    return replace(found, wrong={key: problems for key, problems in wrong.items() if problems})


def _wrong(
    item: Deviation, place: Origin, controls: Mapping[str, Control], retired: Mapping[str, object]
) -> Iterator[Problem]:
    control = controls.get(item.control)
    if control is None:
        gone = item.control in retired
        message = (
            t("control {id} is retired", id=item.control) if gone else t("there is no control {id}", id=item.control)
        )
        yield Problem(message, t("`ggi controls list` shows the ids."), place)
    elif isinstance(item, Waiver) and not control.waivable:
        yield Problem(
            t("{id} is a government measure of the BIO2, which can't be waived", id=item.control),
            t("Declare it not applicable with a reason, or carry it with a plan (`plans:`)."),
            place,
        )
    elif isinstance(item, Waiver | RemediationPlan) and not control.vocabulary.knows(item.value):
        yield Problem(
            t("{value} is no evidence of {id}", value=item.value, id=item.control),
            t("`ggi audit STACK --json` shows it; `ggi waivers migrate` rewrites what an older version accepted."),
            place,
        )


def deviations_in(
    roots: Sequence[Path], folder: Path, name: str, stack: str, known: Mapping[str, object]
) -> WaiversOf | None:
    """The deviations of an owned thing that is no tenant (`<folder>/<name>.yaml`); None when it has none.

    `known` are the ids of its controls. The first content root that has the file counts. Raises InputError with every
    problem found.
    """
    path = next((root / folder / f"{name}.yaml" for root in roots if (root / folder / f"{name}.yaml").is_file()), None)
    if path is None:
        return None
    problems: list[Problem] = []
    tree = read(path, str(folder / path.name), f"waivers {stack}")
    file = validate(tree, WaiverFile, problems)
    raise_if(problems)
    assert file is not None  # noqa: S101  (raise_if has raised otherwise)
    found = WaiversOf(stack, file, tree, path.parents[len(folder.parts)])
    for item in file.deviations:
        if item.control not in known:
            message = t("there is no control {id}", id=item.control)
            problems.append(Problem(message, nearest(item.control, known), found.origin(item)))
    raise_if(problems)
    return found


def unused_problems(one: WaiversOf, unused: Mapping[str, Sequence[Deviation]]) -> list[Problem]:
    """A deviation that matched nothing in any environment that it covers is a problem.

    `unused` are the deviations that explained nothing, per environment that was judged.
    """
    problems = []
    for item in one.file.deviations:
        judged = [name for name in unused if item.covers(name)]
        if judged and all(any(other is item for other in unused[name]) for name in judged):
            problems.append(
                Problem(
                    t("this deviation of {id} matches nothing", id=item.control),
                    t("Remove it: what it was about is mended, or its `resource` is misspelt."),
                    one.origin(item),
                )
            )
    return problems
