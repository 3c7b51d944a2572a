"""The options of `ggi audit` that write reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ggi.cli.main import main
from ggi.report.audit.formats import FORMATS
from tests import audits

ON = ["--date", audits.DATE.isoformat()]
FOUR = "html,junit,sarif,oscal"


def inventory() -> list[str]:
    """The examples with a planted violation in gm9902."""
    return ["--inventory", str(audits.inventory().root)]


@pytest.mark.parametrize(("stack", "code"), [("gm9901", 0), ("gm9902", 1)])
def test_four_formats_at_once_and_the_exit_code_says_whether_anything_deviates(
    stack: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "reports"
    assert main([*inventory(), "audit", stack, "--from", "plan", "--format", FOUR, "--out", str(out), *ON]) == code
    endings = sorted(FORMATS[name].ending for name in FOUR.split(","))
    assert sorted(path.name.removeprefix(f"audit-{stack}-prod") for path in out.iterdir()) == endings
    told = capsys.readouterr().err
    assert all(str(path) in told for path in out.iterdir())


def test_without_a_folder_it_makes_one_named_after_the_stack_and_the_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["audit", "gm9901", "--format", "md", *ON]) == 0
    (path,) = tmp_path.rglob("*.md")
    assert str(path.relative_to(tmp_path)) == "audit-gm9901-prod-2026-11-22/audit-gm9901-prod.md"
    assert str(path.relative_to(tmp_path)) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gm9901", "--format", "html,word"], "there is no format word"),
        (["gm9901", "--format", ","], "name a format"),
        (["gm9901", "--out", "x"], "--out and --since are about reports"),
        (["gm9901", "--control", "POD-999"], "there is no control POD-999"),
        (["gm9901", "--all"], "not both"),
        ([], "name a stack"),
        (["gm9901", "--format", "md", "--since", "none.json"], "can't be read"),
    ],
)
def test_wrong_use_is_refused_before_anything_is_written(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["audit", *words, *ON]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_one_control_can_be_looked_at_again(tmp_path: Path) -> None:
    words = [*inventory(), "audit", "gm9902", "--format", "json", "--out", str(tmp_path), *ON]
    assert main([*words, "--control", "avl-005"]) == 1
    (found,) = json.loads((tmp_path / "audit-gm9902-prod.json").read_text(encoding="utf-8"))
    assert {finding["control"] for finding in found["findings"]} == {"AVL-005"}
    assert main([*words, "--control", "POD-001"]) == 0


def test_every_stack_comes_into_one_report_and_is_compared_with_an_earlier_one(tmp_path: Path) -> None:
    assert main(["audit", "gm9902", "sv-drieland", "--format", "json", "--out", str(tmp_path), *ON]) == 0
    before = tmp_path / "audit-2-stacks.json"
    words = [*inventory(), "audit", "--all", "--format", "html,md,json", "--since", str(before), "--out", str(tmp_path)]
    assert main([*words, *ON]) == 1
    stacks = [environment.stack for environment in audits.inventory().environments()]
    found = json.loads((tmp_path / f"audit-{len(stacks)}-stacks.json").read_text(encoding="utf-8"))
    assert [one["stack"] for one in found] == stacks
    page = (tmp_path / f"audit-{len(stacks)}-stacks.html").read_text(encoding="utf-8")
    assert "1 findings are new, 0 are gone and 0 remain, over 2 landscapes" in page
    ticket = (tmp_path / f"audit-{len(stacks)}-stacks.md").read_text(encoding="utf-8")
    assert "Since 22 November 2026: 1 new, 0 gone." in ticket
    assert f"{len(stacks) - 1} other landscapes: nothing deviates beyond what was accepted." in ticket
