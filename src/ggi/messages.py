"""The one catalogue of text for users: English is the source, Dutch the translation.

`t("{count} problems", count=3)` translates and fills in. The language is `GGI_LANG`, else the locale's, and can be
set by `--lang`. The catalogue is `src/ggi/locale/nl/LC_MESSAGES/ggi.po`; `python -m ggi.locale` brings it up to date.
"""

from __future__ import annotations

import gettext
import os
from pathlib import Path

LOCALE_DIR = Path(__file__).parent / "locale"
LANGUAGES = ("en", "nl")


def _from_environment() -> str:
    for name in ("GGI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "nl" if value.lower().startswith("nl") else "en"
    return "en"


_language = _from_environment()
_catalogue: gettext.NullTranslations | None = None


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
        _catalogue = (
            gettext.NullTranslations()
            if _language == "en"
            else gettext.translation("ggi", LOCALE_DIR, [_language], fallback=True)
        )
    # An empty text is the catalogue's own header.
    translated = _catalogue.gettext(text) if text else text
    return translated.format(**values) if values else translated


def mark(text: str) -> str:
    """Mark a text that is translated later, where it is shown; returns it as it is."""
    return text
