"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from ggi import messages

# On a machine with other work an example may take seconds; how long one takes says nothing about what is tested.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Every test begins in English; what a test or a command chose is forgotten with it."""
    messages.set_language("en")
    yield
    messages.set_language("en")
