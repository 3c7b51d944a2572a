"""Objects that are alike to the rules, so that each of them is judged once for all gemeenten.

A rule over one object can only see what it names. So two objects with the same values in all fields that any rule of
their kind names get the same verdicts: names, hashes and hosts that no rule reads may differ. A test compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ggi.audit import cel
from ggi.audit.control import Control

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

Known = dict[tuple[str, bool], Any]
_known: dict[tuple[str, str], Known] = {}


def visible(value: Any, words: frozenset[str], *, free: bool = False) -> Any:
    """`value` without the fields that no rule names. `free`: the keys are free names."""
    # Landscapes are made of plain dicts and lists; asking for these exactly takes a third of the time.
    kind = type(value)
    if kind is str or kind is bool or kind is int:
        return value
    if kind is dict or isinstance(value, Mapping):
        return [
            (key, visible(item, words, free=key in OPEN_MAPS))
            for key, item in value.items()
            if free or key in words or key in OPEN_MAPS
        ]
    if kind is list:
        return [visible(item, words) for item in value]
    return value


def words(controls: Iterable[Control]) -> frozenset[str]:
    """The words of the rules that can be shared; see `shared`."""
    return frozenset().union(*(control.words for control in controls if shared(control)))


def shared(control: Control) -> bool:
    """Whether what a rule reads is mostly the same for all: it reads no labels, names of objects or the namespace."""
    return not control.words & OWN


class Object:
    """One object as rules see it; what was found for one that is alike is used again."""

    __slots__ = ("_body", "_found", "_namespace", "_seen")

    def __init__(
        self, kind: str, body: Mapping[str, Any], namespace: Mapping[str, Any] | None, words: frozenset[str]
    ) -> None:
        self._body, self._namespace = body, namespace
        self._seen: Any = None
        self._found: Known | None = None
        if kind not in NEVER_ALIKE:
            if len(_known) > MOST:
                _known.clear()
            self._found = _known.setdefault((kind, repr(visible(body, words))), {})

    def _new(self, control: Control, *, evidence: bool) -> Any:
        if self._seen is None:
            self._seen = cel.activation(self._body, self._namespace)
        return cel.evaluate(control.evidence if evidence else control.rule, self._seen)

    def _evaluated(self, control: Control, *, evidence: bool) -> Any:
        """The value of an expression of a control. Raises CelError."""
        if self._found is None or not shared(control):
            return self._new(control, evidence=evidence)
        key = (control.id, evidence)
        if key not in self._found:
            try:
                self._found[key] = self._new(control, evidence=evidence)
            except cel.CelError as error:
                self._found[key] = error
        found = self._found[key]
        if isinstance(found, cel.CelError):
            raise found
        return found

    def verdict(self, control: Control) -> Any:
        """1 complies, 0 does not, 2 not meant. Raises CelError."""
        return self._evaluated(control, evidence=False)

    def evidence(self, control: Control) -> str:
        """What was seen. Raises CelError."""
        return str(self._evaluated(control, evidence=True))
