"""What of an object a rule may read, from its syntax tree: for values that are not known before an update.

An expression stands for places in the object. A selection goes a step down, a comprehension over the items; whatever
else is done with a place reads it with everything below. So what is not understood here counts as read.

Source of the tree: github.com/google/cel-spec, proto/cel/expr/checked.proto and syntax.proto.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

Place = tuple[str, ...]
"""Steps from the object down; `ANY` is every item, and every key that is worked out."""
Places = frozenset[Place]
ANY = "*"
NOWHERE: Places = frozenset()
HERE, BELOW, DEEP = 0, 1, 1_000
"""How far below a place is read: only whether it is there, its items or keys, everything."""
NAMESPACE = "namespaceObject"
"""First step of places in the namespace of the object."""

_ALIASES = {"dyn", "_+_", "_?_:_", "orValue", "or", "value", "optional.of"}
"""Functions whose result is one of their arguments, or is made of their items."""


def _message(data: bytes) -> dict[int, list[Any]]:
    """The fields of a message of Protocol Buffers by number (protobuf.dev, Encoding)."""
    found: dict[int, list[Any]] = {}
    at = 0

    def number() -> int:
        nonlocal at
        result = shift = 0
        while True:
            byte = data[at]
            at, result, shift = at + 1, result | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return result

    while at < len(data):
        key = number()
        wire = key & 7
        if wire == 0:
            found.setdefault(key >> 3, []).append(number())
        else:
            size = number() if wire == 2 else {1: 8, 5: 4}[wire]
            found.setdefault(key >> 3, []).append(data[at : at + size])
            at += size
    return found


def _text(message: Mapping[int, list[Any]], field: int) -> str:
    return str(message.get(field, [b""])[0], "utf-8")


class Reads:
    """The places of `object` that a compiled expression reads, and how far below each."""

    def __init__(self, expression: Any) -> None:
        self._expression = expression

    @cached_property
    def places(self) -> Mapping[Place, int]:
        """How far below each place it reads."""
        self._found: dict[Place, int] = {}
        checked = _message(_message(self._expression.serialize())[2][0])
        self._read(self._places(checked[4][0], {"object": frozenset({()}), NAMESPACE: frozenset({(NAMESPACE,)})}))
        return self._found

    def reach(self, path: Sequence[str | int]) -> bool:
        """Whether the value may depend on what stands at this path."""
        steps = [ANY if isinstance(step, int) else step for step in path]
        return any(
            len(steps) <= len(place) + depth
            and all(one == other or ANY in (one, other) for one, other in zip(steps, place, strict=False))
            for place, depth in self.places.items()
        )

    def _read(self, places: Places, depth: int = DEEP) -> Places:
        for place in places:
            self._found[place] = max(depth, self._found.get(place, HERE))
        return NOWHERE

    def _places(self, data: bytes, known: Mapping[str, Places]) -> Places:
        """The places that an expression stands for; what it reads on the way is noted."""
        node = _message(data)
        for field, kind in ((4, self._name), (5, self._selection), (6, self._call), (7, self._list), (9, self._loop)):
            if field in node:
                return kind(_message(node[field][0]), known)
        if 8 in node:
            for entry in _message(node[8][0]).get(2, []):
                for part in (3, 4):
                    for value in _message(entry).get(part, []):
                        self._read(self._places(value, known))
        return NOWHERE

    def _name(self, node: Mapping[int, list[Any]], known: Mapping[str, Places]) -> Places:
        return known.get(_text(node, 1), NOWHERE)

    def _selection(self, node: Mapping[int, list[Any]], known: Mapping[str, Places]) -> Places:
        below = frozenset((*place, _text(node, 2)) for place in self._places(node[1][0], known))
        return self._read(below, HERE) if 3 in node else below

    def _call(self, node: Mapping[int, list[Any]], known: Mapping[str, Places]) -> Places:
        name, parts = _text(node, 2), [*node.get(1, []), *node.get(3, [])]
        found = [self._places(part, known) for part in parts]
        if name in ("_[_]", "_[?_]", "_?._"):
            self._read(found[1])
            step = self._literal(parts[1])
            return frozenset((*place, step) for place in found[0])
        if name == "_?_:_":
            self._read(found.pop(0))
        if name in _ALIASES:
            return NOWHERE.union(*found)
        depth = {"size": BELOW, "hasValue": HERE}.get(name, DEEP)
        return self._read(NOWHERE.union(*found), depth)

    @staticmethod
    def _literal(data: bytes) -> str:
        constant = _message(data).get(3)
        found = _message(constant[0]) if constant else {}
        return _text(found, 6) if 6 in found else ANY

    def _list(self, node: Mapping[int, list[Any]], known: Mapping[str, Places]) -> Places:
        """A list of items of lists stands for those lists; what else is put into one is read."""
        found = NOWHERE.union(*(self._places(item, known) for item in node.get(1, [])))
        items = frozenset(place for place in found if place and place[-1] == ANY)
        self._read(found - items)
        return frozenset(place[:-1] for place in items)

    def _loop(self, node: Mapping[int, list[Any]], known: Mapping[str, Places]) -> Places:
        over = self._places(node[2][0], known)
        self._read(over, BELOW)
        inside = dict(known)
        for variable in (1, 8):
            if variable in node:
                inside[_text(node, variable)] = frozenset((*place, ANY) for place in over)
        result, so_far = _text(node, 3), self._places(node[4][0], known)
        while True:
            inside[result] = so_far
            self._read(self._places(node[5][0], inside))
            more = so_far | self._places(node[6][0], inside)
            if more == so_far:
                return self._places(node[7][0], {**known, result: so_far})
            so_far = more
