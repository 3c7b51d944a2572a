"""The audit as one page of HTML, and as a PDF: no request, no script but its own, readable without that too."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ggi.controls.control import Severity
from ggi.controls.coverage import Coverage
from ggi.controls.verdict import Finding
from ggi.errors import Problem, WorkError
from ggi.messages import language, t
from ggi.report.audit import words
from ggi.report.audit.drawing import COLORS, landscape, parts, picture_of, style
from ggi.report.audit.fleet import Heat
from ggi.report.audit.run import AuditRun, Status, fingerprint, status
from ggi.report.audit.since import change

FOLDER = Path(__file__).parent / "templates"
SUFFIX = ".html.j2"


def _digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def policy(css: str, script: str) -> str:
    """The page's Content-Security-Policy: its own style and script by their hashes, and nothing else at all."""
    scripts = _digest(script) if script else "'none'"
    return f"default-src 'none'; style-src {_digest(css)}; script-src {scripts}; base-uri 'none'; form-action 'none'"


def _ticks(text: object) -> Markup:
    """`text` with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(str(text)))))  # noqa: S704  (escaped before)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.filters["ticks"] = _ticks
    made.globals |= {name: getattr(words, name) for name in dir(words) if name.endswith("_word")}
    made.globals |= {
        "t": t,
        "day": words.day,
        "number": words.number,
        "command": words.command,
        "read_words": words.read_words,
        "simulated_words": words.simulated_words,
        "answer": words.answer,
        "fleet_answer": words.fleet_answer,
        "SYMBOLS": words.SYMBOLS,
        "Status": Status,
        "Severity": Severity,
        "Coverage": Coverage,
        "status": status,
        "COLORS": COLORS,
        "change": change,
        "language": language,
    }
    return made


def _colors() -> str:
    """A class per status: its colour on a light and on a dark page."""
    light = "".join(f"--{one}:{pair[0]};" for one, pair in COLORS.items())
    dark = "".join(f"--{one}:{pair[1]};" for one, pair in COLORS.items())
    rules = "".join(f".s-{one}{{--tone:var(--{one})}}" for one in COLORS)
    return f":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}{rules}"


def _in_words(run: AuditRun) -> Callable[..., str]:
    """What gives the evidence of a finding of this run in words, or other evidence of its control."""
    controls = {name: control for audit in run.audits for name, control in audit.controls.items()}

    def in_words(finding: Finding, evidence: str | None = None) -> str:
        return controls[finding.control].vocabulary.in_words(finding.evidence if evidence is None else evidence)

    return in_words


def html(run: AuditRun, *, printed: bool = False) -> str:
    """The page. `printed`: for paper, so without script, and without a list of everything that complies."""
    several = len(run.audits) > 1
    script = "" if printed else (FOLDER / "page.js").read_text(encoding="utf-8").strip()
    css = _colors() + (FOLDER / "page.css").read_text(encoding="utf-8").strip()
    values: dict[str, object] = {"run": run, "printed": printed, "in_words": _in_words(run)}
    if several:
        values["heat"] = Heat(run)
    else:
        stack = run.stacks[0]
        built = stack.audit.landscape
        found = parts(stack, built) if built is not None else []
        # The drawing escapes what it shows.
        drawn = picture_of(stack, found) if printed else Markup(landscape(stack, found))  # noqa: S704
        values |= {"stack": stack, "audit": stack.audit, "parts": found, "drawing": drawn}
        css += "" if built is None or printed else style()
    template = _environment().get_template(("fleet" if several else "stack") + SUFFIX)
    return template.render(
        **values,
        # Both come from this package alone, and nothing of the audit is in them.
        css=Markup(css),  # noqa: S704
        script=Markup(script),  # noqa: S704
        policy=policy(css, script),
    )


def pdf(run: AuditRun) -> bytes:
    """The PDF. Raises WorkError where Pango is missing, the library that sets its text."""
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except OSError:
        message = t("a PDF needs Pango, which is not on this machine")
        fix = t("Install it (Debian: `apt install libpango-1.0-0 libpangoft2-1.0-0`), or print the HTML.")
        raise WorkError(Problem(message, fix)) from None
    # It remarks on every rule of the style sheet that paper has no use for.
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    text = html(run, printed=True)
    # The identifier would be drawn by chance; this one follows from the content.
    # The page holds all that it shows; nothing is ever fetched for it.
    page = HTML(string=text, url_fetcher=URLFetcher(allowed_protocols={"data"}))
    with _dated(run.date):
        made: bytes = page.write_pdf(pdf_variant="pdf/ua-1", pdf_identifier=fingerprint(text).encode())
    return made


@contextmanager
def _dated(day: dt.date) -> Iterator[None]:
    """Fonts are of `day`: where fontTools cuts them (no HarfBuzz-subset), it writes the time of the clock into each.

    SOURCE_DATE_EPOCH is what fontTools, as other builders of files, takes for that time (reproducible-builds.org).
    """
    known = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = str(int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()))
    try:
        yield
    finally:
        if known is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = known
