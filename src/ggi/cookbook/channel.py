"""What every channel does: read objects, and write changes one after the other, telling what came of each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ggi.cookbook.plan import PlannedWrite
from ggi.cookbook.reading import ReadResult, Ref


@dataclass(frozen=True)
class Failed:
    """Why a write did not come about."""

    why: str


@dataclass(frozen=True)
class Written:
    """What came of one change. `seen` is the object as it was read afterwards."""

    change: PlannedWrite
    failed: Failed | None
    seen: ReadResult | None = None


class Channel(Protocol):
    """A way to one kind of products."""

    async def read(self, refs: Sequence[Ref]) -> dict[Ref, ReadResult]:
        """Every object that `refs` name, or the reason why it can't be read."""

    def write(self, changes: Sequence[PlannedWrite]) -> AsyncIterator[Written]:
        """Write in order; after the first that fails nothing more is written."""
