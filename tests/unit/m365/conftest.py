"""Fixtures of the tests of the Cookbook."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.m365.place import World

MEMORY = Path("/dev/shm")  # noqa: S108  (a folder of its own is made in it)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A fresh tenant. Its journal is in memory where there is such a folder: a rename on a disk takes milliseconds."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path) as folder:
        yield World(Path(folder))


@pytest.fixture(autouse=True)
def no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test outlives its files, so none waits until they are on the disk."""
    monkeypatch.setattr("os.fsync", lambda _: None)
