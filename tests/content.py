"""The content, read once for all tests that run commands: reading it again each time would take most of their time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from ggi.audit import content as controls
from ggi.catalogue import content as catalogue

_catalogue = cache(catalogue.load_catalogue)
_controls = cache(controls.load_controls)


@pytest.fixture
def content_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every command of a test use content that was read before."""

    def load_catalogue(further: tuple[Path, ...] = ()) -> catalogue.Catalogue:
        return _catalogue(further)

    def load_controls(roots: Sequence[Path]) -> controls.Controls:
        return _controls(tuple(roots))

    monkeypatch.setattr(catalogue, "load_catalogue", load_catalogue)
    monkeypatch.setattr(controls, "load_controls", load_controls)
