"""Fixtures of the tests of the Cookbook."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.m365.place import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A fresh tenant."""
    return World(tmp_path)


@pytest.fixture(autouse=True)
def no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test outlives its files, so none waits until they are on the disk."""
    monkeypatch.setattr("os.fsync", lambda _: None)
