"""An audit as one value: what was judged, where, on which date, by which controls. Every report is a function of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ggi.audit.deviations import Deviations, WaiversOf, unused_problems
from ggi.audit.judge import Judge, count_outcomes
from ggi.controls.control import Control, Proof
from ggi.controls.integrity.live import LiveNamespace
from ggi.controls.load import Controls
from ggi.controls.observation import Domain, Facts, Observation, Subject
from ggi.controls.verdict import Finding, Outcome
from ggi.errors import Problem
from ggi.inventory.waivers import Deviation, WaiverFile
from ggi.landscape.build import Landscape


class Place(StrEnum):
    """Where an audit looked."""

    PLAN = "plan"
    """What the inventory asks for."""
    STATE = "state"
    """What the engine last wrote."""
    LIVE = "live"
    """What is in the cluster."""


PROOF: Mapping[Place, Proof] = {Place.PLAN: Proof.DESIGN, Place.STATE: Proof.EXISTENCE, Place.LIVE: Proof.EXISTENCE}
"""What kind of proof a place gives. Operation (werking) needs a period, so no single audit gives it."""


@dataclass(frozen=True)
class Looked:
    """What an audit of something that runs has seen beside the objects of a landscape; each as in Observation."""

    unread: frozenset[str] = frozenset()
    domains: Mapping[str, Domain] | None = None
    instead: Mapping[str, str] | None = None
    live: LiveNamespace | None = None
    ran: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Audit:
    """One stack, one place, one date."""

    stack: str
    tenant: str
    environment: str
    release: str
    place: Place
    date: dt.date
    controls: Mapping[str, Control]
    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...] = ()
    """Deviations that match nothing, and the like."""
    simulated: bool = False
    """What was looked at is the sandbox's."""
    not_real: str = ""
    """What of it isn't real, in English and marked for translation; from how the sandbox was started."""
    landscape: Landscape | None = field(default=None, repr=False, compare=False)
    """What it should be, for the drawing; reports of many stacks do without."""
    passed: Mapping[str, int] = field(default_factory=dict)
    """In a brief audit: how many findings comply, by control; `findings` holds the others."""
    subjects: Sequence[Subject] = field(default=(), repr=False, compare=False)
    """What was judged, for its hashes in a bundle."""

    @property
    def counts(self) -> dict[Outcome, int]:
        """Findings per outcome."""
        found = count_outcomes(self.findings)
        found[Outcome.PASS] += sum(self.passed.values())
        return found

    def in_words(self, finding: Finding) -> str:
        """What was seen, in the reader's language."""
        return self.controls[finding.control].vocabulary.in_words(finding.evidence)

    @property
    def judged(self) -> frozenset[str]:
        """The ids of the controls that it tells something of."""
        return frozenset(finding.control for finding in self.findings) | frozenset(self.passed)

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The findings that deviate and are not explained."""
        return tuple(f for f in self.findings if f.outcome is Outcome.FAIL)

    @property
    def open_questions(self) -> tuple[Finding, ...]:
        """What could not be judged although this place can show it."""
        return tuple(f for f in self.findings if f.outcome is Outcome.UNKNOWN and not f.elsewhere)

    @property
    def proof(self) -> Proof:
        """What kind of proof this audit can give at most."""
        return PROOF[self.place]


def audit_of(
    findings: Iterable[Finding],
    deviations: Deviations,
    waivers: WaiversOf | None,
    *,
    stack: str,
    tenant: str,
    release: str,
    place: Place,
    controls: Mapping[str, Control],
    simulated: bool,
    unused: Mapping[str, Sequence[Deviation]] | None = None,
) -> Audit:
    """The audit that these findings are, whatever kind of stack they are about; sorted, so that two audits compare.

    Its problems are the `waivers` that matched nothing: `unused` by environment, by default those of `deviations`.
    """
    left = {deviations.environment: deviations.unused()} if unused is None else unused
    return Audit(
        stack=stack,
        tenant=tenant,
        environment=deviations.environment,
        release=release,
        place=place,
        date=deviations.date,
        controls=controls,
        findings=tuple(sorted(findings, key=lambda f: (f.control, f.subject, f.evidence))),
        problems=tuple(unused_problems(waivers, left) if waivers else ()),
        simulated=simulated,
    )


def run_audit(
    facts: Facts,
    subjects: Sequence[Subject],
    controls: Controls,
    place: Place,
    date: dt.date,
    waivers: WaiversOf | None = None,
    *,
    looked: Looked | None = None,
    simulated: bool = False,
    others: Callable[[], Mapping[str, Sequence[Deviation]]] = dict,
    brief: bool = False,
) -> Audit:
    """Judge what was read of a landscape in one place.

    `brief`: what complies is counted, without evidence.
    `looked` is what was seen beside the objects.
    `others` tells per other environment of the tenant which deviations match nothing there.
    """
    environment = facts.environment
    accepted = waivers.file if waivers else WaiverFile()
    beside = looked or Looked()
    seen = Observation(
        subjects,
        date,
        facts,
        accepted,
        beside.unread,
        domains=beside.domains,
        instead=beside.instead,
        live=beside.live,
        ran=beside.ran,
    )
    deviations = Deviations(seen.waivers, environment.name, date)
    judge = Judge(controls, seen, deviations, full=not brief, brief=brief)
    findings = list(judge.findings())
    unused: dict[str, Sequence[Deviation]] = {environment.name: deviations.unused()}
    if any(item.environments != [environment.name] for item in unused[environment.name]):
        unused |= others()
    found = audit_of(
        findings,
        deviations,
        waivers,
        stack=environment.stack,
        tenant=environment.tenant.name,
        release=environment.release,
        place=place,
        controls=controls.by_id,
        simulated=simulated,
        unused=unused,
    )
    return replace(found, passed=dict(judge.passed), landscape=facts.landscape, subjects=subjects)
