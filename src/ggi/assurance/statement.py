"""What this toolkit can add to a Verklaring van Toepasselijkheid: a row per norm, and the annex of exceptions.

A gemeente declares which measures apply to it and whether they are implemented; scope and declaration are published
(BIO2 v1.3, part 1). The toolkit knows a part of that: what its controls see of one landscape. So no row says
"implemented" where controls prove only a part, and nothing is decided for the gemeente.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ggi.audit.audit import Audit
from ggi.controls.control import Measure
from ggi.controls.coverage import Coverage, NormCoverage
from ggi.controls.verdict import Finding, Outcome
from ggi.inventory.waivers import Deviation, NotApplicable, RemediationPlan, Waiver, WaiverFile
from ggi.messages import mark, t


class Applicable(StrEnum):
    """Whether a norm applies to this landscape, as far as is known here."""

    YES = "yes"
    DECLARED_NOT = "declared not applicable"
    NOTHING = "nothing here"
    OPEN = "the gemeente decides"


class Implemented(StrEnum):
    """How far a norm is seen to be implemented. The best of them still needs a person."""

    AUTOMATED = "seen to comply, by automation"
    """Controls judge the whole norm, and everything complied."""
    PARTLY = "partly, by automation"
    """Controls judge a part of the norm, and that part complied."""
    ACCEPTED = "deviates, accepted"
    PLANNED = "deviates, with a plan"
    KNOWN = "deviates, known since the baseline"
    DEVIATES = "deviates"
    UNKNOWN = "not judged"
    OUTSIDE = "not by this toolkit"
    NOT_APPLICABLE = "not applicable"


WORDS: Mapping[str, str] = {
    Applicable.YES: mark("yes"),
    Applicable.DECLARED_NOT: mark("declared not applicable"),
    Applicable.NOTHING: mark("nothing here"),
    Applicable.OPEN: mark("the gemeente decides"),
    Implemented.AUTOMATED: mark("seen to comply, by automation"),
    Implemented.PARTLY: mark("partly, by automation"),
    Implemented.ACCEPTED: mark("deviates, accepted"),
    Implemented.PLANNED: mark("deviates, with a plan"),
    Implemented.KNOWN: mark("deviates, known since the baseline"),
    Implemented.DEVIATES: mark("deviates"),
    Implemented.UNKNOWN: mark("not judged"),
    Implemented.OUTSIDE: mark("not by this toolkit"),
    Implemented.NOT_APPLICABLE: mark("not applicable"),
}


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One norm."""

    number: str
    """Framework and id, such as BIO2 8.24.01."""
    measure: str
    applicable: Applicable
    reason: str
    """Why in, or why out."""
    implemented: Implemented
    owner: str
    """Roles that own its exceptions; empty where the gemeente names one."""
    proof: str
    """What was seen, by which controls, where and when."""
    kind: str
    """What kind of obligation it is."""


@dataclass(frozen=True, slots=True)
class Exempt:
    """One line of the annex: a deviation from the baseline, accepted or not."""

    control: str
    norms: str
    resource: str
    seen: str
    status: str
    reason: str
    compensating: str
    owner: str
    approver: str
    granted: str
    ends: str


@dataclass(frozen=True, slots=True)
class Statement:
    """The contribution of one landscape."""

    audit: Audit
    lines: tuple[StatementLine, ...]
    annex: tuple[Exempt, ...]


def _kind(row: NormCoverage, government: bool) -> str:
    if row.framework == "BIO2":
        return t("government measure")
    if row.framework == "ISO 27002":
        return t("ISO control")
    return t("norm of {framework}", framework=row.framework) + (f", {t('government measure')}" if government else "")


def _implemented(row: NormCoverage, findings: Sequence[Finding]) -> Implemented:
    """The worst of what was seen decides."""
    failed = [f for f in findings if f.outcome is Outcome.FAIL]
    outcomes = {f.outcome for f in findings}
    if any(f.plan is None and f.known_since is None for f in failed):
        return Implemented.DEVIATES
    if failed:
        return Implemented.PLANNED if all(f.plan is not None for f in failed) else Implemented.KNOWN
    if Outcome.WAIVED in outcomes:
        return Implemented.ACCEPTED
    if not findings:
        return Implemented.OUTSIDE
    if Outcome.PASS not in outcomes:
        return Implemented.UNKNOWN if Outcome.UNKNOWN in outcomes else Implemented.NOT_APPLICABLE
    whole = row.coverage is Coverage.AUTOMATED and Outcome.UNKNOWN not in outcomes
    return Implemented.AUTOMATED if whole else Implemented.PARTLY


def _applicable(row: NormCoverage, findings: Sequence[Finding]) -> tuple[Applicable, str]:
    if row.coverage is Coverage.ORGANISATIONAL:
        return Applicable.OPEN, t("organisational: people's work, which nothing here can see")
    if not findings:
        return Applicable.OPEN, t("no control of this toolkit looks at it")
    declared = [f for f in findings if f.not_applicable is not None]
    if declared and len(declared) == len(findings):
        reasons = dict.fromkeys(f.not_applicable.reason for f in declared if f.not_applicable)
        return Applicable.DECLARED_NOT, "; ".join(reasons)
    if all(f.outcome is Outcome.NOT_APPLICABLE for f in findings):
        return Applicable.NOTHING, t("this landscape has nothing that the controls are about")
    about = len({f.subject for f in findings if f.outcome is not Outcome.NOT_APPLICABLE})
    reason = t("this landscape has it: {count} subjects were judged", count=about)
    if declared:
        reason += "; " + t("declared not applicable for {count} of them", count=len(declared))
    return Applicable.YES, reason


def _proof(row: NormCoverage, audit: Audit, by_control: Mapping[str, Sequence[Finding]]) -> str:
    """Which controls saw what: `3 of 5 partial proofs (...)`; never that the norm is met."""
    met = [c for c in row.controls if _complies(by_control.get(c, ()))]
    if not row.controls:
        return ""
    return t(
        "{met} of {all} partial proofs ({controls}); {proof}, from {place}, {date}",
        met=len(met),
        all=len(row.controls),
        controls=" ".join(row.controls),
        proof=audit.proof.value,
        place=audit.place.value,
        date=audit.date,
    )


def _complies(findings: Sequence[Finding]) -> bool:
    return any(f.outcome is Outcome.PASS for f in findings) and all(
        f.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE) for f in findings
    )


def statement(audit: Audit, rows: Iterable[NormCoverage], waivers: WaiverFile) -> Statement:
    """The contribution of one audited landscape, for the norms in `rows` (see `ggi.controls.coverage`)."""
    by_control: dict[str, list[Finding]] = {}
    for finding in audit.findings:
        by_control.setdefault(finding.control, []).append(finding)
    norms: dict[str, list[str]] = {}
    lines = []
    for row in sorted(rows, key=lambda r: (r.framework, [part.zfill(4) for part in r.id.split(".")])):
        findings = [f for control in row.controls for f in by_control.get(control, ())]
        for control in row.controls:
            norms.setdefault(control, []).append(f"{row.framework} {row.id}")
        deviations = [d for f in findings for d in (f.waiver, f.plan, f.not_applicable) if d is not None]
        applicable, reason = _applicable(row, findings)
        government = any(audit.controls[c].file.measure is Measure.GOVERNMENT for c in row.controls)
        lines.append(
            StatementLine(
                number=f"{row.framework} {row.id}",
                measure=str(row.subject),
                applicable=applicable,
                reason=reason,
                implemented=_implemented(row, findings),
                owner=", ".join(dict.fromkeys(d.owner for d in deviations)),
                proof=_proof(row, audit, by_control),
                kind=_kind(row, government),
            )
        )
    return Statement(audit, tuple(lines), tuple(_annex(audit, norms, waivers)))


def _annex(audit: Audit, norms: Mapping[str, Sequence[str]], waivers: WaiverFile) -> Iterable[Exempt]:
    """Every declared exception of this environment, and every failure that nobody explained."""
    for item in waivers.deviations:
        if item.covers(audit.environment):
            yield _declared(audit, item, ", ".join(norms.get(item.control, ())))
    for f in audit.failed:
        if f.plan is None:
            status = t("known since {date}", date=f.known_since) if f.known_since else t("open: nobody accepted it")
            cited = ", ".join(norms.get(f.control, ()))
            yield Exempt(f.control, cited, f.subject, f.evidence, status, f.note, "", "", "", "", "")


def _declared(audit: Audit, item: Deviation, norms: str) -> Exempt:
    if isinstance(item, Waiver):
        status = t("accepted until {date}", date=item.expires)
        if item.expired(audit.date):
            status = t("expired on {date}", date=item.expires)
        ends, more = item.expires.isoformat(), item.compensating
    elif isinstance(item, RemediationPlan):
        status, ends, more = t("planned before {date}", date=item.due), item.due.isoformat(), item.plan
    else:
        status, ends, more = t("declared not applicable"), "", ""
    approver = item.approver if isinstance(item, Waiver | NotApplicable) else ""
    seen = item.value if isinstance(item, Waiver | RemediationPlan) else ""
    about = (item.control, norms, item.resource, seen, status, item.reason, more, item.owner, approver)
    return Exempt(*about, item.granted.isoformat(), ends)
