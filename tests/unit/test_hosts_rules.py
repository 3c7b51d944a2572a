"""Every rule of govroam is enforced by a role, or the page says why not; what the page names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ggi.paths import ROOT

RULES = {
    "EAP": 3, "ID": 1, "REALM": 3, "ATTR": 4, "ACCT": 1, "MON": 1, "SEC": 3, "CERT": 1, "LOG": 2, "TIME": 1, "AP": 2,
    "NET": 1, "NL": 1,
}  # fmt: skip
"""How many rules each family has, from the compliance statement of eduroam and the sources that the page names."""
IDS = [f"{family}-{number}" for family, count in RULES.items() for number in range(1, count + 1)]
PAGE = ROOT / "docs" / "en" / "govroam-rules.md"
ROLES, TESTS, POLICIES = ROOT / "roles", ROOT / "tests", ROOT / "policies" / "hosts"


def rows() -> dict[str, tuple[str, str]]:
    """(enforced by, proven by) for each id in the page's table."""
    cells = [line.strip("| \n").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines()]
    return {row[0]: (row[2], row[3]) for row in cells if len(row) == 4 and re.fullmatch(r"[A-Z]+-\d", row[0])}


ROWS = rows()


def text_of(folder: Path) -> str:
    """All text of a role; compiled Python is none."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".pyc")
    return "".join(path.read_text(encoding="utf-8") for path in files)


def test_the_page_has_every_rule_once() -> None:
    listed = re.findall(r"^\| ([A-Z]+-\d) \|", PAGE.read_text(encoding="utf-8"), re.M)
    assert listed == IDS


@pytest.mark.parametrize("rule", IDS)
def test_a_rule_is_enforced_by_what_the_page_names(rule: str) -> None:
    enforced, _ = ROWS[rule]
    named = re.findall(r"\brole (\w+)", enforced)
    assert named or re.match(r"inventory|not ", enforced), "name a role, or say why not"
    for name in named:
        assert (ROLES / name / "tasks").is_dir(), f"there is no role {name}"
    if named:
        assert any(re.search(rf"\b{rule}\b", text_of(ROLES / name)) for name in named), f"no role says {rule}"


@pytest.mark.parametrize("rule", IDS)
def test_what_proves_a_rule_exists(rule: str) -> None:
    _, proven = ROWS[rule]
    for name in re.findall(r"`(test_\w+)`", proven):
        assert list(TESTS.glob(f"*/{name}.py")), f"there is no {name}"
    for control in re.findall(r"HST-\d{3}", proven):
        assert (POLICIES / control / "control.yaml").is_file()
    assert re.search(r"test_|HST-\d{3}", proven) or proven.startswith("-"), "name a test or a control"


def test_roles_and_the_inventory_name_no_rule_that_the_page_lacks() -> None:
    source = (ROOT / "src" / "ggi" / "inventory" / "govroam.py").read_text(encoding="utf-8")
    text = source + "".join(text_of(folder) for folder in ROLES.iterdir() if folder.is_dir())
    families = "|".join(RULES)
    used = set(re.findall(rf"\b(?:{families})-\d\b", text))
    assert used <= set(IDS)
