"""Bad input: every case of tests/corpus gives one clear message, the right exit code, and nothing is written."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from ggi.cli.main import main
from ggi.paths import ROOT

CORPUS = ROOT / "tests" / "corpus"
CASES = sorted(path.parent.name for path in CORPUS.glob("*/case.yaml"))


@pytest.fixture(autouse=True)
def surroundings(content_once: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GGI_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("GGI_CACHE_HOME", str(tmp_path / "cache"))


def inventory_of(case: str, folder: Path) -> dict[str, Any]:
    """Lay the case over the base in `folder`; returns what is expected."""
    shutil.copytree(CORPUS / "base", folder)
    shutil.copytree(ROOT / "inventories" / "registry", folder / "registry")
    shutil.copytree(CORPUS / case, folder, dirs_exist_ok=True)
    expected: dict[str, Any] = yaml.safe_load((folder / "case.yaml").read_text(encoding="utf-8"))
    (folder / "case.yaml").unlink()
    if (folder / "policies").is_dir():
        # They lie beside the inventory, in a content root.
        (folder / "policies").rename(folder.parent / "policies")
        (folder.parent / "stacks").mkdir()
    make = expected.get("make", {})
    for name in make.get("remove", []):
        (folder / name).unlink()
    if "path" in make:
        path = folder / make["path"]
        path.unlink(missing_ok=True)
        if "bytes" in make:
            path.write_bytes(b"# " + b"x" * (make["bytes"] - 2))
        elif "folder" in make:
            path.mkdir()
        else:
            path.symlink_to(make["link"])
    return expected


def snapshot(folder: Path) -> dict[str, object]:
    """Every path below `folder` with what it holds."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else path.is_symlink()
        for path in sorted(folder.rglob("*"))
    }


def test_there_are_cases() -> None:
    assert len(CASES) > 50


def test_the_base_of_the_cases_is_itself_without_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(CORPUS / "base", tmp_path / "inventories")
    shutil.copytree(ROOT / "inventories" / "registry", tmp_path / "inventories" / "registry")
    assert main(["--inventory", str(tmp_path / "inventories"), "validate", "--date", "2026-11-01"]) == 0
    assert "0 errors, 0 warnings" in capsys.readouterr().out


@pytest.mark.parametrize("case", CASES)
def test_a_fault_is_told_in_one_clear_message_and_nothing_is_written(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "inventories"
    expected = inventory_of(case, folder)
    before = snapshot(tmp_path)
    content_root = ["--content", str(tmp_path)] if (tmp_path / "policies").is_dir() else []
    code = main(["--inventory", str(folder), *content_root, *str(expected["run"]).split()])
    told = capsys.readouterr().err
    assert code == expected["exit"], told
    for text in expected["says"]:
        assert text in told, told
    wanted = expected.get("problems", 1)
    found = sum("error: " in line for line in told.splitlines())
    assert found == wanted or (wanted == 0 and found > 0), told
    assert "Traceback" not in told
    assert str(tmp_path) not in told or "is not an inventory" in told
    assert snapshot(tmp_path) == before


def test_dos_line_ends_and_a_byte_order_mark_are_no_fault(tmp_path: Path) -> None:
    folder = tmp_path / "inventories"
    shutil.copytree(CORPUS / "base", folder)
    shutil.copytree(ROOT / "inventories" / "registry", folder / "registry")
    path = folder / "tenants" / "gm9901.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert main(["--inventory", str(folder), "validate"]) == 0


def test_a_file_that_can_not_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "inventories"
    inventory_of("unknown-key", folder)
    real = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "gm9901.yaml":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert main(["--inventory", str(folder), "validate"]) == 2
    told = capsys.readouterr().err
    assert "tenants/gm9901.yaml: " in told
    assert "Permission denied" in told


@pytest.mark.parametrize("command", ["m365 plan gm9901", "hosts plan gm9901", "plan Rijnstad", "plan gm9901"])
def test_what_is_wrong_in_a_file_is_told_before_what_follows_from_it(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "inventories"
    inventory_of("unknown-key", folder)
    assert main(["--inventory", str(folder), *command.split()]) == 2
    first = capsys.readouterr().err.splitlines()[0]
    assert "tenants/gm9901.yaml:" in first
    assert "unknown key" in first
