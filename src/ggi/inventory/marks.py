"""What a field of a file may say of its free names: what they refer to, or why any will do. `names` checks it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class NameKind(StrEnum):
    """What a name can refer to."""

    COMPONENT = "component"
    """A component of the catalogue. Below such a key, PROCESS, CALLER and IMAGE are those of that component."""
    PROCESS = "process"
    """A process of the component."""
    CALLER = "caller"
    """A component that uses the component."""
    IMAGE = "image"
    """An image that a process or Job of the component runs."""
    SERVICE = "service"
    """A joint service."""
    REDIS_DATABASE = "redis database"
    """`<component>-<purpose>`, for a component that uses Redis."""
    GEMEENTE = "gemeente"
    """A gemeente that is or was, by its CBS code."""
    RECIPE = "recipe"
    """A recipe of the Cookbook; `ggi.cookbook.targets` checks it, since the Cookbook builds on this package."""
    PARAMETER = "parameter"
    """A parameter of the Cookbook; checked there too."""
    INPUT = "input"
    """An open input; `ggi.landscape` checks it, since what is switched on decides which there are."""


ELSEWHERE = frozenset({NameKind.RECIPE, NameKind.PARAMETER, NameKind.INPUT})
"""Kinds that are checked where the things themselves are known."""


@dataclass(frozen=True, slots=True)
class Refers:
    """The keys of this mapping, or the items of this list, must be names of this kind."""

    kind: NameKind


@dataclass(frozen=True, slots=True)
class Free:
    """The keys or items are no names of something else; `reason` says what they are.

    `unique` are the fields of which no two items of a list may have the same value.
    """

    reason: str
    unique: tuple[str, ...] = ()
