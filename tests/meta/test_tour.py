"""docs/tour.md is true: every name is where it says, and no walk goes back to a room that it left."""

from __future__ import annotations

import ast
import re
from itertools import groupby
from pathlib import Path

import pytest

from ggi.paths import ROOT
from tests.meta.test_structure import ORDER

TOUR = ROOT / "docs" / "tour.md"
STEP = re.compile(r"^\| `([^`]+\.(?:py|yaml))`(?: `(\w+)`)? \|", re.M)


def walks(text: str) -> dict[str, list[tuple[str, str]]]:
    """By its heading: the files of a walk in order, each with the name that is meant in it."""
    parts = re.split(r"^## ", text, flags=re.M)[1:]
    found = {part.splitlines()[0]: STEP.findall(part) for part in parts}
    return {heading: steps for heading, steps in found.items() if steps}


def room(file: str) -> str:
    """The room that a file is in: of the library its package, else the folder at the top."""
    parts = Path(file).parts
    return "/".join(parts[:3]) if parts[0] == "src" else parts[0]


def returns(steps: list[tuple[str, str]]) -> list[str]:
    """Rooms that a walk enters again after it left them."""
    visited = [name for name, _ in groupby(room(file) for file, _ in steps)]
    return sorted({name for name in visited if visited.count(name) > 1})


def test_there_are_three_walks_and_each_fits_on_a_screen() -> None:
    found = walks(TOUR.read_text(encoding="utf-8"))
    assert len(found) == 3
    assert all(8 <= len(steps) <= 14 for steps in found.values())


def test_every_name_is_where_the_tour_says() -> None:
    for steps in walks(TOUR.read_text(encoding="utf-8")).values():
        for file, name in steps:
            text = (ROOT / file).read_text(encoding="utf-8")
            if name:
                tree = ast.parse(text)
                defined = {n.name for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)}
                defined |= {
                    t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)
                }
                assert name in defined, f"{file} has no {name}"


def test_no_walk_goes_back_to_a_room_that_it_left() -> None:
    assert {
        heading: back for heading, steps in walks(TOUR.read_text(encoding="utf-8")).items() if (back := returns(steps))
    } == {}


@pytest.mark.parametrize("planted", ["src/ggi/inventory/tree.py"])
def test_a_walk_that_goes_back_is_noticed(planted: str) -> None:
    first = next(iter(walks(TOUR.read_text(encoding="utf-8")).values()))
    assert returns([*first, (planted, "")]) == ["src/ggi/inventory"]


def test_the_rooms_stand_in_the_order_of_the_layers() -> None:
    text = TOUR.read_text(encoding="utf-8").rpartition("## The rooms")[2]
    named = re.findall(r"`(\w+)/`", text.partition("|---|---|")[2])
    assert named == [name for name in ORDER if (ROOT / "src" / "ggi" / name).is_dir()]
