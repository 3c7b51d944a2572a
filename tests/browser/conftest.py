"""What the browser tests share: the Chromium of this machine, and the pages of an audit with every status."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from ggi import messages
from ggi.report.audit.page import html
from tests import audits

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}


@dataclass(frozen=True)
class Look:
    """One way to look at a page."""

    page: Literal["stack", "fleet"]
    language: str = "en"
    dark: bool = False
    phone: bool = False
    script: bool = True

    def __str__(self) -> str:
        words = [self.page, self.language, "dark" if self.dark else "light", "phone" if self.phone else "desk"]
        return "-".join(words if self.script else [*words, "without-script"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One headless Chromium for the tests of a file; while it runs, nothing else in this process can use asyncio."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        # Its own sandbox does not work for root, as which CI runs.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=found, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """The file of a page in a language, made once."""
    folder = tmp_path_factory.mktemp("pages")

    def write(page: str, language: str) -> Path:
        path = folder / f"{page}-{language}.html"
        if not path.exists():
            run = audits.fleet() if page == "fleet" else audits.small()
            before = messages.language()
            messages.set_language(language)
            try:
                path.write_text(html(run), encoding="utf-8")
            finally:
                messages.set_language(before)
        return path

    return write


@dataclass
class Shown:
    """An opened page, with every address that it asked for and everything that went wrong in it."""

    page: Page
    asked: list[str]
    wrong: list[str]


@pytest.fixture
def show(browser: Browser, written: Callable[[str, str], Path]) -> Iterator[Callable[[Look], Shown]]:
    """Opens a page in a browser of its own kind: colours, width, with or without script."""
    contexts = []

    def opened(look: Look) -> Shown:
        context = browser.new_context(
            viewport=PHONE if look.phone else DESK,
            color_scheme="dark" if look.dark else "light",
            java_script_enabled=look.script,
            reduced_motion="reduce",
        )
        contexts.append(context)
        # The machine that runs this may be busy; nothing here is about speed.
        context.set_default_timeout(120_000)
        shown = Shown(context.new_page(), [], [])
        shown.page.on("request", lambda request: shown.asked.append(request.url))
        shown.page.on("console", lambda message: shown.wrong.append(message.text) if message.type == "error" else None)
        shown.page.on("pageerror", lambda error: shown.wrong.append(str(error)))
        shown.page.goto(written(look.page, look.language).as_uri())
        return shown

    yield opened
    for context in contexts:
        context.close()
