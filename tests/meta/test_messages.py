"""The Dutch catalogue is complete, fresh, and fits the English texts."""

from __future__ import annotations

import io
import string
import subprocess
import sys

from babel.messages.pofile import read_po

from ggi.cli.translations import updated
from ggi.messages import PO, read_catalogue
from ggi.paths import ROOT

REFRESH = "run: .venv/bin/python -m ggi.cli.translations, and translate what it names"


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_has_a_dutch_translation() -> None:
    _, missing = updated()
    assert not missing, REFRESH


FRESH = """
from ggi.cli.translations import updated
from ggi.messages import PO
raise SystemExit(PO.read_text(encoding="utf-8") != updated()[0])
"""


def test_the_catalogue_is_fresh() -> None:
    """In a process of its own: what other tests have loaded under the names of content must not be described."""
    assert subprocess.run([sys.executable, "-c", FRESH], cwd=ROOT, check=False).returncode == 0, REFRESH


def test_a_translation_fills_in_the_same_values() -> None:
    catalogue = read_po(io.BytesIO(PO.read_bytes()))
    wrong = [m.id for m in catalogue if m.id and _fields(str(m.id)) != _fields(str(m.string))]
    assert not wrong


def test_what_is_read_at_run_time_is_what_babel_reads() -> None:
    wanted = {str(m.id): str(m.string) for m in read_po(io.BytesIO(PO.read_bytes())) if m.id and m.string}
    assert read_catalogue(PO.read_text(encoding="utf-8")) == wanted


def test_escapes_and_further_lines_of_a_catalogue_are_read() -> None:
    text = 'msgid ""\nmsgstr "Language: nl"\n\n#, flag\nmsgid ""\n"a\\\\n"\n"\\"b\\"\\n"\nmsgstr "c\\td"\n'
    assert read_catalogue(text) == {'a\\n"b"\n': "c\td"}
