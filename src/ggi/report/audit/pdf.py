"""The audit as a PDF for people who file paper: the page itself on A4, readable by assistive technology (PDF/UA-1)."""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ggi.errors import Problem, WorkError
from ggi.messages import t
from ggi.report.audit.identity import fingerprint
from ggi.report.audit.page import html
from ggi.report.audit.run import AuditRun


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
