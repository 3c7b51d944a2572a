"""One sandbox for all tests of policies in the engine and the cluster: with a cluster's stack and a landscape in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ggi.engine.tools import CONTROL_PLANE, PULUMI, status
from tests.engine.deploy.place import Place

CLUSTER = "cluster-midden-accp"


@dataclass(frozen=True)
class Policed:
    """A place with a landscape in acceptatie, and what the first `up` wrote."""

    place: Place
    stack: str
    first: str


@pytest.fixture(scope="session")
def policed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Policed]:
    """A landscape that is up in a sandbox of its own; skipped with the reason when the tools are not built here."""
    absent = [tool.name for tool in (PULUMI, *CONTROL_PLANE) if status(tool).found is None]
    if absent:
        pytest.skip(f"not built on this machine: {', '.join(absent)} (run ./ggi sandbox start)")
    place = Place(tmp_path_factory.mktemp("policed"), sandbox="policed")
    place.prepare()
    stack = place.tenant("GM9971")
    yield Policed(place, stack, place.up(stack).text)
    place.close()
