"""Comparing one value with what a recipe wants. Pure; texts without case, lists without order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


def _plain(value: Any) -> Any:
    """A form in which equal values are equal: PowerShell and Graph differ in the case of enums and domains."""
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, list | tuple):
        return sorted((_plain(v) for v in value), key=repr)
    return value


def same(one: Any, other: Any) -> bool:
    """Whether two values mean the same. true and 1 do not."""
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    return bool(_plain(one) == _plain(other))


def holds(comparison: str, wanted: Any, actual: Any) -> bool:
    """Whether `actual` is as wanted."""
    if comparison == "equal":
        return same(wanted, actual)
    if comparison == "contains":
        return isinstance(actual, list) and all(any(same(w, a) for a in actual) for w in wanted)
    if comparison == "one_of":
        return any(same(w, actual) for w in wanted)
    if comparison == "at_most":
        return isinstance(actual, int) and not isinstance(actual, bool) and 0 < actual <= wanted
    if comparison == "unset":
        return actual in (None, [], {}, "")
    raise ValueError(comparison)


def to_write(comparison: str, wanted: Any, actual: Any) -> Any:
    """The value to write so that `holds` becomes true, changing as little as possible."""
    if comparison == "contains":
        kept = list(actual) if isinstance(actual, list) else []
        return kept + [w for w in wanted if not any(same(w, a) for a in kept)]
    if comparison == "one_of":
        return wanted[0]
    if comparison == "unset":
        return None
    return wanted


def shown(value: Any, labels: Mapping[str, str] = MappingProxyType({})) -> str:
    """A value on one line, the same every time. As evidence it has no labels, since they may be worded otherwise."""
    if isinstance(value, list):
        return "[" + ", ".join(sorted(shown(v, labels) for v in value)) + "]"
    if isinstance(value, str):
        return labels.get(value, value) or "''"
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
