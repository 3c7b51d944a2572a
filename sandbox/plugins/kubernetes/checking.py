"""What the program wrote, made complete: apiVersion, kind, name and namespace."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from ggi.errors import Problem, WorkError
from sandbox.plugins.kubernetes import objects
from sandbox.plugins.kubernetes.normalise import normalised
from sandbox.plugins.kubernetes.objects import Object, at, name_of
from sandbox.plugins.kubernetes.state import manifest, marked, properties
from sandbox.plugins.kubernetes.wire import Unknown

Properties = dict[str, Any]


def checked(
    urn: str,
    old: Properties,
    new: Properties,
    *,
    seed: bytes,
    proposed: str | None,
    default_namespace: str,
    is_namespaced: Callable[[Object], bool],
) -> Properties:
    """Return the inputs as they will be used: with apiVersion, kind, name and namespace. Raises WorkError."""
    api_version, kind = objects.kind_of_type(objects.type_of(urn))
    wanted: Object = {"apiVersion": api_version, "kind": kind} | manifest(new)
    _refuse_unsupported(kind, wanted)
    metadata = wanted.setdefault("metadata", {})
    if isinstance(metadata, Unknown):
        return new
    before = manifest(old)
    if not metadata.get("name"):
        if metadata.get("generateName"):
            raise WorkError(Problem("metadata.generateName does not work with server-side apply", "Set metadata.name."))
        _name(wanted, before, urn, seed, proposed)
    if not metadata.get("namespace") and is_namespaced(wanted):
        metadata["namespace"] = default_namespace
    return marked(properties(normalised(wanted)), new)


def _refuse_unsupported(kind: str, wanted: Object) -> None:
    if kind.endswith("Patch") and wanted.get("kind") == kind.removesuffix("Patch"):
        raise WorkError(Problem("Patch resources are not supported by this stand-in", "Use the official plugin."))
    if kind.endswith("List") and isinstance(wanted.get("items"), list):
        raise WorkError(Problem("A list can't be created", "Register its items one by one."))


def _name(wanted: Object, before: Object, urn: str, seed: bytes, proposed: str | None) -> None:
    """Give the object the name that it had, the one that the engine proposes, or the logical name with a suffix."""
    if objects.is_on(before, objects.AUTONAMED):
        name = name_of(before)
    elif proposed is not None:
        if not proposed:
            raise WorkError(
                Problem("metadata.name is not set and automatic names are switched off", "Set metadata.name.")
            )
        name = proposed
    else:
        suffix = hashlib.sha256(seed).hexdigest()[:8] if seed else secrets.token_hex(4)
        name = f"{objects.logical_name(urn)}-{suffix}"
    wanted["metadata"]["name"] = name
    wanted["metadata"]["annotations"] = (at(wanted, "metadata", "annotations") or {}) | {objects.AUTONAMED: "true"}
