"""What was read of a tenant: objects with their values, or the reason why they can't be read. Nothing is defaulted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ggi.messages import mark, t

EVERY = "*"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One object: `product/resource`, and its name where there are several."""

    resource: str
    item: str = ""

    def __str__(self) -> str:
        return f"{self.resource}/{self.item}" if self.item else self.resource

    @classmethod
    def parse(cls, text: str) -> Ref:
        """The object that `str` of a Ref names."""
        product, resource, *item = text.split("/", 2)
        return cls(f"{product}/{resource}", item[0] if item else "")


class Reason(StrEnum):
    """Why something could not be read."""

    PERMISSION = "permission"
    LICENCE = "licence"
    DELEGATED = "delegated"
    UNDECIDED = "undecided"
    NEWER = "newer"
    ABSENT = "absent"
    CHANNEL = "channel"
    AMBIGUOUS = "ambiguous"
    FAILED = "failed"


_WORDS = {
    Reason.PERMISSION: mark("a permission is missing"),
    Reason.LICENCE: mark("the tenant has no licence for it"),
    Reason.DELEGATED: mark("only an administrator who signs in may read it"),
    Reason.UNDECIDED: mark("a parameter is not decided yet"),
    Reason.NEWER: mark("this release of the toolkit does not know the value"),
    Reason.ABSENT: mark("the answer does not hold it"),
    Reason.CHANNEL: mark("nothing here can read it"),
    Reason.AMBIGUOUS: mark("more than one object has this name"),
    Reason.FAILED: mark("the service did not answer"),
}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why an object or a property could not be read. `detail` is what the service said, without secrets."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        words = t(_WORDS[self.reason])
        return f"{words}: {self.detail}" if self.detail else words


@dataclass(frozen=True, slots=True)
class Reading:
    """One object as it was read. `values` by property path; None when it does not exist.

    `raw` is the object as the service gave it, for a write that needs the whole; `id` and `etag` are the service's.
    """

    ref: Ref
    values: Mapping[str, Any] | None
    raw: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    etag: str = ""

    @property
    def exists(self) -> bool:
        """Whether there is such an object."""
        return self.values is not None


ReadResult = Reading | Unreadable
