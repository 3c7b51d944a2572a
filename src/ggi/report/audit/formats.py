"""The formats of a report by name: what each is for, how its file ends, and how it is made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ggi.errors import InputError, Problem
from ggi.messages import t
from ggi.report.audit.run import AuditRun

# What makes a format is imported when it is asked for: most need one alone, and some are slow to load.


def _html(run: AuditRun) -> bytes:
    from ggi.report.audit.page import html

    return html(run).encode()


def _pdf(run: AuditRun) -> bytes:
    from ggi.report.audit.page import pdf

    return pdf(run)


def _xlsx(run: AuditRun) -> bytes:
    from ggi.report.audit.workbook import workbook

    return workbook(run)


def _junit(run: AuditRun) -> bytes:
    from ggi.report.audit.junit import junit

    return junit(run)


def _sarif(run: AuditRun) -> bytes:
    from ggi.report.audit.sarif import sarif

    return sarif(run)


def _oscal(run: AuditRun) -> bytes:
    from ggi.report.audit.oscal import oscal

    return oscal(run)


def _json(run: AuditRun) -> bytes:
    from ggi.audit.summary import audit_data

    return (json.dumps(audit_data(run.audits), indent=2, ensure_ascii=False) + "\n").encode()


def _csv(run: AuditRun) -> bytes:
    from ggi.report.audit.tables import csv_text

    return csv_text(run)


def _md(run: AuditRun) -> bytes:
    from ggi.report.audit.tables import markdown

    return markdown(run)


@dataclass(frozen=True)
class Format:
    """One format."""

    ending: str
    make: Callable[[AuditRun], bytes]


FORMATS: Mapping[str, Format] = {
    "html": Format(".html", _html),
    "pdf": Format(".pdf", _pdf),
    "xlsx": Format(".xlsx", _xlsx),
    "junit": Format(".junit.xml", _junit),
    "sarif": Format(".sarif", _sarif),
    "oscal": Format(".oscal.json", _oscal),
    "json": Format(".json", _json),
    "csv": Format(".csv", _csv),
    "md": Format(".md", _md),
}


def chosen(text: str) -> list[str]:
    """The names of formats in `text`, apart by commas. Raises InputError."""
    names = list(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    wrong = [name for name in names if name not in FORMATS]
    if wrong or not names:
        message = t("there is no format {name}", name=wrong[0]) if wrong else t("name a format")
        raise InputError(Problem(message, t("Known: {names}.", names=", ".join(FORMATS))))
    return names


def write(run: AuditRun, formats: Iterable[str], folder: Path) -> list[Path]:
    """Write the report in every format; returns the files. All are made before the first is written."""
    made = {folder / f"audit-{run.name}{FORMATS[name].ending}": FORMATS[name].make(run) for name in formats}
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in made.items():
        path.write_bytes(content)
    return list(made)
