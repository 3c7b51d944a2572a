"""The engine's own history of updates, held against a trail: it is written elsewhere, by another program.

Each update that `ggi up` does has the hash of its first line in the trail as message. So what the trail has lost shows,
and so does what was done with plain `pulumi`.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

from ggi.assurance.trail import FORMAT, Trail
from ggi.engine.statefiles import folder
from ggi.engine.target import PROJECT

CHANGING = frozenset({"update", "destroy", "import"})
"""Kinds of updates that change something; a refresh and a preview do not."""


@dataclass(frozen=True, slots=True)
class Update:
    """One update of the engine."""

    kind: str
    at: dt.datetime
    message: str

    @property
    def line(self) -> str:
        """The hash of the line of the trail that it belongs to; empty when it names none."""
        words = self.message.split()
        return words[2] if len(words) == 3 and words[0] == FORMAT else ""


def updates(backend: str, stack: str) -> list[Update] | None:
    """The engine's updates of a stack, the oldest first; None when its history is not in a folder of this machine."""
    place = folder(backend)
    if place is None:
        return None
    found = []
    for path in (place / ".pulumi" / "history" / PROJECT / stack).glob("*.history.json"):
        try:
            item = json.loads(path.read_bytes())
            at = dt.datetime.fromtimestamp(int(item.get("startTime", 0)), tz=dt.UTC)
            found.append(Update(str(item.get("kind", "")), at, str(item.get("message", ""))))
        except (OSError, ValueError, AttributeError):
            continue
    return sorted((item for item in found if item.kind in CHANGING), key=lambda item: item.at)


def updates_missing_in_trail(trail: Trail, history: list[Update]) -> list[Update]:
    """Updates whose line is not in the trail: somebody took it out, or cut it off."""
    known = {record["hash"] for record in trail.records}
    return [item for item in history if item.line and item.line not in known]


def updates_without_trail(history: list[Update]) -> list[Update]:
    """Updates that were done without `ggi up`, so that no trail has them."""
    return [item for item in history if not item.line]
