"""The mutation run: which controls notice which mutants. A mutant is caught when a control fails that did not before.

Only what a mutant can touch is judged again: the rules over single objects for the object itself, and the checks that
read the changed place when they judged the landscape as it is. `whole=True` judges everything again; a test compares.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ggi.controls.load import load_controls
from ggi.controls.control import Control
from ggi.controls.examples import DATE
from ggi.controls.observation import Facts, Observation, Subject
from ggi.audit.judge import Judge
from benchmarks.mutation.mutants import Mutant, Steps, distinct
from ggi.controls.subjects import of_landscape
from ggi.controls.verdict import Finding, Outcome
from ggi.catalogue.content import load_catalogue
from ggi.inventory.load import Inventory
from ggi.landscape.build import landscape
from ggi.paths import ROOT

STACKS = ("gm9901-prod", "gm9910-prod")
"""Everything is on in the first; the second has its database outside, and other differences."""

Key = tuple[str, str, str]
"""Control, subject, evidence: worse evidence is a new failure, as for a waiver."""
_KEYS = "*"


class _Traced(Mapping[str, Any]):
    """A mapping that notes which places are read. A list is read as a whole."""

    def __init__(self, value: Mapping[str, Any], steps: Steps, notes: set[Steps]) -> None:
        self._value, self._steps, self._notes = value, steps, notes

    def _noted(self, key: str, found: Any) -> Any:
        steps = (*self._steps, key)
        if isinstance(found, Mapping):
            return _Traced(found, steps, self._notes)
        self._notes.add(steps)
        return found

    def __getitem__(self, key: str) -> Any:
        if key not in self._value:
            self._notes.add((*self._steps, key))
        return self._noted(key, self._value[key])

    def __contains__(self, key: object) -> bool:
        self._notes.add((*self._steps, str(key)))
        return key in self._value

    def __iter__(self) -> Iterator[str]:
        self._notes.add((*self._steps, _KEYS))
        return iter(self._value)

    def __len__(self) -> int:
        self._notes.add((*self._steps, _KEYS))
        return len(self._value)


def _touches(read: Steps, changed: Steps) -> bool:
    """Whether who read one place may have seen a change of the other."""
    if read[-1] == _KEYS:
        read = read[:-1]
        return len(changed) <= len(read) + 1 and all(a == b for a, b in zip(read, changed, strict=False))
    return all(a == b for a, b in zip(read, changed, strict=False))


def _bad(findings: Iterable[Finding]) -> set[Key]:
    return {(f.control, f.subject, f.evidence) for f in findings if f.outcome is Outcome.FAIL}


@dataclass
class Reference:
    """One landscape as it is, judged once, and what each check read of it."""

    facts: Facts
    subjects: Sequence[Subject]
    controls: Sequence[Control]
    date: dt.date
    bad: set[Key] = field(default_factory=set)
    reads: dict[str, dict[str, set[Steps]]] = field(default_factory=dict)
    caught_by: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.bad = _bad(self._judge(self.subjects).findings())
        self._positions = {subject.name: n for n, subject in enumerate(self.subjects)}
        self._rules = [c for c in self.controls if c.rule is not None]
        self._judge_rules = Judge(self._rules, Observation(self.subjects, self.date, self.facts))
        for control in self.controls:
            if control.check is not None:
                notes: dict[str, set[Steps]] = {subject.name: set() for subject in self.subjects}
                traced = [Subject(s.name, _Traced(s.body, (), notes[s.name])) for s in self.subjects]
                list(control.check(Observation(traced, self.date, self.facts)))
                self.reads[control.id] = notes

    def _judge(self, subjects: Sequence[Subject], controls: Sequence[Control] | None = None) -> Judge:
        return Judge(self.controls if controls is None else controls, Observation(subjects, self.date, self.facts))

    def _with(self, mutant: Mutant, body: Mapping[str, Any] | None) -> list[Subject]:
        result = list(self.subjects)
        position = self._positions[mutant.subject.name]
        if body is None:
            del result[position]
        else:
            result[position] = Subject(mutant.subject.name, body)
        return result

    def caught(self, mutant: Mutant, *, whole: bool = False) -> str:
        """The id of a control that fails because of the mutant, or ""."""
        body = mutant.body()
        subjects = self._with(mutant, body)
        # Every rule may look at the namespace, so a change of it is judged again as a whole.
        if whole or body is None or mutant.subject.kind == "Namespace":
            new = _bad(self._judge(subjects).findings()) - self.bad
            return min(new)[0] if new else ""
        for finding in self._judge_rules.of_subject(Subject(mutant.subject.name, body)):
            if _bad([finding]) - self.bad:
                return finding.control
        touched = [
            control
            for control in self.controls
            if control.check is not None
            and any(_touches(read, mutant.steps) for read in self.reads[control.id][mutant.subject.name])
        ]
        if not touched:
            return ""
        judge = self._judge(subjects, touched)
        for control in sorted(touched, key=lambda c: -self.caught_by[c.id]):
            if judge.in_force(control) and _bad(judge.of_check(control)) - self.bad:
                self.caught_by[control.id] += 1
                return control.id
        return ""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one mutant. `by`: the control that caught it, "" when none did."""

    stack: str
    mutant: Mutant
    by: str


def references(controls: Sequence[Control] | None = None, stacks: Iterable[str] | None = None) -> dict[str, Reference]:
    """The example stacks of this checkout, judged as they are; the one with everything on comes first."""
    catalogue = load_catalogue()
    inventory = Inventory(ROOT / "inventories", catalogue.known)
    chosen = list(controls or load_controls([ROOT]))
    found: dict[str, Reference] = {}
    for name in stacks or STACKS:
        tenant, environment = inventory.find(name)
        built = landscape(inventory.environment(tenant, environment), catalogue)
        facts = Facts(built, catalogue, inventory.registry)
        found[built.stack] = Reference(facts, of_landscape(built), chosen, DATE)
    return found


def mutants_of(known: Mapping[str, Reference]) -> Iterator[tuple[str, Mutant]]:
    """Every mutant of these landscapes; what several have alike is mutated in the first one."""
    return distinct((stack, reference.subjects) for stack, reference in known.items())


def run(known: Mapping[str, Reference], found: Iterable[tuple[str, Mutant]]) -> Iterator[Result]:
    """Judge every mutant in its own landscape."""
    for stack, mutant in found:
        yield Result(stack, mutant, known[stack].caught(mutant))
