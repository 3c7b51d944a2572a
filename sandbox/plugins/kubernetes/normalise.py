"""Bring what a person wrote and what the server keeps into one form, so that only real differences are left.

Kubernetes decodes its own kinds into typed structures and encodes them again. On that way nulls, empty lists and empty
maps vanish and quantities get one spelling. Custom resources are kept as they were written.
"""

from __future__ import annotations

import base64
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.plugins.kubernetes.objects import READ_ONLY_METADATA, Object, at, is_known

EMPTY_MAPS_VANISH = frozenset(
    {
        "annotations",
        "binaryData",
        "data",
        "drivers",
        "hard",
        "labels",
        "limits",
        "matchLabels",
        "nodeSelector",
        "parameters",
        "requests",
        "selector",
        "stringData",
        "volumeAttributes",
    }
)
"""Fields that are Go maps. An empty *structure* (`emptyDir: {}`, `podSelector: {}`) has a meaning and stays."""

_STRUCTURE_SELECTORS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet", "PodDisruptionBudget"})
"""Kinds whose `spec.selector` is a structure; for the others (Service) it is a map."""

QUANTITIES = frozenset(
    {
        "averageValue",
        "capacity",
        "default",
        "defaultRequest",
        "hard",
        "limits",
        "max",
        "maxLimitRequestRatio",
        "min",
        "podFixed",
        "requests",
        "sizeLimit",
    }
)
"""Fields that are a quantity, or a map of quantities."""

_SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal("1e3"),
    "M": Decimal("1e6"),
    "G": Decimal("1e9"),
    "T": Decimal("1e12"),
    "P": Decimal("1e15"),
    "E": Decimal("1e18"),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_QUANTITY = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|)")


def quantity(text: object) -> Decimal | None:
    """Return the number that a Kubernetes quantity (`500m`, `1Gi`, 2) stands for, or None when it is none."""
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        return None
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        return None
    try:
        return Decimal(match[1]) * _SUFFIXES[match[2]]
    except InvalidOperation:
        return None


def same_leaf(left: Any, right: Any, path: tuple[str | int, ...]) -> bool:
    """Whether two values that are no mappings and no lists mean the same at `path`."""
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    if left == right:
        return True
    if any(step in QUANTITIES for step in path[-2:]):
        numbers = quantity(left), quantity(right)
        return numbers[0] is not None and numbers[0] == numbers[1]
    return False


def normalised(obj: Object) -> Object:
    """Return a copy of `obj` as the server would keep it, without what the server alone writes."""
    result: Object = _without_empty(obj, obj.get("kind"), ()) if is_known(obj) else _copy(obj)
    metadata = result.get("metadata")
    if isinstance(metadata, dict):
        for key in READ_ONLY_METADATA:
            metadata.pop(key, None)
    if result.get("kind") == "Secret" and result.get("apiVersion") == "v1":
        _join_secret_data(result)
    if result.get("kind") == "CustomResourceDefinition":
        result.pop("status", None)
        spec = result.get("spec")
        if isinstance(spec, dict) and spec.get("preserveUnknownFields") is False:
            del spec["preserveUnknownFields"]
    return result


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def _vanishes(key: str, value: Any, kind: Any, path: tuple[str, ...]) -> bool:
    if value is None or value == []:
        return True
    if value != {} or key not in EMPTY_MAPS_VANISH:
        return False
    return not (key == "selector" and path == ("spec",) and kind in _STRUCTURE_SELECTORS)


def _without_empty(value: Any, kind: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_empty(item, kind, (*path, key))
            for key, item in value.items()
            if not _vanishes(key, item, kind, path)
        }
    if isinstance(value, list):
        return [_without_empty(item, kind, path) for item in value]
    return value


def _join_secret_data(secret: Object) -> None:
    """Do with a Secret what the server does: `stringData` is written over `data`; base64 gets its usual spelling."""
    data = secret.get("data")
    joined = {key: _encoded_again(value) for key, value in data.items()} if isinstance(data, dict) else {}
    texts = at(secret, "stringData")
    if isinstance(texts, dict) and all(isinstance(text, str) for text in texts.values()):
        joined |= {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        del secret["stringData"]
    if joined:
        secret["data"] = joined


def _encoded_again(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        # Go's decoder, like this one, skips line ends and nothing else.
        return base64.b64encode(base64.b64decode(value.replace("\r", "").replace("\n", ""), validate=True)).decode()
    except ValueError:
        return value


def prune(source: Any, shape: Any) -> Any:
    """Return the part of `source` that `shape` speaks of: keys of mappings and leading items of lists.

    Where the two differ in kind, `source` is returned as it is.
    """
    if isinstance(source, dict) and isinstance(shape, dict):
        return {key: prune(value, shape[key]) for key, value in source.items() if key in shape}
    if isinstance(source, list) and isinstance(shape, list):
        return [prune(value, part) for value, part in zip(source, shape, strict=False)]
    return _copy(source)
