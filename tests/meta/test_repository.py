"""The repository itself: what must hold for every file."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from ggi.cli.commands.machine import TIERS
from ggi.paths import ROOT

TEXT = {".py", ".sh", ".md", ".yaml", ".yml", ".toml", ".txt", ".cfg", ".json", ".svg", ".csv", ".po", ""}


def tracked() -> list[Path]:
    """Every file that git tracks."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def text_files() -> list[tuple[str, str]]:
    """(name, text) of every tracked text file."""
    return [
        (str(path.relative_to(ROOT)), path.read_text(encoding="utf-8", errors="replace"))
        for path in tracked()
        if path.suffix in TEXT
    ]


def test_no_registry_host_and_no_path_of_a_machine_is_in_the_tree() -> None:
    # Put together here, so that this file does not hold what it looks for.
    words = ["pypi" + ".org", "files.python" + "hosted", "proxy." + "golang", "sum." + "golang", "registry." + "npmjs"]
    words += [
        "repo1." + "maven",
        "repo.maven." + "apache",
        "/" + "root/",
        "/ho" + "me/",
        "/wo" + "rk/",
        "deb." + "debian",
    ]
    found = [f"{name}: {word}" for name, text in text_files() for word in words if word in text]
    assert not found


def test_every_file_that_looks_like_a_test_is_collected() -> None:
    tests = ROOT / "tests"
    for path in tracked():
        if path.suffix == ".py" and re.search(r"^\s*(async )?def test_", path.read_text(encoding="utf-8"), re.M):
            assert path.name.startswith("test_"), f"{path}: pytest does not collect this file"
            assert path.is_relative_to(tests), f"{path}: tests live below tests/"
            assert path.relative_to(tests).parts[0] in TIERS, f"{path}: this folder is no tier of `ggi test`"


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "misc", "common", "base"}
    assert not [path for path in tracked() if path.stem.strip("_") in empty]


def test_every_yaml_file_for_people_names_its_schema() -> None:
    missing = [
        str(path.relative_to(ROOT))
        for folder in ("inventories", "stacks")
        for path in (ROOT / folder).rglob("*.yaml")
        if "stacks" not in path.relative_to(ROOT / folder).parts[:-1]
        and not path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=")
    ]
    assert not missing


def test_lock_files_pin_every_package_with_hashes() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        pinned = re.findall(r"^[a-z0-9][^\n=]*==", text, re.M)
        assert len(pinned) > 20
        assert len(re.findall(r"^[a-z0-9][^\n]*== *[^\n]*\\\n    --hash=sha256:", text, re.M)) == len(pinned)
        assert "://" not in text


def test_the_checks_run_in_ci_are_those_of_pre_commit() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for tool in ("ruff check", "ruff format", "mypy src sandbox stacks", "yamllint -s"):
        assert tool in ci
        assert tool in (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")


def test_tests_of_one_server_stay_on_one_worker(request: pytest.FixtureRequest) -> None:
    """Else each worker starts every server, and takes twice the time; xdist marks a group in the test's id."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("not run with --dist loadgroup")
    assert request.node.nodeid.endswith("@meta/test_repository")
