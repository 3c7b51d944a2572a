"""The judge: subjects x controls x deviations x date -> findings. Pure, and the same for plan, state and live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from ggi.audit.deviations import Deviations
from ggi.controls import cel
from ggi.controls.control import Control
from ggi.controls.observation import Observation, Subject, origin_for
from ggi.controls.reads import NAMESPACE
from ggi.controls.verdict import Enforcement, Finding, Outcome
from ggi.errors import Origin
from ggi.messages import t

COMPLIES, FAILS, NOT_MEANT = 1, 0, 2
"""What a rule gives."""


@cache
def _joined(rules: tuple[str, ...]) -> Any:
    """One expression that gives the verdicts of all these rules as a list. It has an error when one of them has."""
    return cel.compiled(f"[{', '.join(rules)}]")


class Judge:
    """Judges one landscape. `full`: also tell what was seen where a control is met, for reports.

    `brief`: what complies is only counted, by control in `passed`; there is no finding of it.
    """

    def __init__(
        self,
        controls: Iterable[Control],
        seen: Observation,
        deviations: Deviations | None = None,
        *,
        full: bool = False,
        brief: bool = False,
    ) -> None:
        self.seen = seen
        self.deviations = deviations or Deviations(seen.waivers, seen.environment.name, seen.date)
        self.full, self.brief = full, brief
        self.passed: Counter[str] = Counter()
        self._unknown = any(subject.unknown for subject in seen.subjects)
        environment, date = seen.environment.name, seen.date
        self._controls = {c.id: (c, c.enforcement(environment, date)) for c in controls}
        self._controls = {i: (c, e) for i, (c, e) in self._controls.items() if e is not Enforcement.DISABLED}
        self._by_kind: dict[str, list[tuple[Control, Enforcement]]] = {}
        for control, enforcement in self._controls.values():
            if control.rule is not None:
                for kind in control.kinds:
                    self._by_kind.setdefault(kind, []).append((control, enforcement))
        namespace = next((s for s in seen.subjects if s.kind == "Namespace"), None)
        self._namespace = namespace.body if namespace is not None else None
        self._unknown_of_namespace = [(NAMESPACE, *path) for path in namespace.unknown] if namespace is not None else []

    def in_force(self, control: Control) -> bool:
        """Whether a control counts on this date."""
        return control.id in self._controls

    def findings(self) -> Iterator[Finding]:
        """Every finding; a control that is about nothing here gives one NOT_APPLICABLE."""
        met: set[str] = set()
        for subject in self.seen.subjects:
            for finding in self.of_subject(subject):
                met.add(finding.control)
                yield finding
        for control, enforcement in self._controls.values():
            if control.check is not None:
                for finding in self.of_check(control, enforcement):
                    met.add(control.id)
                    yield finding
        for control, enforcement in self._controls.values():
            if control.id not in met and control.id not in self.passed:
                yield self._nothing(control, enforcement)

    def of_subject(self, subject: Subject) -> Iterator[Finding]:
        """The findings about one object, by the rules over single objects."""
        controls: Sequence[tuple[Control, Enforcement]] = self._by_kind.get(subject.kind, ())
        if not controls or subject.owned:
            return
        view = cel.activation(subject.body, self._namespace)
        if self.brief and not (subject.unknown or self._unknown_of_namespace):
            controls = self._left(controls, subject, view)
        for control, enforcement in controls:
            finding = self._rule(control, enforcement, subject, view)
            if finding is not None:
                yield finding

    def _left(
        self, controls: Sequence[tuple[Control, Enforcement]], subject: Subject, view: Any
    ) -> Sequence[tuple[Control, Enforcement]]:
        """Those that have to be judged alone, since there is something to tell; of the others, it counts who passed."""
        try:
            verdicts = cel.evaluate(_joined(tuple([control.rule_text for control, _ in controls])), view)
        except cel.CelError:
            # Which of them has the error shows when each is judged alone.
            return controls
        left = []
        for judged, verdict in zip(controls, verdicts, strict=True):
            if verdict == COMPLIES and not self._instead(judged[0], subject.component):
                self.passed[judged[0].id] += 1
            elif verdict != NOT_MEANT:
                left.append(judged)
        return left

    def _rule(self, control: Control, enforcement: Enforcement, subject: Subject, view: Any) -> Finding | None:
        assert control.reads is not None  # noqa: S101  (only rules are listed by kind)
        if any(control.reads.reach(path) for path in (*subject.unknown, *self._unknown_of_namespace)):
            note = t("a value is not known before the update")
            return Finding(control.id, subject.name, Outcome.UNKNOWN, enforcement, note=note)
        try:
            verdict = cel.evaluate(control.rule, view)
        except cel.CelError as error:
            # The cluster refuses what its rule can't judge, so this is no pass either.
            return self._deviate(control, enforcement, subject.name, "", note=str(error))
        if verdict == NOT_MEANT:
            return None
        if verdict == COMPLIES and (why := self._instead(control, subject.component)):
            return Finding(control.id, subject.name, Outcome.UNKNOWN, enforcement, self._evidence(control, view), why)
        if verdict == COMPLIES and self.brief:
            self.passed[control.id] += 1
            return None
        evidence = self._evidence(control, view) if self.full or verdict == FAILS else ""
        if verdict == COMPLIES:
            return Finding(control.id, subject.name, Outcome.PASS, enforcement, evidence)
        return self._deviate(control, enforcement, subject.name, evidence)

    @staticmethod
    def _evidence(control: Control, view: Any) -> str:
        try:
            return str(cel.evaluate(control.evidence, view))
        except cel.CelError as error:
            return str(error)

    def of_check(self, control: Control, enforcement: Enforcement | None = None) -> Iterator[Finding]:
        """The findings of a check over more than one object."""
        assert control.check is not None  # noqa: S101
        if enforcement is None:
            enforcement = self._controls[control.id][1]
        missing = control.kinds & self.seen.unread
        if missing:
            note = t("not allowed to read: {kinds}", kinds=", ".join(sorted(missing)))
            yield Finding(control.id, self.seen.stack, Outcome.UNKNOWN, enforcement, note=note)
            return
        if self._unknown and any(subject.unknown for subject in self.seen.of(*control.kinds)):
            # Nobody knows what a check reads, so it waits until everything that it is about is known.
            note = t("a value is not known before the update")
            yield Finding(control.id, self.seen.stack, Outcome.UNKNOWN, enforcement, note=note)
            return
        try:
            verdicts = list(control.check(self.seen))
        except Exception as error:
            # An object that nobody foresaw must not hide what the other controls see. The type names no value.
            note = t("the check has an error: {why}", why=type(error).__name__)
            yield Finding(control.id, self.seen.stack, Outcome.UNKNOWN, enforcement, note=note)
            return
        for verdict in verdicts:
            why = self._instead(control, verdict.subject.partition("/")[0]) if verdict.outcome is Outcome.PASS else ""
            if why:
                yield Finding(control.id, verdict.subject, Outcome.UNKNOWN, enforcement, verdict.evidence, why)
            elif verdict.outcome is Outcome.PASS and self.brief:
                self.passed[control.id] += 1
            elif verdict.outcome is Outcome.FAIL:
                yield self._deviate(control, enforcement, verdict.subject, verdict.evidence, verdict.origin)
            else:
                note = t("this place can't show it; --from live on a real cluster can") if verdict.elsewhere else ""
                yield Finding(
                    control.id,
                    verdict.subject,
                    verdict.outcome,
                    enforcement,
                    verdict.evidence,
                    note,
                    verdict.origin,
                    elsewhere=verdict.elsewhere,
                )

    def _instead(self, control: Control, component: str) -> str:
        """Why a control about images is not met by what runs of a component; empty when that does not hinder it."""
        if self.seen.instead is None or not control.file.images:
            return ""
        return self.seen.instead.get(component, t("nothing of it runs here that could be asked for its image"))

    def _deviate(
        self,
        control: Control,
        enforcement: Enforcement,
        subject: str,
        evidence: str,
        origin: Origin | None = None,
        note: str = "",
    ) -> Finding:
        """A failure, unless a deviation covers it."""
        place = origin or origin_for(self.seen.environment, subject, control.file.inventory)
        found = Finding(control.id, subject, Outcome.FAIL, enforcement, evidence, note, place)
        return self.deviations.explained(control, found)

    def _nothing(self, control: Control, enforcement: Enforcement) -> Finding:
        missing = control.kinds & self.seen.unread
        if missing:
            note = t("not allowed to read: {kinds}", kinds=", ".join(sorted(missing)))
            return Finding(control.id, self.seen.stack, Outcome.UNKNOWN, enforcement, note=note)
        note = t("nothing here that this control is about")
        return Finding(control.id, self.seen.stack, Outcome.NOT_APPLICABLE, enforcement, note=note)


def count_outcomes(findings: Iterable[Finding]) -> dict[Outcome, int]:
    """How many findings per outcome, every outcome named."""
    result = dict.fromkeys(Outcome, 0)
    for finding in findings:
        result[finding.outcome] += 1
    return result
