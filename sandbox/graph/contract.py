"""The type contract: whether a body may be written, by Microsoft's own types; and who may call what."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "contract.json"
BETA: Mapping[str, Any] = {
    # The beta types are in no small package; this one has been the same since stsPolicy.
    "b2bManagementPolicy": {
        "base": "policyBase",
        "fields": {"definition": {"type": "string", "list": True}, "isOrganizationDefault": {"type": "boolean"}},
    }
}


AT_CREATION = frozenset({"templateId"})
"""Read-only afterwards: POST /groupSettings demands it."""


@dataclass(frozen=True)
class Contract:
    """Types, enums and permissions as derived from Microsoft's files."""

    types: Mapping[str, Any]
    enums: Mapping[str, list[str]]
    permissions: Mapping[str, Any]

    def fields(self, name: str) -> Mapping[str, Any]:
        """All fields of a type, with those of its bases."""
        own: dict[str, Any] = {}
        while name in self.types:
            own = {**self.types[name]["fields"], **own}
            name = self.types[name]["base"]
        return own

    def refusals(self, name: str, body: Any, *, create: bool, where: str = "") -> Iterator[str]:
        """Why Graph would answer 400 to this body of a type; nothing when it would not."""
        if not isinstance(body, Mapping):
            yield f"An object of type microsoft.graph.{name} was expected at '{where or 'the root'}'."
            return
        fields = self.fields(name)
        for key, value in body.items():
            if "@odata" in key:
                continue
            field = fields.get(key)
            path = f"{where}.{key}" if where else key
            if field is None:
                yield f"The property '{path}' does not exist on type 'microsoft.graph.{name}'."
            elif field.get("readonly") and not (key == "id" and where) and not (create and key in AT_CREATION):
                yield f"The property '{path}' is read-only and cannot be set."
            else:
                yield from self._value(field, value, path)
        if create and not where:
            for key, field in fields.items():
                if field.get("required") and body.get(key) is None:
                    yield f"The property '{key}' is required."

    def _value(self, field: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
        if value is None:
            if not field.get("null"):
                yield f"The property '{path}' can't be null."
            return
        if field.get("list"):
            if not isinstance(value, list):
                yield f"A collection was expected at '{path}'."
                return
            for number, item in enumerate(value):
                yield from self._single(field["type"], item, f"{path}[{number}]")
            return
        yield from self._single(field["type"], value, path)

    def _single(self, kind: str, value: Any, path: str) -> Iterator[str]:
        if kind in self.enums:
            if value not in self.enums[kind] or value == "unknownFutureValue":
                yield f"The value '{value}' of '{path}' is not a member of microsoft.graph.{kind}."
        elif kind in self.types:
            yield from self.refusals(kind, value, create=False, where=path)
        else:
            wanted: Any = {"string": str, "boolean": bool, "number": (int, float)}.get(kind, object)
            if not isinstance(value, wanted) or (kind == "number" and isinstance(value, bool)):
                yield f"The value of '{path}' is not of type {kind}."

    @cached_property
    def _rules(self) -> list[tuple[re.Pattern[str], Any]]:
        return [
            (re.compile("^" + re.escape(path).replace(r"\{id\}", "[^/]+") + "$", re.I), rules)
            for path, rules in self.permissions.items()
        ]

    def allowed(self, path: str, method: str, granted: frozenset[str], *, delegated: bool) -> str:
        """ "" when the call is allowed, else what is needed."""
        for pattern, rules in self._rules:
            if pattern.match(path):
                sets = rules.get(method, {}).get("delegated" if delegated else "application")
                if sets is None:
                    return "a delegated permission" if method in rules else "no permission gives this call"
                if any(granted.issuperset(one) for one in sets):
                    return ""
                return " or ".join(" and ".join(one) for one in sets)
        return "no permission gives this call"


@cache
def contract() -> Contract:
    """The contract that is in the tree."""
    data = json.loads(FILE.read_text(encoding="utf-8"))
    return Contract({**data["types"], **BETA}, data["enums"], data["permissions"])
