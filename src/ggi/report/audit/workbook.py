"""The audit as a workbook: the answer, every finding, the norms. The same input gives the same bytes."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterable, Sequence

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from ggi.messages import t
from ggi.report.audit.run import AuditRun, Status
from ggi.report.audit.tables import COLUMNS, FORMULA, row
from ggi.report.audit.words import answer, coverage_word, proof_word, status_word

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Of every file in the archive; ZIP knows no earlier time."""
BOLD = Font(bold=True)
LONGEST = 32_767
"""Characters of a cell (ECMA-376)."""


def _cell(sheet: WriteOnlyWorksheet, value: object, bold: bool = False) -> Cell:
    """A number, or text that stays text: never a formula."""
    if not isinstance(value, int):
        value = ILLEGAL_CHARACTERS_RE.sub("\ufffd", str(value))[:LONGEST]
    cell = WriteOnlyCell(sheet, value=value)
    if isinstance(value, str):
        cell.data_type = "s"
        if value.startswith(FORMULA):
            cell.quotePrefix = True
    if bold:
        cell.font = BOLD
    return cell


def _sheet(
    book: Workbook, title: str, head: Sequence[str], rows: Iterable[Sequence[object]], widths: Sequence[int]
) -> None:
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number, width in enumerate(widths):
        sheet.column_dimensions[chr(ord("A") + number)].width = width
    sheet.append([_cell(sheet, name, bold=True) for name in head])
    count = 1
    for found in rows:
        sheet.append([_cell(sheet, value) for value in found])
        count += 1
    sheet.auto_filter.ref = f"A1:{chr(ord('A') + len(head) - 1)}{count}"


def _summary(run: AuditRun) -> Iterable[Sequence[object]]:
    for stack in run.stacks:
        audit = stack.audit
        counts = [stack.counts[one] for one in Status]
        yield (
            audit.stack,
            audit.tenant,
            audit.release,
            audit.date.isoformat(),
            audit.place.value,
            proof_word(audit.proof),
            answer(stack),
            *counts,
            t("yes") if audit.simulated else t("no"),
        )


def _norms(run: AuditRun) -> Iterable[Sequence[object]]:
    for stack in run.stacks:
        for framework in stack.frameworks:
            for norm in framework.norms:
                yield (
                    stack.audit.stack,
                    f"{framework.name} {framework.version}",
                    norm.row.id,
                    norm.row.subject,
                    coverage_word(norm.row.coverage),
                    norm.shown,
                    norm.asked,
                    ", ".join(proof_word(kind) for kind in norm.proof),
                    " ".join(one.control.id for one in norm.judged),
                )


def _same(content: bytes) -> bytes:
    """The archive without its times, which would differ at every run."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for item in sorted(old.infolist(), key=lambda item: item.filename):
            found = old.read(item)
            if item.filename == "docProps/core.xml":
                found = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>1980-01-01T00:00:00Z", found)
            info = zipfile.ZipInfo(item.filename, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, found)
    return out.getvalue()


def workbook(run: AuditRun) -> bytes:
    """The workbook (Office Open XML)."""
    book = Workbook(write_only=True)
    book.properties.creator = "ggi audit"
    book.properties.created = dt.datetime.combine(run.date, dt.time())
    head = [t("stack"), t("gemeente"), t("release"), t("date"), t("from"), t("proof"), t("answer")]
    head += [status_word(one) for one in Status]
    _sheet(book, t("Answer"), [*head, t("simulated")], _summary(run), (18, 18, 10, 12, 8, 18, 44, *[13] * 8))
    findings = (row(audit, finding) for audit, finding in run.findings())
    widths = (18, 16, 12, 10, 8, 12, 10, 10, 44, 10, 40, 16, 8, 40, 40, 36, 44, 20, 20, 12, 50)
    _sheet(book, t("Findings"), COLUMNS, findings, widths)
    named = [t("stack"), t("framework"), t("norm"), t("subject"), t("coverage"), t("partial proofs that comply")]
    named += [t("partial proofs"), t("proof"), t("controls")]
    _sheet(book, t("Norms"), named, _norms(run), (18, 24, 12, 44, 16, 12, 12, 24, 50))
    out = io.BytesIO()
    book.save(out)
    return _same(out.getvalue())
