"""The one catalogue of text for users: English is the source, Dutch the translation.

`t("{count} problems", count=3)` translates and fills in. The language is `GGI_LANG`, else the locale's, and can be
set by `--lang`. The catalogue is `src/ggi/locale/nl/LC_MESSAGES/ggi.po`; `python -m ggi.cli.translations` brings it up
to date.
It is read as it is, since that takes as long as reading a compiled one, and a compiled one can be stale or missing.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

PO = Path(__file__).parent / "locale" / "nl" / "LC_MESSAGES" / "ggi.po"
LANGUAGES = ("en", "nl")


def _from_environment() -> str:
    for name in ("GGI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "nl" if value.lower().startswith("nl") else "en"
    return "en"


_language = _from_environment()
_catalogue: dict[str, str] | None = None


def language() -> str:
    """The language in use, "en" or "nl"."""
    return _language


def set_language(name: str) -> None:
    """Use `name` ("en" or "nl") from now on."""
    global _language, _catalogue
    _language, _catalogue = name, None


def t(text: str, **values: object) -> str:
    """Translate `text` and fill in `values` with `str.format`."""
    global _catalogue
    if _catalogue is None:
        _catalogue = {} if _language == "en" else read_catalogue(PO.read_text(encoding="utf-8"))
    translated = _catalogue.get(text) or text
    return translated.format(**values) if values else translated


def read_catalogue(text: str) -> dict[str, str]:
    """The translation of each text in a .po file without plurals and contexts; those without one are left out.

    `msgid "up"` and `msgstr "omhoog"` give {"up": "omhoog"}. A text may go on in further lines, each in quotes.
    """
    found = {}
    for entry in text.split("\n\n"):
        parts: dict[str, list[str]] = {"msgid": [], "msgstr": []}
        going = parts["msgid"]
        for line in entry.splitlines():
            if '"' not in line or line.startswith("#"):
                continue
            keyword, _, rest = line.partition('"')
            going = parts[keyword.strip()] if keyword else going
            going.append(rest[:-1])
        original, translation = (_unescaped("".join(part)) for part in parts.values())
        # The entry of the empty text is the header.
        if original and translation:
            found[original] = translation
    return found


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), text)


def mark(text: str) -> str:
    """Mark a text that is translated later, where it is shown; returns it as it is."""
    return text
