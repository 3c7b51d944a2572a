"""Sandboxes of the deploy tests' own, with all state in a temporary folder, so that nothing of the user is touched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ggi.engine.tools import CONTROL_PLANE, PULUMI, status
from tests.engine.deploy.place import Place


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A running sandbox and an empty inventory; skipped with the reason when the tools are not built here."""
    absent = [tool.name for tool in (PULUMI, *CONTROL_PLANE) if status(tool).found is None]
    if absent:
        pytest.skip(f"not built on this machine: {', '.join(absent)} (run ./ggi sandbox start)")
    found = Place(tmp_path_factory.mktemp("a place"))  # a space, because users have them
    found.prepare()
    found.ggi("sandbox", "start", timeout=900)
    yield found
    found.close()
