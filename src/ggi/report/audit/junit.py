"""JUnit XML: a suite per stack, a case per finding; what was accepted, means nothing or was not judged is skipped."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from ggi.audit.audit import Audit
from ggi.controls.verdict import Finding, Outcome
from ggi.messages import t
from ggi.report.audit.run import AuditRun, Status, status
from ggi.report.audit.words import reason, status_word

_IMPOSSIBLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """`text` without what XML 1.0 can't hold."""
    return _IMPOSSIBLE.sub("\ufffd", text)


def _case(suite: ET.Element, audit: Audit, finding: Finding) -> None:
    control = audit.controls[finding.control]
    name = clean(f"{finding.control} {finding.subject}")
    case = ET.SubElement(suite, "testcase", name=name, classname=f"{audit.stack}.{finding.control}", time="0")
    one = status(finding)
    if one.deviates:
        seen = f": {audit.in_words(finding)}" if finding.evidence else ""
        message = f"{control.file.message}{seen}"
        lines: Sequence[str] = [
            str(finding.origin) if finding.origin else "",
            finding.note,
            f"{t('How to mend it')}: {control.file.remediation}",
            *(f"{source}: {source.text}" for source in control.file.sources),
        ]
        failure = ET.SubElement(case, "failure", type=one.value, message=clean(message))
        failure.text = clean("\n".join(line for line in lines if line))
    elif one is not Status.COMPLIES:
        told = f"{status_word(one)}: {finding.waiver.reason if finding.waiver else reason(audit, finding)}"
        ET.SubElement(case, "skipped", type=one.value, message=clean(told))


def junit(run: AuditRun) -> bytes:
    """The XML. A deviation that explains nothing is an error of its stack."""
    root = ET.Element("testsuites", name="ggi audit")
    for audit in run.audits:
        counts = audit.counts
        skipped = sum(counts[one] for one in (Outcome.UNKNOWN, Outcome.WAIVED, Outcome.NOT_APPLICABLE))
        suite = ET.SubElement(
            root,
            "testsuite",
            name=audit.stack,
            tests=str(len(audit.findings) + len(audit.problems)),
            failures=str(counts[Outcome.FAIL]),
            errors=str(len(audit.problems)),
            skipped=str(skipped),
            time="0",
            timestamp=f"{audit.date.isoformat()}T00:00:00",
        )
        properties = ET.SubElement(suite, "properties")
        known = {
            "tenant": audit.tenant,
            "environment": audit.environment,
            "release": audit.release,
            "from": audit.place.value,
            "date": audit.date.isoformat(),
            "proof": audit.proof.value,
            "simulated": str(audit.simulated).lower(),
            **{outcome.value: str(count) for outcome, count in counts.items()},
        }
        for name, value in known.items():
            ET.SubElement(properties, "property", name=name, value=clean(value))
        for finding in audit.findings:
            _case(suite, audit, finding)
        for problem in audit.problems:
            where = str(problem.origin) if problem.origin else audit.stack
            case = ET.SubElement(suite, "testcase", name=clean(where), classname=f"{audit.stack}.deviations", time="0")
            ET.SubElement(case, "error", type="deviation", message=clean(problem.message)).text = clean(problem.fix)
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()
