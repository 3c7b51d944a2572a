"""The words of the project: brings the catalogue of Dutch texts, and the page of the glossary, up to date.

Finds every text for users, keeps what is translated, and drops what is gone. Texts that content declares stand there as
plain English and are translated where they are shown; a further content root without a translation is shown as it is.
"""

from __future__ import annotations

import ast
import io
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

import yaml
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment
from jinja2.ext import extract_from_ast
from pydantic import BaseModel

from ggi.catalogue.component import Component
from ggi.catalogue.content import load_catalogue
from ggi.cli.main import help_texts
from ggi.inventory.fields import description
from ggi.inventory.models import EnvironmentSettings, TenantFile
from ggi.messages import PO
from ggi.paths import ROOT

WORDS = ROOT / "docs" / "glossary.yaml"
"""One word per thing, in English and Dutch."""
PAGE = WORDS.with_suffix(".md")
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


def content_texts() -> set[str]:
    """Every text for people in the checkout's own content, and what the models say about each setting."""
    catalogue = load_catalogue(())
    found: set[str] = set()
    seen: set[type[BaseModel]] = set()
    for model in (EnvironmentSettings, TenantFile, *(c.settings for c in catalogue.components.values())):
        found.update(_descriptions(model, seen))
    for component in catalogue.components.values():
        found.update(_of_component(component))
    for release in catalogue.releases.values():
        found.add(release.model.title)
        found.update(version.notes for version in release.model.components.values())
    return found


def _of_component(component: Component) -> Iterator[str]:
    yield component.summary
    yield component.exit
    for asked in (*component.inputs, *component.external_inputs):
        yield from (asked.title, asked.role, asked.check)
    for api in component.offers:
        yield api.title
    for functional in component.functional:
        yield from (functional.title, functional.where)


def _descriptions(annotation: typing.Any, seen: set[type[BaseModel]]) -> Iterator[str]:
    """Descriptions of all fields of the models in an annotation, and of the models below them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation in seen:
            return
        seen.add(annotation)
        for name, field in annotation.model_fields.items():
            yield description(annotation, name)
            yield from _descriptions(field.annotation, seen)
    for inner in typing.get_args(annotation):
        yield from _descriptions(inner, seen)


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
    new.header_comment = (
        "# Dutch; the source is the English text in the code. Kept up to date by: python -m ggi.cli.translations"
    )
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


def glossary_page() -> str:
    """The glossary as a page."""
    lines = [
        "# Glossary",
        "",
        "One word per thing, in the code, in every text, in English and in Dutch. Made from glossary.yaml by",
        "`python -m ggi.cli.translations`; tests refuse other words for the same thing.",
        "",
        "| English | Dutch | what it is | in the code |",
        "|---|---|---|---|",
    ]
    for entry in yaml.safe_load(WORDS.read_text(encoding="utf-8")):
        code = f"`{entry['code'].removeprefix('ggi.')}`" if "code" in entry else ""
        lines.append(f"| {entry['en']} | {entry['nl']} | {entry['means']} | {code} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the file; exit code 1 when something has no translation."""
    po, missing = updated()
    PO.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(glossary_page(), encoding="utf-8")
    PO.write_text(po, encoding="utf-8")
    for text in missing:
        print(f"no translation: {text!r}", file=sys.stderr)  # noqa: T201
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
