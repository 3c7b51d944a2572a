"""SARIF 2.1.0 (OASIS): what deviates, was accepted or was not judged, at its line of the inventory.

What complies is counted in the run's properties and not listed: programs that read SARIF show every result as an alert.
"""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

from ggi.audit.audit import Audit
from ggi.controls.control import Control, Severity
from ggi.controls.verdict import Finding, Outcome
from ggi.errors import Origin, Problem
from ggi.messages import language
from ggi.report.audit.run import AuditRun, fingerprint, identity
from ggi.report.audit.words import reason

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "SRCROOT"
LISTED = (Outcome.FAIL, Outcome.WAIVED, Outcome.UNKNOWN)
SCORE = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
"""`security-severity`, by which code scanning sorts: our four grades in the middle of the ranges of CVSS."""
LEVEL = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}


def _rule(control: Control) -> dict[str, Any]:
    file = control.file
    return {
        "id": control.id,
        "shortDescription": {"text": str(file.title)},
        "fullDescription": {"text": str(file.why)},
        "help": {"text": "\n".join([str(file.remediation), *(f"{s}: {s.text}" for s in file.sources)])},
        "defaultConfiguration": {"level": LEVEL[file.severity]},
        "properties": {
            "security-severity": SCORE[file.severity],
            "tags": ["security", *(f"{s.framework}/{s.id}" for s in file.sources)],
        },
    }


def _place(origin: Origin) -> dict[str, Any]:
    path = PurePath(origin.file)
    artifact = {"uri": path.as_uri()} if path.is_absolute() else {"uri": path.as_posix(), "uriBaseId": ROOT}
    found: dict[str, Any] = {"artifactLocation": artifact}
    if origin.line:
        found["region"] = {"startLine": origin.line}
    return found


def _result(audit: Audit, finding: Finding, rules: dict[str, int]) -> dict[str, Any]:
    control = audit.controls[finding.control]
    failed = finding.outcome is not Outcome.UNKNOWN
    message = str(control.file.message if failed else control.file.title)
    told = audit.in_words(finding) if failed else reason(audit, finding)
    place: dict[str, Any] = {
        "logicalLocations": [{"fullyQualifiedName": f"{audit.stack}/{finding.subject}", "kind": "resource"}]
    }
    if finding.origin:
        place["physicalLocation"] = _place(finding.origin)
    result: dict[str, Any] = {
        "ruleId": finding.control,
        "ruleIndex": rules[finding.control],
        # "open": looked at, and not enough was known to decide (3.27.9).
        "kind": "fail" if failed else "open",
        "level": LEVEL[control.file.severity] if failed else "none",
        "message": {"text": f"{finding.subject}: {message}" + (f" ({told})" if told else "")},
        "locations": [place],
        "partialFingerprints": {"ggiFinding/v1": fingerprint(audit.stack, finding.control, finding.subject)},
        "properties": {"outcome": finding.outcome.value, "blocks": finding.blocks},
    }
    if finding.known_since is not None:
        result["baselineState"] = "unchanged"
    if finding.waiver is not None:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": finding.waiver.reason},
        ]
    return result


def _notification(problem: Problem) -> dict[str, Any]:
    found: dict[str, Any] = {"level": "error", "message": {"text": f"{problem.message} {problem.fix}".strip()}}
    if problem.origin:
        found["locations"] = [{"physicalLocation": _place(problem.origin)}]
    return found


def _run(audit: Audit) -> dict[str, Any]:
    used = sorted({finding.control for finding in audit.findings})
    rules = {name: number for number, name in enumerate(used)}
    return {
        "tool": {
            "driver": {
                "name": "ggi audit",
                "language": language(),
                "rules": [_rule(audit.controls[name]) for name in used],
            }
        },
        "automationDetails": {
            "id": f"ggi/{audit.stack}/{audit.place.value}/{audit.date.isoformat()}",
            "guid": identity("sarif", audit.stack, audit.place.value, audit.date.isoformat()),
        },
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the checkout."}}},
        "invocations": [
            {
                "executionSuccessful": True,
                "toolConfigurationNotifications": [_notification(problem) for problem in audit.problems],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result(audit, f, rules) for f in audit.findings if f.outcome in LISTED],
        "properties": {
            "counts": {outcome.value: count for outcome, count in audit.counts.items()},
            "date": audit.date.isoformat(),
            "from": audit.place.value,
            "proof": audit.proof.value,
            "simulated": audit.simulated,
        },
    }


def sarif(run: AuditRun) -> bytes:
    """The log: a run per stack."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(audit) for audit in run.audits]}
    return (json.dumps(log, indent=1, ensure_ascii=False) + "\n").encode()
