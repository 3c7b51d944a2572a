"""The judge: subjects x controls x deviations x date -> findings. Pure, and the same for plan, state and live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from ggi.audit import alike
from ggi.audit.alike import COMPLIES, FAILS, NOT_MEANT, OPEN_MAPS
from ggi.audit.deviations import Deviations
from ggi.controls import cel
from ggi.controls.control import Control
from ggi.controls.observation import Observation, Subject, origin_for
from ggi.controls.verdict import Enforcement, Finding, Outcome
from ggi.errors import Origin
from ggi.messages import t


def reads_unknown(control: Control, subject: Subject) -> bool:
    """Whether a rule may read one of the values that are not known yet.

    A rule names the fields that it reads. It can reach a value only when it names every field on the way to it, or
    when the first field that it does not name is a key of a mapping with free names.
    """
    for path in subject.unknown:
        steps = [step for step in path if isinstance(step, str)]
        named = next((n for n, step in enumerate(steps) if step not in control.reads), len(steps))
        if named == len(steps) or (named > 0 and steps[named - 1] in OPEN_MAPS):
            return True
    return False


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
        self._fields = {kind: alike.fields(control for control, _ in found) for kind, found in self._by_kind.items()}
        self._alike = {kind: [c for c, _ in found if alike.shared(c)] for kind, found in self._by_kind.items()}
        self._own = {kind: [(c, e) for c, e in found if not alike.shared(c)] for kind, found in self._by_kind.items()}
        self._namespace: Mapping[str, object] | None = next(
            (s.body for s in seen.subjects if s.kind == "Namespace"), None
        )

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
        controls = self._by_kind.get(subject.kind)
        if not controls or subject.owned:
            return
        seen = alike.Object(subject.kind, subject.body, self._namespace, self._fields[subject.kind])
        if self.brief and not subject.unknown:
            passed = seen.passed(self._alike[subject.kind])
            if passed is not None:
                self.passed.update(passed)
                controls = self._own[subject.kind]
        for control, enforcement in controls:
            finding = self._rule(control, enforcement, subject, seen)
            if finding is not None:
                yield finding

    def _rule(self, control: Control, enforcement: Enforcement, subject: Subject, seen: alike.Object) -> Finding | None:
        assert control.rule is not None  # noqa: S101  (only rules are listed by kind)
        if subject.unknown and reads_unknown(control, subject):
            note = t("a value is not known before the update")
            return Finding(control.id, subject.name, Outcome.UNKNOWN, enforcement, note=note)
        try:
            verdict = seen.verdict(control)
        except cel.CelError as error:
            # The cluster refuses what its rule can't judge, so this is no pass either.
            return self._deviate(control, enforcement, subject.name, "", note=str(error))
        if verdict == NOT_MEANT:
            return None
        if verdict == COMPLIES and self.brief:
            self.passed[control.id] += 1
            return None
        evidence = self._evidence(control, seen) if self.full or verdict == FAILS else ""
        if verdict == COMPLIES:
            return Finding(control.id, subject.name, Outcome.PASS, enforcement, evidence)
        return self._deviate(control, enforcement, subject.name, evidence)

    @staticmethod
    def _evidence(control: Control, seen: alike.Object) -> str:
        try:
            return seen.evidence(control)
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
            if verdict.outcome is Outcome.PASS and self.brief:
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
        found = self.deviations.of(control, subject, evidence)
        return Finding(
            control.id,
            subject,
            found.outcome,
            enforcement,
            evidence,
            found.note or note,
            place,
            found.waiver,
            found.not_applicable,
            found.plan,
        )

    def _nothing(self, control: Control, enforcement: Enforcement) -> Finding:
        missing = control.kinds & self.seen.unread
        if missing:
            note = t("not allowed to read: {kinds}", kinds=", ".join(sorted(missing)))
            return Finding(control.id, self.seen.stack, Outcome.UNKNOWN, enforcement, note=note)
        note = t("nothing here that this control is about")
        return Finding(control.id, self.seen.stack, Outcome.NOT_APPLICABLE, enforcement, note=note)


def judge(
    controls: Iterable[Control], seen: Observation, deviations: Deviations | None = None, *, full: bool = False
) -> Iterator[Finding]:
    """Every finding of `controls` about what was `seen`; see `Judge`."""
    return Judge(controls, seen, deviations, full=full).findings()


def counted(findings: Iterable[Finding]) -> dict[Outcome, int]:
    """How many findings per outcome, every outcome named."""
    result = dict.fromkeys(Outcome, 0)
    for finding in findings:
        result[finding.outcome] += 1
    return result
