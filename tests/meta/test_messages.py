"""The Dutch catalogue is complete, fresh, and fits the English texts."""

from __future__ import annotations

import io
import string
import subprocess
import sys

from babel.messages.pofile import read_po

from ggi.locale.__main__ import PO, updated
from ggi.paths import ROOT

REFRESH = "run: .venv/bin/python -m ggi.locale, and translate what it names"


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_has_a_dutch_translation() -> None:
    _, _, missing = updated()
    assert not missing, REFRESH


FRESH = """
from ggi.locale.__main__ import PO, updated
from ggi.paths import ROOT
po, mo, _ = updated()
raise SystemExit(PO.read_text(encoding="utf-8") != po or PO.with_suffix(".mo").read_bytes() != mo)
"""


def test_the_catalogue_is_fresh_and_compiled() -> None:
    """In a process of its own: what other tests have loaded under the names of content must not be described."""
    assert subprocess.run([sys.executable, "-c", FRESH], cwd=ROOT, check=False).returncode == 0, REFRESH


def test_a_translation_fills_in_the_same_values() -> None:
    catalogue = read_po(io.BytesIO(PO.read_bytes()))
    wrong = [m.id for m in catalogue if m.id and _fields(str(m.id)) != _fields(str(m.string))]
    assert not wrong
