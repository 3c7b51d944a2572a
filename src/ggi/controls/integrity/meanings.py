"""What something opens that is there and was not planned, as `policies/integrity/meanings.yaml` says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

from pydantic import Field

from ggi.controls.integrity.added import ITEM, positions, spelled
from ggi.controls.integrity.compare import MISSING, Departure, pattern
from ggi.controls.integrity.files import load
from ggi.inventory.models import Model
from ggi.inventory.types import Line


class Meaning(StrEnum):
    """What it opens. Each has one control (INT-001 and on), which says how bad that is. Example: `Meaning.RIGHT`."""

    WAY = "way"
    """A way for traffic that is not drawn: from outside, or between pods."""
    RIGHT = "right"
    """Something may do more than its role."""
    COPY = "copy"
    """Somebody else sees traffic or measurements."""
    CODE = "code"
    """Another program runs, or a program runs otherwise."""
    AROUND = "around"
    """A protection does not hold."""
    IDENTITY = "identity"
    """A certificate in our name."""
    DATA = "data"
    """A copy of data, or another way to it."""
    SETTINGS = "settings"
    """A program reads other settings or secrets."""
    AVAILABILITY = "availability"
    """Service may stop, or take what others need."""
    OTHER = "other"
    """Nothing that is known."""


Opens = Annotated[Meaning, Field(strict=False)]


class StrangerEntry(Model):
    """What objects of these kinds open that are not ours."""

    group: str = ""
    kinds: Annotated[list[Line], Field(min_length=1)]
    opens: Opens


class ChangeEntry(Model):
    """What a difference at this path opens."""

    kinds: Annotated[list[Line], Field(min_length=1)]
    path: str
    opens: Opens


class MeaningsFile(Model):
    """policies/integrity/meanings.yaml."""

    strangers: list[StrangerEntry]
    otherwise: Opens
    """Of a kind that is not listed."""
    changes: list[ChangeEntry]


@dataclass(frozen=True)
class Meanings:
    """The file, for look-ups."""

    file: MeaningsFile
    changes: Mapping[str, Sequence[tuple[tuple[str, ...], Meaning]]]

    def of_stranger(self, api_version: str, kind: str) -> Meaning:
        """What an object opens that is not ours."""
        group = api_version.rpartition("/")[0]
        for entry in self.file.strangers:
            if entry.group == group and (kind in entry.kinds or ITEM in entry.kinds):
                return entry.opens
        return self.file.otherwise

    def of_unread(self, kind: str) -> Meaning:
        """What an object could open of a kind that nobody could read."""
        name, _, group = kind.partition(".")
        return self.of_stranger(f"{group}/", name) if group else self.of_stranger("", name)

    def of_change(self, kind: str, change: Departure) -> Meaning:
        """What a difference opens."""
        steps = tuple(pattern(change.path).split("."))
        for path, meaning in self.changes.get(kind, ()):
            if steps[: len(path)] == path or (path[: len(steps)] == steps and _holds(change, path[len(steps) :])):
                return meaning
        return Meaning.OTHER


def _holds(change: Departure, path: tuple[str, ...]) -> bool:
    """Whether what is there instead has something at a path below."""
    items = change.more or (() if change.live is MISSING else (change.live,))
    below = path[1:] if change.more and path[0] == ITEM else path
    return any(_reaches(item, below) for item in items)


def _reaches(value: Any, path: tuple[str, ...]) -> bool:
    if not path:
        return True
    if path[0] == ITEM:
        return isinstance(value, list) and any(_reaches(item, path[1:]) for item in value)
    return isinstance(value, Mapping) and path[0] in value and _reaches(value[path[0]], path[1:])


@cache
def load_meanings() -> Meanings:
    """Those of the checkout. Raises InputError."""
    file = load("meanings", MeaningsFile)
    changes: dict[str, list[tuple[tuple[str, ...], Meaning]]] = {}
    known = {name for entry in file.changes for kind in entry.kinds if kind != ITEM for name, _ in positions(kind)}
    for entry in file.changes:
        for kind in entry.kinds:
            for name, start in positions(kind):
                for path in spelled((start + entry.path).removesuffix(".")):
                    found = (tuple(path.split(".")) if path else (), entry.opens)
                    for one in sorted(known | {ITEM}) if name == ITEM else (name,):
                        changes.setdefault(one, []).append(found)
    return Meanings(file, changes)
