"""What stops a change before anything is written: the findings that block it, told once per control."""

from __future__ import annotations

from collections.abc import Sequence

from ggi.audit.audit import Audit
from ggi.controls.verdict import Finding
from ggi.errors import Problem
from ggi.messages import t

NAMED = 3
"""Subjects that a refusal names; the others are counted."""


def _seen(audit: Audit, findings: Sequence[Finding]) -> str:
    """The subjects with what was seen of each: `openzaak/Deployment/web (web runs as root)`."""
    named = [f"{f.subject} ({audit.in_words(f)})" if f.evidence else f.subject for f in findings[:NAMED]]
    more = len(findings) - NAMED
    text = ", ".join(named)
    return t("{names} and {count} others", names=text, count=more) if more > 0 else text


def refusals(audit: Audit) -> list[Problem]:
    """One problem per control that refuses this landscape; empty when it may be deployed."""
    found: dict[str, list[Finding]] = {}
    for finding in audit.findings:
        if finding.blocks:
            found.setdefault(finding.control, []).append(finding)
    result = []
    for name, findings in found.items():
        file = audit.controls[name].file
        note = next((f"{f.note}. " for f in findings if f.note), "")
        place = next((f.origin for f in findings if f.origin), None)
        result.append(Problem(f"{name} {file.message}: {_seen(audit, findings)}", f"{note}{file.remediation}", place))
    return result
