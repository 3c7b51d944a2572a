"""The shipped content and examples, read once for all tests of a process."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from ggi.catalogue import content as reading
from ggi.controls import load as judging
from ggi.inventory.load import Inventory
from ggi.landscape.build import Landscape, landscape
from ggi.paths import ROOT

_catalogue = cache(reading.load_catalogue)
_controls = cache(judging.load_controls)


def catalogue() -> reading.Catalogue:
    """The shipped components and releases."""
    return _catalogue(())


def controls() -> judging.Controls:
    """The shipped controls."""
    return _controls((ROOT,))


@cache
def inventory() -> Inventory:
    """The shipped examples."""
    return Inventory(ROOT / "inventories", catalogue().known)


@cache
def landscapes() -> list[Landscape]:
    """Every environment of the shipped examples."""
    return [landscape(environment, catalogue()) for environment in inventory().environments()]


def standard() -> Landscape:
    """The landscape of the larger example."""
    return next(built for built in landscapes() if built.stack == "gm9901-prod")


def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every command of a test use content that was read before; reading it takes most of a command's time."""

    def load_catalogue(further: tuple[Path, ...] = ()) -> reading.Catalogue:
        return _catalogue(further)

    def load_controls(roots: Sequence[Path]) -> judging.Controls:
        return _controls(tuple(roots))

    monkeypatch.setattr(reading, "load_catalogue", load_catalogue)
    monkeypatch.setattr(judging, "load_controls", load_controls)
