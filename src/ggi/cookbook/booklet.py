"""The Cookbook as a booklet: one page of HTML per language, from the recipes and from nothing else.

No request, no script: it opens from a mail, prints, and reads aloud.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ggi.cookbook.compare import shown
from ggi.cookbook.content import OVER, PARAMETER, Cookbook, Recipe
from ggi.cookbook.control import version_of
from ggi.cookbook.product import DNS, GRAPH
from ggi.cookbook.recipe import Setting, Want
from ggi.messages import LANGUAGES, language, mark, set_language, t

FOLDER = Path(__file__).parent / "templates"

_SEVERITY = {"critical": mark("critical"), "high": mark("high"), "medium": mark("medium"), "low": mark("low")}


@dataclass(frozen=True)
class BookletRow:
    """One property of a recipe, as the booklet tells it."""

    object: str
    path: str
    wanted: str


def _operand(value: Any, book: Cookbook, labels: Mapping[str, str]) -> str:
    if isinstance(value, dict) and list(value) == [PARAMETER]:
        return f"‹{book.parameters[value[PARAMETER]].title}›"
    if isinstance(value, list):
        return ", ".join(_operand(v, book, labels) for v in value) or t("empty")
    return (
        {True: t("on"), False: t("off")}.get(value, shown(value)) if isinstance(value, bool) else shown(value, labels)
    )


def wanted_words(want: Want, book: Cookbook, labels: Mapping[str, str]) -> str:
    """What a property must be, in words."""
    value = _operand(want.wanted, book, labels)
    words = {
        "equal": "{value}",
        "contains": mark("contains {value}"),
        "one_of": mark("one of {value}"),
        "at_most": mark("at most {value}"),
        "unset": mark("not set"),
    }[want.comparison]
    return t(words, value=value)


def rows(recipe: Recipe, book: Cookbook) -> Iterator[BookletRow]:
    """Every property of a recipe."""
    for setting in recipe.file.settings:
        resource = book.resource(setting.resource)
        item = _item(setting, book)
        for want in setting.want:
            yield BookletRow(
                f"{resource.title}{f' ({item})' if item else ''}",
                want.path,
                wanted_words(want, book, resource.properties[want.path].labels),
            )


def _item(setting: Setting, book: Cookbook) -> str:
    return t("all") if setting.item == "*" else _operand(setting.item, book, {}) if setting.item else ""


def channel_words(recipe: Recipe, book: Cookbook) -> str:
    """How it is read and written."""
    names = {
        GRAPH: t("Microsoft Graph"),
        DNS: t("DNS, by hand"),
    }
    found = {
        names.get(book.channel(s.resource), t("PowerShell ({name})", name=book.product(s.resource).title)): None
        for s in recipe.file.settings
    }
    return ", ".join(found)


def booklet(book: Cookbook) -> str:
    """The page in the language that is in use."""
    css = (FOLDER / "booklet.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    families = [
        (name, str(family.title), [r for r in book.recipes.values() if r.id.startswith(name)])
        for name, family in book.terms.families.items()
        if family.over == OVER
    ]
    return environment.get_template("booklet.html.j2").render(
        t=t,
        book=book,
        css=css,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        language=language(),
        other=next(name for name in LANGUAGES if name != language()),
        version=version_of(book),
        families=[f for f in families if f[2]],
        rows=lambda recipe: list(rows(recipe, book)),
        channel=lambda recipe: channel_words(recipe, book),
        severity=lambda recipe: t(_SEVERITY[recipe.file.severity]),
        parameters=lambda recipe: [book.parameters[n] for n in book.parameters_of(recipe)],
        value=lambda value: _operand(value, book, {}),
    )


def write_booklets(book: Cookbook, folder: Path) -> list[Path]:
    """`cookbook-<language>.html` in every language. The language in use stays what it was."""
    folder.mkdir(parents=True, exist_ok=True)
    before = language()
    paths = []
    try:
        for name in LANGUAGES:
            set_language(name)
            path = folder / f"cookbook-{name}.html"
            path.write_text(booklet(book), encoding="utf-8")
            paths.append(path)
    finally:
        set_language(before)
    return paths
