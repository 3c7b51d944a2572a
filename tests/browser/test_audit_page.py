"""The audit's page in a real browser: open to everyone, silent towards the network, usable by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from ggi.report.audit.run import Status
from tests import audits
from tests.browser.conftest import Look, Shown

Show = Callable[[Look], Shown]

LOOKS = [
    Look("stack", "nl"),
    Look("stack", "en", dark=True),
    Look("stack", "nl", dark=True, phone=True),
    Look("stack", "en", phone=True),
    Look("fleet", "nl", dark=True),
    Look("fleet", "en"),
    Look("fleet", "nl", phone=True),
    Look("fleet", "en", dark=True, phone=True),
]
OPEN = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"


def focused(page: Page) -> str:
    """The id of what has the focus."""
    found: str = page.evaluate("document.activeElement.id")
    return found


def tab_to(page: Page, wanted: str, most: int = 250) -> None:
    """Press Tab until `wanted` has the focus; what can't be reached by keyboard fails."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement.matches({wanted!r})"):
            return
    raise AssertionError(f"{wanted} can't be reached by keyboard")


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_axe_finds_nothing_that_keeps_anybody_out(show: Show, look: Look) -> None:
    page = show(look).page
    page.evaluate(OPEN)
    # Every node of what fails; of the rules that pass, the first one is enough.
    found: dict[str, Any] = Axe().run(page, options={"resultTypes": ["violations"]}).response
    told = [
        f"{one['id']}: {one['help']}\n" + "\n".join(f"    {node['html'][:160]}" for node in one["nodes"][:4])
        for one in found["violations"]
    ]
    assert not told, "\n".join(told)
    assert len(found["passes"]) > 20


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_page_asks_for_nothing_and_breaks_no_rule_of_its_own_policy(show: Show, look: Look) -> None:
    shown = show(look)
    assert [url for url in shown.asked if not url.startswith("file:")] == []
    assert len(shown.asked) == 1
    assert shown.wrong == []


@pytest.mark.parametrize("look", [one for one in LOOKS if one.phone], ids=str)
def test_on_a_phone_nothing_must_be_scrolled_sideways_but_drawings_and_maps(show: Show, look: Look) -> None:
    page = show(look).page
    page.evaluate(OPEN)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_page_is_in_its_language_and_says_the_answer_first(show: Show) -> None:
    page = show(Look("stack", "nl")).page
    assert page.locator("html").get_attribute("lang") == "nl"
    assert "wordt niet voldaan" in page.locator("main h2").first.inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")


def test_the_keyboard_filters_the_controls_and_escape_shows_all_again(show: Show) -> None:
    page = show(Look("stack")).page
    every = len(audits.small().stacks[0].judged)
    count, shown = page.locator("#count"), page.locator("details.control:visible")
    assert count.inner_text() == f"{every} of {every} controls"
    tab_to(page, "#find")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.type("avl-005")
    assert shown.count() == 1
    assert count.inner_text() == f"1 of {every} controls"
    assert page.locator("#count").evaluate("(one) => one.tagName") == "OUTPUT"  # read out when it changes
    page.keyboard.press("Escape")
    assert shown.count() == every
    page.keyboard.press("Tab")
    assert focused(page) == "only"
    page.locator("#only").select_option(Status.REFUSED.value)
    stack = audits.small().stacks[0]
    assert shown.count() == stack.controls[Status.REFUSED]


def test_a_word_that_only_some_findings_have_hides_the_others(show: Show) -> None:
    page = show(Look("stack")).page
    page.locator("#find").fill("openzaak/Deployment/web")
    page.evaluate(OPEN)
    lines = page.locator(".lines.all > li:visible")
    assert lines.count() > 5
    assert all("openzaak/Deployment/web" in text for text in lines.all_inner_texts())


def test_enter_opens_a_control_and_shows_what_was_seen(show: Show) -> None:
    page = show(Look("stack")).page
    tab_to(page, "details.control summary")
    page.keyboard.press("Enter")
    assert page.locator("details.control[open] .lines.all").first.is_visible()


def test_a_mark_on_the_drawing_leads_to_the_findings_of_its_component(show: Show) -> None:
    page = show(Look("stack")).page
    tab_to(page, ".mark[data-search=openzaak]")
    page.keyboard.press("Enter")
    assert focused(page) == "find"
    assert page.locator("#find").input_value() == "openzaak"
    ids = {one.get_attribute("id") for one in page.locator("details.control:visible").all()}
    assert {"POD-002", "POD-003", "POD-004"} <= ids
    assert "APP-001" not in ids


def test_the_address_of_a_control_opens_it_whatever_the_filter_hides(show: Show) -> None:
    page = show(Look("stack")).page
    page.locator("#find").fill("nothing has this word")
    assert page.locator("details.control:visible").count() == 0
    page.evaluate("location.hash = '#AVL-005'")
    page.wait_for_selector("#AVL-005[open]")
    assert page.locator("#AVL-005").is_visible()


def test_the_filter_of_a_fleet_is_about_both_its_tables(show: Show) -> None:
    page = show(Look("fleet")).page
    page.locator("#find").fill("drieland")
    for table in (".stacks", ".map"):
        rows = page.locator(f"{table} tbody tr:visible th").all_inner_texts()
        assert [row.split()[-1] for row in rows] == ["sv-drieland-prod"]
    assert page.locator("#count").inner_text() == "1 of 2 landscapes"


@pytest.mark.parametrize("name", ["stack", "fleet"])
def test_without_script_everything_is_there_and_nothing_promises_a_filter(show: Show, name: str) -> None:
    page = show(Look(name, script=False)).page  # type: ignore[arg-type]
    assert page.locator("#filter").is_hidden()
    items = page.locator("details.control" if name == "stack" else ".stacks tbody tr")
    run = audits.small() if name == "stack" else audits.fleet()
    assert items.count() == len(run.stacks[0].judged if name == "stack" else run.audits)
    assert items.first.is_visible()


def test_on_paper_there_is_no_filter_and_no_menu(show: Show) -> None:
    page = show(Look("stack")).page
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    assert page.locator("#filter").is_hidden()
    assert page.locator("#attention .finding").first.is_visible()
