"""`ggi list`: every stack of every kind, and what people choose by."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ggi.app.listing import list_stacks
from ggi.app.workspace import Workspace
from ggi.cli.main import main
from ggi.inventory.stack import StackKind
from ggi.paths import ROOT


def listed(line: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """What the command gives to programs."""
    assert main(["list", *line.split(), "--json"]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def test_every_name_is_one_that_commands_take() -> None:
    workspace = Workspace()
    stacks = list_stacks(workspace)
    assert [str(workspace.stack(item.stack)) for item in stacks] == [item.stack for item in stacks]
    assert {item.kind for item in stacks} == set(StackKind)
    assert len({item.stack for item in stacks}) == len(stacks)


def test_a_landscape_has_all_that_it_is_chosen_by(capsys: pytest.CaptureFixture[str]) -> None:
    row = next(row for row in listed("", capsys) if row["stack"] == "gm9901-prod")
    assert row == {
        "stack": "gm9901-prod",
        "title": "Rijnstad",
        "kind": "landscape",
        "environment": "prod",
        "region": "midden",
        "ring": 1,
        "cluster": "midden-prod",
        "release": "2026.3",
    }


@pytest.mark.parametrize(
    ("options", "key", "value"),
    [
        ("--kind m365", "kind", "m365"),
        ("--region noord", "region", "noord"),
        ("--ring 0", "ring", 0),
        ("--environment acceptatie", "environment", "accp"),
    ],
)
def test_a_filter_keeps_those_and_all_of_those(
    options: str, key: str, value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    found = listed(options, capsys)
    assert found == [row for row in listed("", capsys) if row[key] == value]
    assert found


def test_filters_hold_together(capsys: pytest.CaptureFixture[str]) -> None:
    names = [row["stack"] for row in listed("--region midden --ring 1 --environment prod", capsys)]
    assert names == ["gm9901-prod", "sv-drieland-prod"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--kind cloud", "there is no kind cloud"),
        ("--region zuid", "there is no region zuid"),
        ("--environment live", "'live' is not an environment"),
    ],
)
def test_a_word_that_means_nothing_is_an_error(line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", *line.split()]) == 2
    assert told in capsys.readouterr().err


def test_a_tenant_that_can_not_be_read_hides_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "inventories"
    shutil.copytree(ROOT / "inventories", folder)
    file = folder / "tenants" / "gm9902.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "ringg: 1\n", encoding="utf-8")
    assert main(["--inventory", str(folder), "list"]) == 2
    told = capsys.readouterr()
    assert "gm9901-prod" in told.out and "gm9902-prod" not in told.out
    assert "gm9902.yaml" in told.err and "ringg" in told.err
