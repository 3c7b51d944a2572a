"""What a report is about: one or more audits, the norms that their controls bear on, and an earlier run.

Everything that a format shows is worked out here once, so that all of them count alike.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from ggi.audit.audit import Audit, Place
from ggi.audit.judge import count_outcomes
from ggi.controls.control import Control, Proof
from ggi.controls.coverage import Coverage, NormCoverage
from ggi.controls.verdict import Finding, Outcome
from ggi.inventory.stack import Stack
from ggi.report.audit.since import Earlier


class Status(StrEnum):
    """What a reader must know of a finding, or of a control with all its findings: worst first."""

    REFUSED = "refused"
    """Does not comply, and stops a change."""
    WARNED = "warned"
    """Does not comply; a change may go on."""
    PLANNED = "planned"
    """Does not comply; will be mended by a date."""
    KNOWN = "known"
    """Does not comply, and did not when the landscape came in (baseline)."""
    UNKNOWN = "unknown"
    WAIVED = "waived"
    COMPLIES = "complies"
    NOT_APPLICABLE = "not-applicable"

    @property
    def rank(self) -> int:
        """0 is worst."""
        return _RANK[self]

    @property
    def deviates(self) -> bool:
        """Whether it counts as FAIL."""
        return self.rank < Status.UNKNOWN.rank


_RANK = {status: number for number, status in enumerate(Status)}
_OF_OUTCOME = {
    Outcome.PASS: Status.COMPLIES,
    Outcome.UNKNOWN: Status.UNKNOWN,
    Outcome.WAIVED: Status.WAIVED,
    Outcome.NOT_APPLICABLE: Status.NOT_APPLICABLE,
}


def status(finding: Finding) -> Status:
    """The status of one finding."""
    if finding.outcome is not Outcome.FAIL:
        return _OF_OUTCOME[finding.outcome]
    if finding.plan is not None:
        return Status.PLANNED
    if finding.known_since is not None:
        return Status.KNOWN
    return Status.REFUSED if finding.blocks else Status.WARNED


def worst(found: Iterable[Status]) -> Status:
    """The worst of several; what was only partly judged is never shown as complying."""
    return min(found, key=lambda one: one.rank, default=Status.NOT_APPLICABLE)


@dataclass(frozen=True)
class JudgedControl:
    """A control with everything that one audit found of it."""

    control: Control
    findings: tuple[Finding, ...]
    place: Place

    @cached_property
    def counts(self) -> Mapping[Status, int]:
        """Findings per status."""
        return Counter(status(finding) for finding in self.findings)

    @property
    def status(self) -> Status:
        """The worst status of its findings; one that is about nothing here does not count beside others."""
        return worst(self.counts)

    @property
    def elsewhere(self) -> bool:
        """Nothing in this place can show it."""
        return all(finding.elsewhere for finding in self.findings)

    @property
    def family(self) -> str:
        """The letters that its id begins with."""
        return self.control.id.partition("-")[0]

    @property
    def proof(self) -> Proof | None:
        """The kind of proof that was seen, if this control can give it in this place."""
        seen = Proof.DESIGN if self.place is Place.PLAN else Proof.EXISTENCE
        able = self.control.file.proof
        return seen if seen in able else Proof.DESIGN if Proof.DESIGN in able else None


@dataclass(frozen=True)
class Norm:
    """One norm and what the controls that bear on it showed: partial proofs, never the norm's being met."""

    row: NormCoverage
    judged: tuple[JudgedControl, ...]

    @property
    def shown(self) -> int:
        """Partial proofs that comply; a control that can show nothing in this place is none."""
        return sum(one.status is Status.COMPLIES and one.proof is not None for one in self.judged)

    @property
    def asked(self) -> int:
        """Partial proofs that have a meaning here."""
        return sum(one.status is not Status.NOT_APPLICABLE for one in self.judged)

    @property
    def deviating(self) -> tuple[JudgedControl, ...]:
        """The partial proofs that fail."""
        return tuple(one for one in self.judged if one.status.deviates)

    @property
    def proof(self) -> tuple[Proof, ...]:
        """Kinds of proof that were seen."""
        seen = {one.proof for one in self.judged if one.status is not Status.NOT_APPLICABLE}
        return tuple(kind for kind in Proof if kind in seen)


@dataclass(frozen=True)
class Framework:
    """The norms of one framework, in one audit or over several."""

    name: str
    version: str
    norms: tuple[Norm, ...]

    def covered(self, how: Coverage) -> int:
        """How many norms the controls cover in this way."""
        return len({n.row.id for n in self.norms if n.row.coverage is how})

    @property
    def size(self) -> int:
        """How many norms it has."""
        return len({n.row.id for n in self.norms})

    @property
    def proven(self) -> int:
        """How many norms have at least one control."""
        return len({n.row.id for n in self.norms if n.row.controls})

    @property
    def shown(self) -> int:
        """Partial proofs that comply."""
        return sum(norm.shown for norm in self.norms)

    @property
    def asked(self) -> int:
        """Partial proofs that have a meaning here."""
        return sum(norm.asked for norm in self.norms)

    @property
    def deviating(self) -> int:
        """Norms with a partial proof that fails."""
        return sum(bool(norm.deviating) for norm in self.norms)


@dataclass(frozen=True)
class StackReport:
    """One audit as a reader sees it."""

    audit: Audit
    rows: tuple[NormCoverage, ...] = ()

    @cached_property
    def judged(self) -> Mapping[str, JudgedControl]:
        """Every control in force with its findings, by id."""
        groups: dict[str, list[Finding]] = {}
        for finding in self.audit.findings:
            groups.setdefault(finding.control, []).append(finding)
        return {
            name: JudgedControl(self.audit.controls[name], tuple(groups[name]), self.audit.place)
            for name in sorted(groups)
        }

    @cached_property
    def counts(self) -> Mapping[Status, int]:
        """Findings per status, every status named."""
        found = Counter(status(finding) for finding in self.audit.findings)
        return {one: found[one] for one in Status}

    @cached_property
    def controls(self) -> Mapping[Status, int]:
        """Controls per status, every status named."""
        found = Counter(one.status for one in self.judged.values())
        return {one: found[one] for one in Status}

    @property
    def status(self) -> Status:
        """The worst of all."""
        return worst(one for one, number in self.counts.items() if number)

    @property
    def deviates(self) -> int:
        """How many controls deviate."""
        return sum(count for one, count in self.controls.items() if one.deviates)

    def of(self, *wanted: Status) -> list[tuple[JudgedControl, list[Finding]]]:
        """The controls with findings of these statuses, worst first, each with those findings alone."""
        found = [
            (one, [f for f in one.findings if status(f) in wanted])
            for one in self.judged.values()
            if any(one.counts[s] for s in wanted)
        ]
        return sorted(
            found, key=lambda pair: (worst(status(f) for f in pair[1]).rank, _severity(pair[0]), pair[0].control.id)
        )

    @cached_property
    def frameworks(self) -> tuple[Framework, ...]:
        """The norms of every framework, with what was shown for them."""
        groups: dict[tuple[str, str], list[Norm]] = {}
        for row in self.rows:
            judged = tuple(self.judged[name] for name in row.controls if name in self.judged)
            groups.setdefault((row.framework, row.version), []).append(Norm(row, judged))
        return tuple(Framework(name, version, tuple(norms)) for (name, version), norms in groups.items())


def _severity(one: JudgedControl) -> int:
    return ("critical", "high", "medium", "low").index(one.control.file.severity.value)


@dataclass(frozen=True)
class AuditRun:
    """Everything that one report shows. `rows` are the norms (`ggi.controls.coverage`); `earlier` is for the trend."""

    audits: tuple[Audit, ...]
    rows: tuple[NormCoverage, ...] = ()
    earlier: Earlier | None = None

    @property
    def date(self) -> dt.date:
        """The latest date of its audits (peildatum)."""
        return max(audit.date for audit in self.audits)

    @cached_property
    def stacks(self) -> tuple[StackReport, ...]:
        """The audits, in the order in which they were asked for."""
        return tuple(StackReport(audit, self.rows) for audit in self.audits)

    @property
    def name(self) -> str:
        """What it is about, as a part of a file's name."""
        return self.audits[0].stack if len(self.audits) == 1 else f"{len(self.audits)}-stacks"

    @property
    def tenants(self) -> int:
        """How many organisations they are of."""
        return len({Stack.parse(audit.stack).owner for audit in self.audits})

    @cached_property
    def counts(self) -> Mapping[Outcome, int]:
        """Findings per outcome over all audits, as the JSON counts them."""
        return count_outcomes(finding for audit in self.audits for finding in audit.findings)

    @cached_property
    def controls(self) -> Mapping[str, Control]:
        """Every control that was judged with, by id."""
        found = {name: one.control for stack in self.stacks for name, one in stack.judged.items()}
        return {name: found[name] for name in sorted(found)}

    @cached_property
    def frameworks(self) -> tuple[Framework, ...]:
        """Per framework, the norms of all audits together."""
        groups: dict[tuple[str, str], list[Norm]] = {}
        for stack in self.stacks:
            for framework in stack.frameworks:
                groups.setdefault((framework.name, framework.version), []).extend(framework.norms)
        return tuple(Framework(name, version, tuple(norms)) for (name, version), norms in groups.items())

    def findings(self) -> Iterator[tuple[Audit, Finding]]:
        """Every finding with its audit."""
        for audit in self.audits:
            for finding in audit.findings:
                yield audit, finding


NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:ggi:audit")
"""Of all our version 5 UUIDs (RFC 9562, section 5.5)."""


def identity(*parts: str) -> str:
    """A UUID that follows from `parts` alone."""
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(parts)))


def fingerprint(*parts: str) -> str:
    """32 hexadecimal digits that follow from `parts` alone."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
