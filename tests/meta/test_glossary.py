"""One word per thing: docs/glossary.yaml against the code, the texts for users and its own page.

Every rule is a function over what it looks at, and is tried on a violation that a test plants.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ggi.cli.translations import PAGE, WORDS, glossary_page, texts
from ggi.messages import PO
from ggi.paths import ROOT
from tests.meta.test_structure import files

Entry = Mapping[str, Any]


def entries() -> list[Entry]:
    found: list[Entry] = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    return found


def classes(root: Path) -> Iterator[tuple[str, Path]]:
    """Every class, with its file."""
    for path in files(root).values():
        for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield node.name, path


def shared_names(root: Path) -> list[str]:
    """Names that two classes of library and sandbox have, of those that others may name."""
    found: dict[str, list[Path]] = {}
    for name, path in classes(root):
        # A program that plays somebody else's has the names of that one, and of Django (Meta, Migration).
        plays = path.is_relative_to("sandbox/node/images")
        if path.parts[0] in ("src", "sandbox") and not plays and not name.startswith("_"):
            found.setdefault(name, []).append(path)
    return [f"{name}: {', '.join(map(str, paths))}" for name, paths in sorted(found.items()) if len(paths) > 1]


def second_spellings(words: Iterable[Entry], key: str, said: Iterable[str]) -> list[str]:
    """Texts that call a thing by a word that the glossary refuses (`not_en`, `not_nl`), also in the plural."""
    refused = {other: entry for entry in words for other in entry.get(key, ())}
    return [
        f"{other!r} in {text[:60]!r}: the word is {refused[other][key.removeprefix('not_')]!r}"
        for text in said
        for other in refused
        if re.search(rf"\b{re.escape(other)}(?:e?s|en)?\b", text, re.I)
    ]


def second_names(words: Iterable[Entry], root: Path) -> list[str]:
    """Classes that have a word in their name that the glossary refuses."""
    refused = {"".join(w.capitalize() for w in other.split()): e["en"] for e in words for other in e.get("not_en", ())}
    return [
        f"{path}: {name}; the word is {refused[other]!r}"
        for name, path in classes(root)
        for other in refused
        if re.search(rf"{other}(?:e?s)?(?![a-z])", name)
    ]


def spoken_dutch() -> list[str]:
    from babel.messages.pofile import read_po

    with PO.open("rb") as file:
        return [str(message.string) for message in read_po(file) if message.id and message.string]


def content_texts(language: str) -> Iterator[str]:
    """What controls, recipes and their frameworks say in a language, without code."""

    def said(value: Any) -> Iterator[str]:
        if isinstance(value, dict) and set(value) == {"nl", "en"}:
            yield re.sub(r"`[^`]*`", "", str(value[language]))
        elif isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                yield from said(inner)

    for folder in ("policies", "cookbook"):
        for path in sorted((ROOT / folder).rglob("*.yaml")):
            for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                yield from said(document)


def pages(language: str) -> list[str]:
    """The lines of the pages for users in a language, without code."""
    found = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / language).glob("*.md"))]
    if language == "en":
        found.append((ROOT / "README.md").read_text(encoding="utf-8"))
    prose = ("".join(text.split("```")[::2]) for text in found)
    return [re.sub(r"`[^`]*`", "", line) for text in prose for line in text.splitlines()]


def test_every_class_has_a_name_of_its_own() -> None:
    assert shared_names(ROOT) == []


def test_two_classes_of_one_name_are_noticed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        path = tmp_path / "src" / "ggi" / "audit" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("class Place:\n    pass\n", encoding="utf-8")
    assert shared_names(tmp_path) == ["Place: src/ggi/audit/one.py, src/ggi/audit/two.py"]


def test_every_thing_of_the_glossary_is_where_it_says() -> None:
    for entry in entries():
        if code := entry.get("code"):
            module, _, name = code.partition(":")
            assert getattr(importlib.import_module(module), name).__doc__, code


def test_every_word_stands_in_the_glossary_once() -> None:
    for key in ("en", "nl"):
        words = [entry[key] for entry in entries()]
        assert sorted(words) == sorted(set(words))


def test_texts_and_classes_use_one_word_per_thing() -> None:
    assert second_spellings(entries(), "not_en", [*texts(), *pages("en")]) == []
    assert second_spellings(entries(), "not_nl", [*spoken_dutch(), *pages("nl"), *content_texts("nl")]) == []
    assert second_names(entries(), ROOT) == []


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("not_en", "The fake of a tenant."),
        ("not_nl", "Afsluitcode 1 bij verschillen."),
        ("not_nl", "een vrijstelling"),
        ("not_en", "Fakes of two tenants."),
        ("not_nl", "Drie vrijstellingen."),
    ],
)
def test_a_second_spelling_is_noticed(key: str, text: str) -> None:
    assert second_spellings(entries(), key, [text])


@pytest.mark.parametrize("name", ["Mock", "MockTenant", "TenantMocks", "_Mock"])
def test_a_class_of_a_second_spelling_is_noticed(tmp_path: Path, name: str) -> None:
    path = tmp_path / "stacks" / "tenants.py"
    path.parent.mkdir(parents=True)
    path.write_text(f"class {name}:\n    pass\n", encoding="utf-8")
    assert second_names(entries(), tmp_path) == [f"stacks/tenants.py: {name}; the word is 'stand-in'"]


def test_texts_of_content_are_looked_at() -> None:
    assert len(list(content_texts("nl"))) > 1000


def test_the_page_is_made_of_the_glossary() -> None:
    assert PAGE.read_text(encoding="utf-8") == glossary_page(), "run: .venv/bin/python -m ggi.cli.translations"
