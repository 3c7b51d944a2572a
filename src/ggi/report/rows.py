"""Tables as CSV and Markdown, where no cell can run or mark up anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from ggi.report.audit.tables import inert, markdown_cell


def csv_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows below the names of their columns (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([inert(str(cell)) for cell in row])
    return out.getvalue()


def markdown_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The same as a table in Markdown."""
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    lines += [f"| {' | '.join(markdown_cell(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"
