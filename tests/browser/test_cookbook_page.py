"""The booklet of the Cookbook in a real browser: open to everyone, in both languages, silent towards the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from ggi.cookbook.booklet import write_booklets
from ggi.cookbook.content import load_cookbook
from ggi.paths import ROOT
from tests.browser.conftest import DESK, PHONE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The booklets, made once."""
    made = tmp_path_factory.mktemp("booklet")
    write_booklets(load_cookbook([ROOT]), made)
    return made


@pytest.mark.parametrize(
    ("language", "dark", "phone"), [("nl", False, False), ("en", True, False), ("nl", True, True), ("en", False, True)]
)
def test_axe_finds_nothing_that_keeps_anybody_out(
    browser: Browser, folder: Path, language: str, dark: bool, phone: bool
) -> None:
    context = browser.new_context(
        viewport=PHONE if phone else DESK, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    context.set_default_timeout(120_000)
    page = context.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto((folder / f"cookbook-{language}.html").as_uri())
    assert page.evaluate("document.documentElement.lang") == language
    found: dict[str, Any] = Axe().run(page, options={"resultTypes": ["violations"]}).response
    told = [f"{one['id']}: {one['help']} {one['nodes'][0]['html'][:160]}" for one in found["violations"]]
    assert not told, "\n".join(told)
    assert len(found["passes"]) > 20
    # A phone scrolls the tables, never the page.
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert len(asked) == 1
    assert wrong == []
    context.close()
