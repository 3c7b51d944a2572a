"""Reports of audits: text and data for the command line. Each is a function of `Audit` values, and of nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ggi.audit.audit import Audit
from ggi.controls.verdict import Finding, Outcome
from ggi.messages import t

SHOWN = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WAIVED)
"""Outcomes that a table lists one by one; the others are counted."""


def finding_data(audit: Audit, finding: Finding) -> dict[str, Any]:
    """One finding with everything that is known of it."""
    control = audit.controls[finding.control]
    result: dict[str, Any] = {
        "control": finding.control,
        "title": str(control.file.title),
        "subject": finding.subject,
        "outcome": finding.outcome.value,
        "enforcement": finding.enforcement.value,
        "blocks": finding.blocks,
        "severity": control.file.severity.value,
        "evidence": finding.evidence,
        "note": finding.note,
        "origin": str(finding.origin) if finding.origin else "",
        "remediation": str(control.file.remediation) if finding.outcome is Outcome.FAIL else "",
        "elsewhere": finding.elsewhere,
        "known_since": finding.known_since.isoformat() if finding.known_since else None,
    }
    for name in ("waiver", "not_applicable", "plan"):
        deviation = getattr(finding, name)
        if deviation is not None:
            result[name] = deviation.model_dump(mode="json")
    return result


def audit_data(audits: Sequence[Audit]) -> list[dict[str, Any]]:
    """All audits as JSON."""
    return [
        {
            "stack": audit.stack,
            "tenant": audit.tenant,
            "environment": audit.environment,
            "release": audit.release,
            "from": audit.place.value,
            "date": audit.date.isoformat(),
            "proof": audit.proof.value,
            "simulated": audit.simulated,
            "counts": {outcome.value: count for outcome, count in audit.counts.items()},
            "controls": len(audit.judged),
            "problems": [str(problem) for problem in audit.problems],
            "findings": [finding_data(audit, finding) for finding in audit.findings],
        }
        for audit in audits
    ]


def audit_rows(audit: Audit, shown: Sequence[Outcome] = SHOWN) -> list[tuple[str, str, str, str, str]]:
    """(control, outcome, subject, what was seen, what to do) of every finding that is not simply fine, worst first."""
    listed = sorted(
        (f for f in audit.findings if f.outcome in shown),
        key=lambda f: (SHOWN.index(f.outcome), not f.blocks, f.control, f.subject),
    )
    result = []
    hidden = sorted({f.control for f in listed if f.elsewhere})
    unknown = Counter(f.control for f in listed if f.outcome is Outcome.UNKNOWN)
    told: set[str] = set()
    for finding in listed:
        if finding.elsewhere:
            # What this place can't show is no news about this stack: one line for all of it.
            if finding.control == hidden[0]:
                many = t("{count} controls", count=len(hidden))
                result.append((ranges(hidden), outcome_label(finding), many, audit.in_words(finding), finding.note))
            continue
        if finding.outcome is Outcome.UNKNOWN and unknown[finding.control] > 1:
            # One line says it: what was not judged is mostly not judged for the same reason.
            if finding.control not in told:
                told.add(finding.control)
                many = t("{count} subjects, such as {name}", count=unknown[finding.control], name=finding.subject)
                result.append((finding.control, outcome_label(finding), many, audit.in_words(finding), finding.note))
            continue
        control = audit.controls[finding.control]
        advice = str(control.file.remediation) if finding.outcome is Outcome.FAIL else ""
        where = f" ({finding.origin})" if finding.origin and finding.outcome is Outcome.FAIL else ""
        if finding.waiver is not None:
            advice = t("accepted by {role} until {date}", role=finding.waiver.approver, date=finding.waiver.expires)
        note = f"{finding.note}. " if finding.note and advice else finding.note
        seen = audit.in_words(finding)
        result.append((finding.control, outcome_label(finding), finding.subject, seen, f"{note}{advice}{where}"))
    return result


def list_unjudged(audits: Sequence[Audit]) -> list[tuple[str, str, str]]:
    """(controls, how many stacks, why) of what was not judged in any of many stacks; one line per reason."""
    stacks: dict[tuple[str, str], set[str]] = {}
    for audit in audits:
        for finding in audit.findings:
            if finding.outcome is Outcome.UNKNOWN:
                key = "" if finding.elsewhere else finding.control
                stacks.setdefault((key, finding.note), set()).add(audit.stack)
    hidden = ranges(sorted({f.control for audit in audits for f in audit.findings if f.elsewhere}))
    titles = {control: str(audit.controls[control].file.title) for audit in audits for control in audit.controls}
    return [
        (control or hidden, str(len(found)), note or titles[control])
        for (control, note), found in sorted(stacks.items())
    ]


def ranges(ids: Sequence[str]) -> str:
    """Ids in order, with a run of numbers written by its ends: DOM-001..007, SEC-007."""
    runs: list[list[str]] = []
    for one in ids:
        family, _, number = one.partition("-")
        last = runs[-1][-1].partition("-") if runs else ("", "", "")
        if last[0] == family and number.isdigit() and int(last[2]) + 1 == int(number):
            runs[-1].append(one)
        else:
            runs.append([one])
    return ", ".join(f"{run[0]}..{run[-1].partition('-')[2]}" if len(run) > 1 else run[0] for run in runs)


def outcome_label(finding: Finding) -> str:
    """The outcome for people, and whether it stops a change."""
    names = {
        Outcome.PASS: t("complies"),
        Outcome.FAIL: t("does not comply"),
        Outcome.WAIVED: t("waived"),
        Outcome.NOT_APPLICABLE: t("not applicable"),
        Outcome.UNKNOWN: t("not judged"),
    }
    if finding.known_since is not None:
        return t("does not comply (known since {date})", date=finding.known_since)
    if finding.outcome is Outcome.FAIL and not finding.blocks:
        return t("does not comply (warning)") if finding.plan is None else t("does not comply (planned)")
    return names[finding.outcome]


def closing(audit: Audit) -> str:
    """One line that counts every outcome; what was not judged is never counted as complying."""
    counts = audit.counts
    return t(
        "{stack}, {place}, {date}: {passed} comply, {failed} do not, {waived} waived, {without} not applicable, "
        "{unknown} not judged; {controls} controls, proof of {proof}",
        stack=audit.stack,
        place=audit.place.value,
        date=audit.date,
        passed=counts[Outcome.PASS],
        failed=counts[Outcome.FAIL],
        waived=counts[Outcome.WAIVED],
        without=counts[Outcome.NOT_APPLICABLE],
        unknown=counts[Outcome.UNKNOWN],
        controls=len(audit.judged),
        proof=audit.proof.value,
    )
