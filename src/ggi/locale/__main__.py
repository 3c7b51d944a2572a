"""Bring the catalogue up to date: find every text for users, keep what is translated, drop what is gone."""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment
from jinja2.ext import extract_from_ast

from ggi.cli.main import help_texts
from ggi.locale.content import content_texts
from ggi.messages import PO
from ggi.paths import ROOT

MARKS = {"t", "mark"}
DATED = ('"POT-', '"PO-Rev', '"Last-', '"Gen', '"Report-', '"Language-Team', '"Project-Id')
"""Header lines that would change at every run, or say nothing here."""


def literals(path: Path) -> Iterator[str]:
    """The first argument of every call of `t` or `mark` in a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            first = node.args[0]
            if name in MARKS and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def template_literals(path: Path) -> Iterator[str]:
    """The same of a template of a page."""
    parsed = Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
    for _, _, text in extract_from_ast(parsed, tuple(MARKS)):
        first = text if isinstance(text, str) or text is None else text[0]
        if first:
            yield first


def texts() -> set[str]:
    """Every text for users: what the code translates, what content declares, and the help of every command."""
    found = {*help_texts(), *content_texts()}
    for folder in ("src", "sandbox"):
        for path in (ROOT / folder).rglob("*.py"):
            found.update(literals(path))
        for path in (ROOT / folder).rglob("*.html.j2"):
            found.update(template_literals(path))
    return {text for text in found if text.strip()}


def updated() -> tuple[str, list[str]]:
    """The catalogue as it should be, and what has no translation yet."""
    old: Catalog = read_po(io.BytesIO(PO.read_bytes())) if PO.exists() else Catalog()
    new = Catalog(locale="nl", project="ggi", version="", copyright_holder="", fuzzy=False)
    new.mime_headers = [("Language", "nl"), ("Content-Type", "text/plain; charset=utf-8")]
    new.header_comment = "# Dutch; the source is the English text in the code. Kept up to date by: python -m ggi.locale"
    missing = []
    for text in sorted(texts()):
        known = old.get(text)
        translation = str(known.string) if known is not None and known.string else ""
        if not translation:
            missing.append(text)
        new.add(text, translation, flags=["python-brace-format"] if "{" in text else [])
    po = io.BytesIO()
    write_po(po, new, width=110, omit_header=False, no_location=True)
    lines = [line for line in po.getvalue().decode().splitlines() if not line.startswith(DATED)]
    return "\n".join(lines) + "\n", missing


def main() -> int:
    """Write the file; exit code 1 when something has no translation."""
    po, missing = updated()
    PO.parent.mkdir(parents=True, exist_ok=True)
    PO.write_text(po, encoding="utf-8")
    for text in missing:
        print(f"no translation: {text!r}", file=sys.stderr)  # noqa: T201
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
