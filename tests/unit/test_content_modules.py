"""Loading Python of content roots: one way for components, blocks and checks, with the place of what is wrong."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from ggi.catalogue.content import load_catalogue
from ggi.catalogue.modules import load_module, package
from ggi.controls.load import load_check
from ggi.errors import InputError, Problem
from ggi.hosts.controls import FOLDER, load_host_controls
from ggi.paths import ROOT

CONTROL = (ROOT / "policies" / "hosts" / "HST-001" / "control.yaml").read_text(encoding="utf-8")


def _written(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        ("x = 1\nx.y\n", "AttributeError", 2),
        ("x = 1\n\ndef (\n", "SyntaxError", 3),
        ("import nowhere\n", "ModuleNotFoundError", 1),
        ("raise SystemExit(3)\n", "SystemExit: 3", 1),
    ],
)
def test_what_a_module_raises_is_a_problem_with_file_and_line(tmp_path: Path, text: str, why: str, line: int) -> None:
    _written(tmp_path, broken=text)
    with pytest.raises(InputError) as caught:
        load_module(tmp_path / "broken.py", package(tmp_path, "stacks"), "stacks/broken.py")
    [problem] = caught.value.problems
    assert why in problem.message and problem.fix
    assert problem.origin and (problem.origin.file, problem.origin.line) == ("stacks/broken.py", line)


def test_an_error_in_a_neighbour_is_told_where_it_is(tmp_path: Path) -> None:
    folder = _written(tmp_path / "stacks" / "components", _part="\n\n1 / 0\n", whole="from . import _part\n")
    with pytest.raises(InputError) as caught:
        load_module(folder / "whole.py", package(tmp_path, "stacks", "components"))
    origin = caught.value.problems[0].origin
    assert origin and (origin.file, origin.line) == (str(folder / "_part.py"), 3)


def test_a_check_over_hosts_that_is_broken_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    folder = _written(tmp_path / FOLDER / "HST-001", check="\nwrong\n")
    (folder / "control.yaml").write_text(CONTROL, encoding="utf-8")
    with pytest.raises(InputError, match=r"policies/hosts/HST-001/check\.py:2: .*NameError"):
        load_host_controls([tmp_path])


def test_a_check_without_its_function_is_a_problem(tmp_path: Path) -> None:
    problems: list[Problem] = []
    folder = _written(tmp_path / "policies" / "controls" / "NEW-001", check="def judge(): ...\n")
    assert load_check(folder, tmp_path, problems) is None
    assert [p.origin and p.origin.file for p in problems] == ["policies/controls/NEW-001/check.py"]


def test_roots_do_not_take_each_other_s_modules(tmp_path: Path) -> None:
    found = []
    for root in ("one", "two"):
        folder = _written(
            tmp_path / root / "stacks" / "components", _part=f"NAME = {root!r}\n", whole="from ._part import NAME\n"
        )
        found.append(load_module(folder / "whole.py", package(tmp_path / root, "stacks", "components")).NAME)
    assert found == ["one", "two"]


def test_a_building_block_of_the_checkout_is_one_module_and_keeps_its_name(tmp_path: Path) -> None:
    _written(tmp_path / "stacks" / "components", _maykin="THEIRS = True\n", _own="THEIRS = True\n")
    own = load_catalogue((tmp_path,)).components["openzaak"].settings
    maykin = importlib.import_module("ggi_content.blocks.maykin")
    assert issubclass(own, maykin.Settings)
    assert not hasattr(maykin, "THEIRS")
    assert importlib.import_module("ggi_content.blocks.own").THEIRS
    load_catalogue()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("ggi_content.blocks.own")
