"""Applying a tenant's deviations, and reading them: `policies/waivers/<tenant>.yaml`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ggi.audit.control import Control
from ggi.audit.verdict import Outcome
from ggi.errors import GgiError, Origin, Problem, raise_if
from ggi.inventory.tree import Node, read
from ggi.inventory.validate import validate
from ggi.inventory.waivers import Deviation, NotApplicable, Plan, Waiver, WaiverFile, matcher
from ggi.messages import t

FOLDER = Path("policies") / "waivers"


@dataclass(frozen=True, slots=True)
class Applied:
    """What the deviations make of one failure."""

    outcome: Outcome
    note: str = ""
    waiver: Waiver | None = None
    not_applicable: NotApplicable | None = None
    plan: Plan | None = None


@dataclass
class Deviations:
    """The deviations of one environment on one date. Remembers which were used."""

    file: WaiverFile
    environment: str
    date: dt.date
    used: set[int] = field(default_factory=set)

    def _covering(self, listed: Sequence[Deviation], control: str, subject: str) -> Iterator[Deviation]:
        for item in listed:
            if item.control == control and item.covers(self.environment) and matcher(item.resource).match(subject):
                yield item

    def of(self, control: Control, subject: str, evidence: str) -> Applied:
        """The outcome of a failure of `control` about `subject`, with the deviation that explains it."""
        for item in self._covering(self.file.not_applicable, control.id, subject):
            assert isinstance(item, NotApplicable)  # noqa: S101
            self.used.add(id(item))
            return Applied(Outcome.NOT_APPLICABLE, item.reason, not_applicable=item)
        note = ""
        for item in self._covering(self.file.waivers, control.id, subject):
            assert isinstance(item, Waiver)  # noqa: S101
            self.used.add(id(item))
            if not control.waivable:
                note = t("a government measure can't be waived")
            elif item.granted > self.date:
                note = t("the waiver begins on {date}", date=item.granted)
            elif item.expired(self.date):
                note = t("the waiver of {role} expired on {date}", role=item.approver, date=item.expires)
            elif item.value != evidence:
                note = t("the waiver accepts another value")
            else:
                soon = t("the waiver ends on {date}", date=item.expires) if item.expires_soon(self.date) else ""
                return Applied(Outcome.WAIVED, soon, waiver=item)
        for item in self._covering(self.file.plans, control.id, subject):
            assert isinstance(item, Plan)  # noqa: S101
            self.used.add(id(item))
            if item.due >= self.date:
                until = t("planned by {role} before {date}", role=item.owner, date=item.due)
                return Applied(Outcome.FAIL, until, plan=item)
            note = t("the plan was due on {date}", date=item.due)
        return Applied(Outcome.FAIL, note)

    def unused(self) -> list[Deviation]:
        """Deviations of this environment that explained nothing."""
        return [d for d in self.file.deviations if d.covers(self.environment) and id(d) not in self.used]


@dataclass(frozen=True)
class WaiversOf:
    """The deviations of one tenant as read, with the places of their values."""

    tenant: str
    file: WaiverFile
    tree: Node

    def origin(self, item: Deviation) -> Origin:
        """Where a deviation is written."""
        for key in ("waivers", "not_applicable", "plans"):
            for number, other in enumerate(getattr(self.file, key)):
                if other is item:
                    node = self.tree.child(key, number)
                    return node.origin if node is not None else self.tree.origin
        return self.tree.origin


def load_waivers(
    roots: Sequence[Path], controls: Mapping[str, Control], retired: Mapping[str, object] | None = None
) -> dict[str, WaiversOf]:
    """The deviations of every tenant of all content roots. Raises InputError with every problem found.

    A waiver of a control that does not exist, or of a government measure, is a problem.
    """
    problems: list[Problem] = []
    found: dict[str, WaiversOf] = {}
    for root in roots:
        for path in sorted((root / FOLDER).glob("*.yaml")):
            try:
                tree = read(path, str(FOLDER / path.name), f"waivers {path.stem}")
            except GgiError as error:
                problems.extend(error.problems)
                continue
            file = validate(tree, WaiverFile, problems)
            if file is None:
                continue
            one = WaiversOf(path.stem, file, tree)
            if path.stem in found:
                message = t("the deviations of {tenant} are in two content roots", tenant=path.stem)
                problems.append(Problem(message, t("Keep them in one file."), tree.origin))
            found[path.stem] = one
            problems.extend(_wrong(one, controls, retired or {}))
    raise_if(problems)
    return found


def _wrong(one: WaiversOf, controls: Mapping[str, Control], retired: Mapping[str, object]) -> Iterator[Problem]:
    for item in one.file.deviations:
        control = controls.get(item.control)
        if control is None:
            gone = item.control in retired
            message = (
                t("control {id} is retired", id=item.control)
                if gone
                else t("there is no control {id}", id=item.control)
            )
            yield Problem(message, t("`ggi controls list` shows the ids."), one.origin(item))
        elif isinstance(item, Waiver) and not control.waivable:
            yield Problem(
                t("{id} is a government measure of the BIO2, which can't be waived", id=item.control),
                t("Declare it not applicable with a reason, or carry it with a plan (`plans:`)."),
                one.origin(item),
            )


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
