"""`ggi` alone: where one is and the next sensible step, from what is really there, without changing anything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ggi.app.where import where_am_i
from ggi.assurance.trail import add, begin, end, trail_file
from ggi.cli.main import main
from ggi.inventory.outline import outline
from ggi.inventory.stack import StackKind
from ggi.paths import ROOT

INVENTORY = ROOT / "inventories"
WHO = {"user": "anna", "host": "desk"}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own, which is not there yet."""
    for name in ("GGI_INVENTORY", "GGI_TRAIL_HOME", "GGI_SANDBOX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GGI_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def operate(stack: str, action: str, outcome: str | None = "done", sandbox: str | None = "default", **more: Any) -> int:
    """An operation in the trail of a stack; without outcome it never ended. Returns its number."""
    path = trail_file(stack, sandbox)
    begun = begin(path, stack, {"operation": action, "who": WHO, **more})
    if outcome:
        end(path, stack, begun, outcome)
    return int(begun["number"])


def test_a_fresh_clone_is_told_how_to_begin_and_nothing_is_written(state: Path) -> None:
    found = where_am_i(INVENTORY, {}, "default")
    assert (found.last, found.deployed, found.waiting) == (None, {}, [])
    assert list(found.next) == ["ggi plan gm9901", "ggi up gm9901 --sandbox --yes", "ggi list"]
    assert not state.exists()


def test_counts_are_those_of_the_inventory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    seen = outline(INVENTORY)
    for kind in (StackKind.LANDSCAPE, StackKind.CLUSTER, StackKind.NETWORK):
        assert sorted(seen.stacks[kind]) == sorted(row["stack"] for row in listed if row["kind"] == kind)
    # A Microsoft 365 tenant needs no file.
    assert set(seen.stacks[StackKind.M365]) <= {row["stack"] for row in listed if row["kind"] == "m365"}


@pytest.mark.parametrize("text", ["a: [", "- a list\n", "\x00", ""])
def test_a_file_that_is_no_yaml_is_named_and_validate_comes_first(text: str, tmp_path: Path) -> None:
    folder = tmp_path / "inventories"
    (folder / "tenants").mkdir(parents=True)
    (folder / "national.yaml").write_text("{}\n")
    (folder / "tenants" / "gm9901.yaml").write_text(text)
    found = where_am_i(folder, {}, "default")
    assert (found.tenants, list(found.unreadable)) == (1, ["inventories/tenants/gm9901.yaml"])
    assert list(found.next) == ["ggi validate"]


def test_a_folder_that_is_no_inventory_is_said_to_be_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--inventory", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "no national.yaml" in " ".join(told.split())
    assert f"ggi validate --inventory {tmp_path}" in told


def test_what_runs_in_the_sandbox_is_asked_about_next() -> None:
    operate("gm9901-prod", "up")
    operate("gm9902-prod", "up")
    operate("gm9902-prod", "down")
    found = where_am_i(INVENTORY, {"default": True}, "default")
    assert found.deployed == {"default": ("gm9901-prod",)}
    assert found.next[0] == "ggi status gm9901-prod --sandbox"
    stopped = where_am_i(INVENTORY, {"default": False}, "default")
    assert stopped.next[0] == "ggi sandbox start"


@pytest.mark.parametrize(("outcome", "told"), [("failed", "failed"), ("interrupted", "interrupted"), (None, "begun")])
def test_what_went_wrong_last_is_done_again_first(outcome: str | None, told: str) -> None:
    operate("gm9901-prod", "up", outcome)
    found = where_am_i(INVENTORY, {"default": True}, "default")
    assert found.last is not None
    assert (found.last.action, found.last.outcome, found.last.who) == ("up", told, "anna")
    assert found.next[0] == "ggi up gm9901-prod --sandbox"


def test_what_waits_for_another_person_is_told() -> None:
    number = operate("gm9901-prod", "up", sandbox=None, urgent={"reason": "broken log-in", "findings": []})
    asked = add(trail_file("gm9902-prod", None), "gm9902-prod", {"kind": "request", "operation": "down", "who": WHO})
    found = where_am_i(INVENTORY, {}, "default")
    assert {(w.stack, w.what, w.number) for w in found.waiting} == {
        ("gm9901-prod", "urgent", number),
        ("gm9902-prod", "request", asked["number"]),
    }
    assert found.next[0].startswith("ggi approve gm99")


def test_a_damaged_trail_is_told_and_breaks_nothing() -> None:
    operate("gm9901-prod", "up")
    path = trail_file("gm9901-prod", "default")
    path.write_text(path.read_text().replace("anna", "bert") + "no line of ours\n[]\n")
    found = where_am_i(INVENTORY, {"default": True}, "default")
    assert [w.what for w in found.waiting] == ["broken"]
    assert found.next[0] == "ggi dossier gm9901-prod --sandbox"


def test_commands_are_not_about_what_another_inventory_left_in_the_sandbox() -> None:
    operate("gm0344-prod", "up")
    found = where_am_i(INVENTORY, {"default": True}, "default")
    assert found.deployed == {"default": ("gm0344-prod",)}
    assert not [step for step in found.next if "gm0344" in step]


@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_screen_of_80_columns_and_20_lines_is_enough(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(1, 9):
        operate(f"gm990{number}-prod", "up", "failed", urgent={"reason": "broken log-in", "findings": []})
    assert main(["--lang", language]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 20
    assert max(map(len, lines)) <= 80
    assert "ggi --help" in lines[-1]


def test_it_is_told_to_programs_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stacks"]["landscape"] == len(
        outline(INVENTORY).stacks[StackKind.LANDSCAPE]
    )
    assert main(["--json", "list"]) == 2


def test_nothing_is_loaded_that_takes_long() -> None:
    program = "import sys; from ggi.cli.main import main; main([]); print(*sys.modules, sep='\\n', file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    slow = {
        "ggi.catalogue.content",
        "ggi.landscape.build",
        "httpx2",
        "lightkube",
        "pulumi",
        "rich.table",
        "cryptography",
    }
    assert not slow & set(done.stderr.split())
