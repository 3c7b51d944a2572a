"""Who manages which fields of an object (`metadata.managedFields`), and how that changes hands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.plugins.kubernetes.diff import parse_path
from sandbox.plugins.kubernetes.normalise import prune
from sandbox.plugins.kubernetes.objects import Object, at

CREATOR = "pulumi-kubernetes"
"""The field manager of a creation, whoever applies later (the official plugin since 4.29)."""

PREDECESSORS = frozenset(
    {
        ("before-first-apply", "Update"),
        ("kubectl", "Apply"),
        ("kubectl", "Update"),
        (CREATOR, "Update"),
        ("pulumi-kubernetes.exe", "Update"),
        ("pulumi-resource-kubernetes", "Update"),
    }
)
"""Managers whose fields an update takes over first, so that what the program no longer has is removed."""


def who(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Return (manager, operation) of one entry."""
    return str(entry.get("manager")), str(entry.get("operation"))


def _union(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    joined = dict(left)
    for key, value in right.items():
        joined[key] = _union(joined[key], value) if isinstance(joined.get(key), Mapping) else value
    return joined


def merged_managers(fields: list[dict[str, Any]], manager: str) -> list[dict[str, Any]]:
    """Return `managedFields` in which `manager` has, as what it applied, also all that its predecessors have."""
    owned: dict[str, Any] = {}
    version = ""
    others = []
    for entry in fields:
        if not entry.get("subresource") and (who(entry) in PREDECESSORS or who(entry) == (manager, "Apply")):
            owned = _union(owned, entry.get("fieldsV1") or {})
            version = version or str(entry.get("apiVersion"))
        else:
            others.append(entry)
    mine = {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": version,
        "fieldsType": "FieldsV1",
        "fieldsV1": owned,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return [*others, mine]


def with_ignored(manifest: Object, live: Object, manager: str, ignored: list[str]) -> Object:
    """Return `manifest` for applying when some paths are ignored.

    What only others manage is left out; else the live value is repeated, because leaving it out would unset it.
    """
    if not ignored:
        return manifest
    fields = at(live, "metadata", "managedFields") or []
    wanted: Object = prune(manifest, manifest)
    for path in (parse_path(text) for text in ignored):
        steps = [step for step in path if isinstance(step, str)]
        if len(steps) != len(path):
            continue  # items of lists: the live value would need the list's key
        mine = any(_manages(entry, steps) for entry in fields if entry.get("manager") == manager)
        theirs = any(_manages(entry, steps) for entry in fields if entry.get("manager") != manager)
        holder = at(wanted, *steps[:-1])
        if not isinstance(holder, dict):
            continue
        value = at(live, *steps)
        if theirs and not mine:
            holder.pop(steps[-1], None)
        elif value is not None:
            holder[steps[-1]] = value
    return wanted


def _manages(entry: Mapping[str, Any], steps: list[str]) -> bool:
    return at(dict(entry), "fieldsV1", *(f"f:{step}" for step in steps)) is not None
