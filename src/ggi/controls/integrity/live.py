"""What a cluster holds for a namespace, as it was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Body = Mapping[str, Any]
Who = tuple[str, str]
"""Kind and name of an object in the namespace."""


def group(api_version: Any) -> str:
    """The API group of an apiVersion; empty for the core group."""
    return str(api_version or "").rpartition("/")[0]


def full_kind(api_version: str, kind: str) -> str:
    """A kind with its group, as kubectl writes it: `Deployment.apps`; of the core group alone."""
    return f"{kind}.{group(api_version)}" if group(api_version) else kind


def who(body: Body) -> Who:
    """Its kind and name."""
    return str(body.get("kind", "")), str(body["metadata"]["name"])


def controller(body: Body) -> Mapping[str, Any] | None:
    """The owner that keeps it."""
    return next((o for o in body["metadata"].get("ownerReferences") or () if o.get("controller")), None)


def last_hand(body: Body) -> str:
    """Who wrote last what people write, by what the API server noted: `kubectl-edit, 2026-11-30T09:12:00Z`; or ""."""
    entries = [
        entry
        for entry in body["metadata"].get("managedFields") or ()
        if not entry.get("subresource") and not str(entry.get("manager", "")).startswith(("pulumi", "ggi"))
    ]
    if not entries:
        return ""
    last = max(entries, key=lambda entry: str(entry.get("time", "")))
    return ", ".join(str(last[key]) for key in ("manager", "time") if last.get(key))


@dataclass(frozen=True)
class LiveNamespace:
    """Everything in a namespace, and what is in the cluster that can reach into it. Of Secrets never a value."""

    objects: Sequence[Body]
    """Of every kind that the API server lists there, and the Namespace itself."""
    cluster: Sequence[Body] = ()
    """Outside of it: rights, admission, and what answers for a name of the landscape."""
    unread: frozenset[str] = frozenset()
    """Kinds that this login may not list, or that nobody answered for, with their groups: `Deployment.apps`."""
    protections: Mapping[str, Body] = field(default_factory=dict)
    """What the stack of the cluster should hold, by logical name: the namespace relies on it."""

    @cached_property
    def by_uid(self) -> Mapping[str, Body]:
        """The objects by uid."""
        return {str(body["metadata"].get("uid", "")): body for body in self.objects}

    def owners(self, body: Body) -> Iterator[Body]:
        """Its controller, that one's, and so on; ends where a reference leads to nothing, or to another kind."""
        seen: set[str] = set()
        while reference := controller(body):
            found = self.by_uid.get(str(reference.get("uid", "")))
            if (
                found is None
                or str(reference["uid"]) in seen
                or who(found) != (reference.get("kind"), reference.get("name"))
                or group(found.get("apiVersion")) != group(reference.get("apiVersion"))
            ):
                return
            seen.add(str(reference["uid"]))
            yield found
            body = found
