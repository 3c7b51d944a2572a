"""The newest whole copy of a state that was cut off."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ggi.engine.statefiles import restore
from ggi.engine.target import Target

WHOLE = '{"version": 3, "checkpoint": {}}'
ATTRIBUTES = '{"user.content_type": "text/plain; charset=utf-8"}'


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target("gm9971-accp", True, tmp_path / "pulumi", tmp_path.as_uri(), None, "", "", tmp_path)


@pytest.fixture
def state(target: Target, tmp_path: Path) -> Path:
    path = tmp_path / ".pulumi" / "stacks" / "ggi" / "gm9971-accp.json"
    path.parent.mkdir(parents=True)
    path.write_text(WHOLE)
    path.with_suffix(".json.attrs").write_text(ATTRIBUTES)
    return path


def test_a_whole_state_stays_as_it_is(target: Target, state: Path) -> None:
    assert restore(target) == ""
    assert (state.read_text(), state.with_suffix(".json.attrs").read_text()) == (WHOLE, ATTRIBUTES)


def test_a_whole_state_whose_attributes_were_cut_off_goes_on_without_them(target: Target, state: Path) -> None:
    state.with_suffix(".json.attrs").write_text("")
    assert restore(target) == "gm9971-accp.json"
    assert state.read_text() == WHOLE and not state.with_suffix(".json.attrs").exists()


def test_the_newest_whole_copy_takes_the_place_of_a_state_that_was_cut_off(target: Target, state: Path) -> None:
    backups = state.parents[2] / "backups" / "ggi" / "gm9971-accp"
    backups.mkdir(parents=True)
    for age, (name, text) in enumerate({"new.json": WHOLE[:9], "old.json": WHOLE}.items()):
        (backups / name).write_text(text)
        os.utime(backups / name, (1000 - age, 1000 - age))
    state.write_text(WHOLE[:9])
    assert restore(target) == "old.json"
    assert state.read_text() == WHOLE
    assert state.with_suffix(".json.broken").read_text() == WHOLE[:9]


def test_without_any_copy_the_state_starts_empty(target: Target, state: Path) -> None:
    state.write_text("")
    assert restore(target) == "an empty one"
    assert not state.exists()
