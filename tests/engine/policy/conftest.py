"""A landscape in acceptatie for all tests of policies in the engine and the cluster."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.engine.deploy.place import Place

CLUSTER = "cluster-midden-accp"


@dataclass(frozen=True)
class Policed:
    """A place with a landscape in acceptatie."""

    place: Place
    stack: str


@pytest.fixture(scope="session")
def policed(place: Place, stack: str) -> Policed:
    """A landscape that is up."""
    return Policed(place, stack)
