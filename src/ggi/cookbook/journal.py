"""What the Cookbook remembers of a tenant: what was there before it came, what it last saw, and a run that stopped.

One JSON file per tenant, written whole and moved into place, so that a killed process leaves the old or the new one.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ggi.cookbook.plan import PlannedWrite
from ggi.cookbook.reading import Reading, ReadResult, Ref
from ggi.errors import InputError, Origin, Problem
from ggi.files import write_atomically
from ggi.messages import t
from ggi.paths import state_dir

FORMAT = 1


def journal_path(stack: str, *, sandbox: str = "") -> Path:
    """Where the memory of one tenant is kept; that of a stand-in apart."""
    return state_dir() / "m365" / (f"sandbox-{sandbox}" if sandbox else "real") / stack / "journal.json"


def now() -> str:
    """The time as ISO 8601, in seconds."""
    return dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds")


@dataclass
class Journal:
    """The memory of one tenant. Objects by `str` of their Ref."""

    path: Path
    adopted: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By object: `created` (it was not there before), and `before`: what each property was."""
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By object: what was last seen, to notice what others change."""
    known_at: str = ""
    run: dict[str, Any] = field(default_factory=dict)
    """The run that is under way: objects that it would write, and those that are done."""

    @classmethod
    def load(cls, path: Path) -> Journal:
        """The journal, empty when there is none. Raises InputError when it can't be read."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(path)
        except ValueError:
            data = {}
        if data.get("format") != FORMAT:
            message = t("this journal can't be read")
            raise InputError(
                Problem(message, t("Restore it from a copy; it holds the values to go back to."), Origin(str(path), 0))
            )
        return cls(path, data["adopted"], data["known"], data["known_at"], data["run"])

    def save(self) -> None:
        """Write it."""
        data = {
            "format": FORMAT,
            "adopted": self.adopted,
            "known": self.known,
            "known_at": self.known_at,
            "run": self.run,
        }
        write_atomically(self.path, json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n")

    def begin(self, changes: Iterable[PlannedWrite]) -> None:
        """Note what will be written, and what was there before, before anything is."""
        listed = list(changes)
        for change in listed:
            entry = self.adopted.setdefault(str(change.ref), {"created": change.creates, "before": {}, "at": now()})
            for path in change.after:
                # The first value is the one to go back to; later ones are ours.
                entry["before"].setdefault(path, change.before.get(path))
        self.run = {"started": now(), "asked": [str(c.ref) for c in listed], "done": []}
        self.save()

    def wrote(self, change: PlannedWrite, reading: Reading) -> None:
        """Note that a change was written and seen."""
        self.run.setdefault("done", []).append(str(change.ref))
        self.remember({change.ref: reading})

    def end(self) -> None:
        """Note that the run is complete."""
        self.run = {}
        self.save()

    def remember(self, seen: Mapping[Ref, ReadResult]) -> None:
        """Note what was seen; what could not be read keeps what was known of it."""
        for ref, found in seen.items():
            if isinstance(found, Reading) and found.values is not None:
                self.known[str(ref)] = {**self.known.get(str(ref), {}), **found.values}
            elif isinstance(found, Reading):
                self.known[str(ref)] = {}
        self.known_at = now()
        self.save()

    def release(self, ref: Ref, paths: Iterable[str]) -> dict[str, Any]:
        """Forget properties of an object; returns what they were before the Cookbook wrote them."""
        entry = self.adopted.get(str(ref), {"before": {}})
        found = {path: entry["before"].pop(path) for path in list(paths) if path in entry["before"]}
        if not entry["before"]:
            self.adopted.pop(str(ref), None)
        return found
