"""Objects that are alike to the rules, so that each of them is judged once for all gemeenten.

A rule over one object can only see what it names. So two objects with the same values in all fields that any rule of
their kind names get the same verdicts: names, hashes and hosts that no rule reads may differ. A test compares.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ggi.controls import cel
from ggi.controls.control import Control

COMPLIES, FAILS, NOT_MEANT = 1, 0, 2
"""What a rule gives."""
OPEN_MAPS = frozenset(
    {
        "annotations",
        "data",
        "hard",
        "labels",
        "limits",
        "matchLabels",
        "nodeSelector",
        "parameters",
        "requests",
        "selector",
        "stringData",
    }
)
"""Fields whose keys are free names: a rule that reads one may read every key in it."""

NEVER_ALIKE = frozenset({"ConfigMap", "Namespace"})
"""Kinds that hold what differs between gemeenten, and that rules read as a whole."""
OWN = frozenset({"metadata", "labels", "annotations", "namespaceObject"})
"""Words for what belongs to one gemeente."""
MOST = 50_000
"""Objects that are remembered; then it begins anew. One is about 3 kB."""
_PLAIN = frozenset({str, int, bool, float, type(None)})
_ABSENT = object()

Known = dict[Any, Any]
"""What was found, by expression."""
_known: dict[Any, Known] = {}


def visible(value: Any, fields: frozenset[str], *, free: bool = False) -> Any:
    """`value` without the fields that no rule names, as tuples and lists. `free`: the keys are free names.

    Of a field that is only asked for (`?name`), whether it is there.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is list:
        return [item if type(item) in _PLAIN else visible(item, fields) for item in value]
    # Landscapes are made of plain dicts and lists; asking for these exactly takes a third of the time.
    if kind is dict or isinstance(value, Mapping):
        found: list[Any] = []
        for key, item in value.items():
            if free or key in fields or key in OPEN_MAPS:
                found.append(key)
                found.append(item if type(item) in _PLAIN else visible(item, fields, free=key in OPEN_MAPS))
            elif f"?{key}" in fields:
                found.append(key)
        return tuple(found)
    return kind.__name__, repr(value)


def fields(controls: Iterable[Control]) -> frozenset[str]:
    """The fields that the rules which can be shared name; see `shared`."""
    return frozenset().union(*(control.fields for control in controls if shared(control)))


def shared(control: Control) -> bool:
    """Whether what a rule reads is mostly the same for all: it reads no labels, names of objects or the namespace."""
    return not control.fields & OWN


class Object:
    """One object as rules see it; what was found for one that is alike is used again."""

    __slots__ = ("_body", "_data", "_found", "_namespace", "_seen")

    def __init__(
        self, kind: str, body: Mapping[str, Any], namespace: Mapping[str, Any] | None, fields: frozenset[str]
    ) -> None:
        self._body, self._namespace = body, namespace
        self._seen: Any = None
        self._found: Known | None = None
        self._data: dict[str, Any] | None = None
        if len(_known) > MOST:
            _known.clear()
        if kind not in NEVER_ALIKE:
            # Version 2 of the format writes equal values equally, however they are kept in memory.
            self._found = _known.setdefault((kind, marshal.dumps(visible(body, fields), 2)), {})
        elif type(data := body.get("data")) is dict:
            self._data = data

    def _new(self, expression: Any) -> Any:
        if self._seen is None:
            self._seen = cel.activation(self._body, self._namespace)
        return cel.evaluate(expression, self._seen)

    def _memory(self, control: Control) -> Known | None:
        """Where the results of a control about all alike objects are kept; None when there is no such place."""
        if self._found is not None:
            return self._found if shared(control) else None
        if control.keys is None or self._data is None:
            return None
        values = [self._data.get(key, _ABSENT) for key in control.keys]
        try:
            return _known.setdefault((control.rule, *values), {})
        except TypeError:
            return None

    def _evaluated(self, control: Control, expression: Any) -> Any:
        """The value of an expression of a control. Raises CelError."""
        memory = self._memory(control)
        if memory is None:
            return self._new(expression)
        if expression not in memory:
            try:
                memory[expression] = self._new(expression)
            except cel.CelError as error:
                memory[expression] = error
        found = memory[expression]
        if isinstance(found, cel.CelError):
            raise found
        return found

    def verdict(self, control: Control) -> Any:
        """1 complies, 0 does not, 2 not meant. Raises CelError."""
        return self._evaluated(control, control.rule)

    def evidence(self, control: Control) -> str:
        """What was seen. Raises CelError."""
        return str(self._evaluated(control, control.evidence))

    def passed(self, controls: Sequence[Control]) -> tuple[str, ...] | None:
        """The ids of those of the shared controls that comply, when all that are meant do; None: look at each."""
        if self._found is None:
            return None
        rules = tuple([control.rule for control in controls])
        if rules not in self._found:
            self._found[rules] = self._all_passed(controls)
        found: tuple[str, ...] | None = self._found[rules]
        return found

    def _all_passed(self, controls: Sequence[Control]) -> tuple[str, ...] | None:
        try:
            verdicts = {control.id: self.verdict(control) for control in controls}
        except cel.CelError:
            return None
        return None if FAILS in verdicts.values() else tuple(i for i, v in verdicts.items() if v == COMPLIES)
