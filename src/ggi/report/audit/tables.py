"""Findings as rows: CSV, a workbook, and Markdown for a ticket."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from ggi.audit.audit import Audit
from ggi.controls.verdict import Finding
from ggi.messages import language, t
from ggi.report.audit.run import AuditRun, Status
from ggi.report.audit.since import change
from ggi.report.audit.words import (
    SYMBOLS,
    answer,
    command,
    day,
    place_word,
    proof_word,
    reason,
    simulated_words,
    status_word,
)

SHOWN = tuple(one for one in Status if one not in (Status.COMPLIES, Status.NOT_APPLICABLE))
MANY = 10
"""With more stacks than this, a ticket is about those that deviate."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""What makes a spreadsheet run the text of a cell (OWASP, CSV injection)."""
COLUMNS = (
    "stack",
    "tenant",
    "environment",
    "release",
    "from",
    "date",
    "proof",
    "control",
    "title",
    "severity",
    "subject",
    "outcome",
    "blocks",
    "evidence",
    "note",
    "origin",
    "remediation",
    "owner",
    "approver",
    "until",
    "reason",
)


def inert(text: str) -> str:
    """`text` as a cell that no spreadsheet takes for a formula: with an apostrophe before it where it might."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def row(audit: Audit, finding: Finding) -> Sequence[str]:
    """One finding by `COLUMNS`."""
    file = audit.controls[finding.control].file
    deviation = finding.waiver or finding.plan or finding.not_applicable
    until = finding.waiver.expires if finding.waiver else finding.plan.due if finding.plan else None
    return (
        audit.stack,
        audit.tenant,
        audit.environment,
        audit.release,
        audit.place.value,
        audit.date.isoformat(),
        audit.proof.value,
        finding.control,
        str(file.title),
        file.severity.value,
        finding.subject,
        finding.outcome.value,
        "yes" if finding.blocks else "no",
        finding.evidence,
        finding.note,
        str(finding.origin) if finding.origin else "",
        str(file.remediation) if finding.outcome == "FAIL" else "",
        deviation.owner if deviation else "",
        getattr(deviation, "approver", ""),
        until.isoformat() if until else "",
        deviation.reason if deviation else "",
    )


def separator() -> str:
    """What separates values in the language of the reader: a Dutch spreadsheet takes a comma for a decimal sign."""
    return ";" if language() == "nl" else ","


def csv_text(run: AuditRun) -> bytes:
    """Every finding as a line of CSV (RFC 4180, UTF-8), with the names of the columns first."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator(), lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for audit, finding in run.findings():
        writer.writerow([inert(cell) for cell in row(audit, finding)])
    return out.getvalue().encode()


def markdown_cell(text: object) -> str:
    """A cell of a Markdown table: on one line, and nothing in it is markup."""
    plain = " ".join(str(text).split())
    for sign in "\\`*_{}[]<>|#~!":
        plain = plain.replace(sign, f"\\{sign}")
    return plain


def markdown(run: AuditRun) -> bytes:
    """Short, to paste into a ticket: per stack the answer and everything that is not simply fine."""
    lines: list[str] = []
    quiet = 0
    for stack in run.stacks:
        audit = stack.audit
        if len(run.stacks) > MANY and not stack.deviates and not audit.problems:
            quiet += 1
            continue
        lines += [f"## {markdown_cell(audit.tenant)} ({markdown_cell(audit.stack)}): {answer(stack)}", ""]
        lines.append(
            t(
                "Read from {place} on {date}, release {release}; proof of {proof}.",
                place=place_word(audit),
                date=day(audit.date),
                release=markdown_cell(audit.release),
                proof=proof_word(audit.proof),
            )
        )
        if audit.simulated:
            lines.append(simulated_words(audit))
        counts = " · ".join(f"{count} {status_word(one)}" for one, count in stack.counts.items() if count)
        lines += ["", t("Findings: {counts}.", counts=counts), ""]
        changed = change(audit, run.earlier)
        if changed is not None:
            new, gone = len(changed.new), len(changed.ended)
            since = day(changed.date)
            lines += [t("Since {date}: {new} new, {gone} gone.", date=since, new=new, gone=gone), ""]
        lines += [f"- **{markdown_cell(p.message)}** {markdown_cell(p.origin or '')}" for p in audit.problems]
        found = stack.of(*SHOWN)
        if found:
            lines += [
                f"| {t('control')} | {t('outcome')} | {t('subject')} | {t('seen')} | {t('what to do')} |",
                "|---|---|---|---|---|",
            ]
            for one, findings in found:
                lines += _rows(audit, one.status, str(one.control.file.remediation), findings)
            lines.append("")
        lines += [f"`{command(audit)}`", ""]
    if quiet:
        lines += [t("{count} other landscapes: nothing deviates beyond what was accepted.", count=quiet), ""]
    lines.append(t("No norm is met by this alone; a person decides that."))
    return ("\n".join(lines) + "\n").encode()


def _rows(audit: Audit, one: Status, remediation: str, findings: Sequence[Finding]) -> list[str]:
    """A line per finding; what was not judged is one line."""
    rows = []
    if one is Status.UNKNOWN and len(findings) > 1:
        many = t("{count} subjects, such as {name}", count=len(findings), name=findings[0].subject)
        cells = (findings[0].control, f"{SYMBOLS[one]} {status_word(one)}", many, reason(audit, findings[0]), "")
        return ["| " + " | ".join(markdown_cell(cell) for cell in cells) + " |"]
    for finding in findings:
        todo = remediation if one.deviates else ""
        if finding.waiver is not None:
            todo = t("accepted by {role} until {date}", role=finding.waiver.approver, date=finding.waiver.expires)
        if finding.origin:
            todo = f"{todo} ({finding.origin})".strip()
        cells = (
            finding.control,
            f"{SYMBOLS[one]} {status_word(one)}",
            finding.subject,
            audit.in_words(finding),
            f"{finding.note} {todo}".strip(),
        )
        rows.append("| " + " | ".join(markdown_cell(cell) for cell in cells) + " |")
    return rows


def csv_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows below the names of their columns (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator(), lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([inert(str(cell)) for cell in row])
    return out.getvalue()


def markdown_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The same as a table in Markdown."""
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    lines += [f"| {' | '.join(markdown_cell(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"
