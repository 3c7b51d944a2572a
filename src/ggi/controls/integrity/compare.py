"""How a live object differs from the planned one: over what the plan names, and over what it does not name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ggi.catalogue.secrets import NO_TAG
from ggi.controls.cel_functions import parse_quantity
from ggi.controls.integrity.added import ITEM, MORE, Added

Path = tuple[str | int, ...]
SERVERS = frozenset(
    {"creationTimestamp", "generation", "managedFields", "name", "namespace", "resourceVersion", "selfLink", "uid"}
)
"""Metadata that the API server keeps, and by which the object was found."""
AMOUNTS = frozenset({"requests", "limits", "hard", "default", "defaultRequest", "max", "min"})
"""Maps of quantities, which the API server writes in one form: 1024Mi becomes 1Gi."""
OUTLINE = "/"
"""In a kind: it is made by a controller, and compared with nothing but what that may make."""


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


MISSING = _Missing()
"""In a difference: there is nothing."""


@dataclass(frozen=True)
class Departure:
    """One place where they differ; `wanted` or `live` is MISSING where there is nothing. `path` is of the live object.

    A list that has more, fewer or other items is one difference, with the items that are not planned in `more`.
    """

    path: Path
    wanted: Any
    live: Any
    more: tuple[Any, ...] = ()

    @property
    def text(self) -> str:
        """The path as people write it: `spec.template.spec.containers[web].lifecycle`."""
        found = ""
        for step in self.path:
            found += f"[{step}]" if isinstance(step, int) else f".{step}" if found else step
        return found


def pattern(path: Path) -> str:
    """A path as `added.yaml` writes it."""
    return ".".join(ITEM if isinstance(step, int) else step for step in path)


class ObjectComparison:
    """Compares objects of one kind; `Cluster/Pod` is what a Cluster makes, of which `owner` is the planned one."""

    def __init__(self, kind: str, added: Added, owner: Mapping[str, Any] | None = None) -> None:
        self.kind, self.added, self.owner = kind, added, owner or {}

    def differences(self, wanted: Mapping[str, Any], live: Mapping[str, Any]) -> list[Departure]:
        """Every difference between two whole objects. Status is what controllers write, and is left out."""
        found = [*self._maps(_there(wanted), _there(live), ())]
        return sorted(found, key=lambda one: pattern(one.path))

    def _any(self, wanted: Any, live: Any, path: Path) -> Iterator[Departure]:
        if isinstance(wanted, Mapping) and isinstance(live, Mapping):
            yield from self._maps(wanted, live, path)
        elif _is_list(wanted) and _is_list(live):
            yield from self._lists(wanted, live, path)
        elif not _same(wanted, live, path):
            yield Departure(path, wanted, live)

    def _maps(self, wanted: Mapping[str, Any], live: Mapping[str, Any], path: Path) -> Iterator[Departure]:
        for key, value in live.items():
            here = (*path, key)
            if key in wanted and wanted[key] is not None:
                yield from self._any(wanted[key], value, here)
            else:
                yield from self._more(value, live, here)
        for key, value in wanted.items():
            if key not in live and not _empty(value):
                yield Departure((*path, key), value, MISSING)

    def _more(self, value: Any, beside: Mapping[str, Any], path: Path) -> Iterator[Departure]:
        """What is there and not planned: added by the cluster, or a difference."""
        if self.added.allows(self.kind, pattern(path), value, beside, self.owner):
            return
        if isinstance(value, Mapping) and value:
            inner = [*self._maps({}, value, path)]
            if len(inner) < len(value) or any(len(one.path) > len(path) + 1 for one in inner):
                yield from inner
                return
        elif _is_list(value) and value and all(self._item(item, path) for item in value):
            return
        elif _is_list(value) and value and OUTLINE in self.kind:
            for number, item in enumerate(value):
                yield from self._more(item, {}, (*path, number))
            return
        yield Departure(path, MISSING, value)

    def _item(self, item: Any, path: Path) -> bool:
        return self.added.allows(self.kind, f"{pattern(path)}.{MORE}", item, {})

    def _lists(self, wanted: Sequence[Any], live: Sequence[Any], path: Path) -> Iterator[Departure]:
        names = [_name(item) for item in live]
        if None not in names and len(set(names)) == len(names):
            known = {_name(item): item for item in wanted}
            pairs = [(known.get(name, MISSING), item) for name, item in zip(names, live, strict=True)]
            in_order = [name for name in names if name in known] == list(known)
        else:
            pairs = [(wanted[number] if number < len(wanted) else MISSING, item) for number, item in enumerate(live)]
            in_order = len(live) >= len(wanted)
        more = [item for planned, item in pairs if planned is MISSING and not self._item(item, path)]
        if more or not in_order:
            yield Departure(path, wanted, live, tuple(more))
            return
        for number, (planned, item) in enumerate(pairs):
            if planned is not MISSING:
                yield from self._any(planned, item, (*path, number))


def _there(body: Mapping[str, Any]) -> dict[str, Any]:
    result = {key: value for key, value in body.items() if key not in ("status", "apiVersion", "kind")}
    result["metadata"] = {k: v for k, v in (body.get("metadata") or {}).items() if k not in SERVERS}
    return result


def _name(item: Any) -> str | None:
    name = item.get("name") if isinstance(item, Mapping) else None
    return name if isinstance(name, str) else None


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _empty(value: Any) -> bool:
    """Nothing: the API server leaves it out."""
    return value is None or (isinstance(value, Mapping | list | tuple | str) and not value)


def _same(wanted: Any, live: Any, path: Path) -> bool:
    if type(wanted) is type(live) and wanted == live:
        return True
    if isinstance(wanted, bool) or isinstance(live, bool):
        return False
    if isinstance(wanted, str) and isinstance(live, str) and NO_TAG in wanted:
        return re.fullmatch(re.escape(wanted).replace(NO_TAG, "[0-9a-z]{8}"), live) is not None
    if _is_amount(path) and isinstance(wanted, str | int) and isinstance(live, str | int):
        try:
            return parse_quantity(str(wanted)) == parse_quantity(str(live))
        except ValueError:
            return False
    return False


def _is_amount(path: Path) -> bool:
    return bool(path) and ((len(path) > 1 and path[-2] in AMOUNTS) or path[-1] in ("size", "sizeLimit", "storage"))
