"""The object in Pulumi's state ("checkpoint"): live values, the inputs that made them, and who manages the fields.

The layout is the official plugin's (checkpointObject in provider/pkg/provider/provider.go), so that either plugin can
go on where the other stopped: the live object, plus `__inputs`, `__initialApiVersion` and `__fieldManager`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.plugins.kubernetes.objects import LAST_APPLIED, PATCH_FIELD_MANAGER, Object, annotation, at
from sandbox.plugins.kubernetes.wire import Secret, has_secret, plain

INPUTS = "__inputs"
API_VERSION = "__initialApiVersion"
MANAGER = "__fieldManager"

CRD = "CustomResourceDefinition"

_DASHED = (
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
)
_TO_UNDERSCORE = {key: key.replace("-", "_") for key in _DASHED}
_TO_DASH = {value: key for key, value in _TO_UNDERSCORE.items()}
"""Pulumi's languages have no dash in a name: the schema extensions of a CRD are written with underscores there."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint taken apart: plain objects, without marks."""

    live: Object
    inputs: Object
    api_version: str
    field_manager: str


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if isinstance(value, Secret):
        return Secret(_renamed(value.value, names))
    return value


def manifest(properties: Mapping[str, Any]) -> Object:
    """Return the Kubernetes object that the program's `properties` describe, without marks. Unknowns stay."""
    result: Object = plain(dict(properties))
    # Only the schemas in CRDs have such names; renaming copies the whole object.
    return dict(_renamed(result, _TO_DASH)) if result.get("kind") == CRD else result


def properties(obj: Object) -> Object:
    """Return a Kubernetes object as Pulumi properties; the counterpart of `manifest`."""
    return dict(_renamed(obj, _TO_UNDERSCORE)) if obj.get("kind") == CRD else obj


def marked(values: Object, source: Mapping[str, Any]) -> Object:
    """Return `values` with everything secret that is secret in `source`, plus the data of a Secret.

    Mappings are gone into; a list with one secret in it becomes secret as a whole, because items move.
    """
    result: Object = {}
    for key, value in values.items():
        given = source.get(key)
        if isinstance(value, dict) and isinstance(given, dict):
            result[key] = marked(value, given)
        elif has_secret(given) and not isinstance(value, Secret):
            result[key] = Secret(value)
        elif isinstance(value, dict):
            result[key] = marked(value, {})
        else:
            result[key] = value
    if result.get("kind") == "Secret":
        _mark_secret_object(result)
    return result


def _mark_secret_object(obj: Object) -> None:
    for key in ("data", "stringData"):
        if key in obj and not isinstance(obj[key], Secret):
            obj[key] = Secret(plain(obj[key]))
    # kubectl keeps a copy of the whole object, data included, in an annotation.
    annotations = at(obj, "metadata", "annotations")
    if isinstance(annotations, dict) and isinstance(annotations.get(LAST_APPLIED), str):
        annotations[LAST_APPLIED] = Secret(annotations[LAST_APPLIED])


def checkpoint(live: Object, inputs: Object, source: Mapping[str, Any], api_version: str, manager: str) -> Object:
    """Return the properties to store: `live` and `inputs` are plain objects, `source` has the marks."""
    if not has_secret(source):
        source = {}  # saves looking at every value again for marks that are not there
    if "managedFields" in live.get("metadata", {}):
        # Every update looks them up anew; in the state they are a third of it, read and written at every run.
        live = {**live, "metadata": {key: item for key, item in live["metadata"].items() if key != "managedFields"}}
    stored = marked(properties(live), source)
    stored[INPUTS] = marked(properties(inputs), source)
    stored[API_VERSION] = api_version
    stored[MANAGER] = manager
    return stored


def parse(stored: Mapping[str, Any]) -> Checkpoint:
    """Take a checkpoint apart."""
    live = manifest(stored)
    inputs = live.pop(INPUTS, None) or {}
    api_version = live.pop(API_VERSION, "") or inputs.get("apiVersion", "")
    return Checkpoint(live, inputs, str(api_version), str(live.pop(MANAGER, "") or ""))


def field_manager(urn: str, stored: str, inputs: Object) -> str:
    """Return who manages the fields: the object's annotation, else what the state says, else a name made from the URN.

    The official plugin makes a random one at that point; ours is the same in every run, so that an import or a lost
    state meets its own fields again.
    """
    own = hashlib.sha256(urn.encode()).hexdigest()[:8]
    return annotation(inputs, PATCH_FIELD_MANAGER) or stored or f"pulumi-kubernetes-{own}"
