"""Objects and changes that an attacker could make, from what the API server itself says of its kinds (OpenAPI v3)."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import ApiError

DEEPEST = 12
"""Steps into a schema: those of probes in a template's containers, and no endless circle of JSON schemas."""
TEXT = "attack"


@dataclass
class Schemas:
    """The schemas of the kinds that an API server serves."""

    api: KubeApi
    _documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    _index: dict[str, Any] = field(default_factory=dict)

    def _document(self, api_version: str) -> dict[str, Any]:
        if not self._index:
            self._index = self._json("/openapi/v3")["paths"]
        name = f"apis/{api_version}" if "/" in api_version else f"api/{api_version}"
        if name not in self._documents:
            self._documents[name] = self._json(self._index[name]["serverRelativeURL"])["components"]["schemas"]
        return self._documents[name]

    def _json(self, path: str) -> dict[str, Any]:
        found = self.api.request("GET", path)
        made: dict[str, Any] = json.loads(found) if isinstance(found, str) else found
        return made

    def of(self, api_version: str, kind: str) -> dict[str, Any]:
        """The schema of a kind."""
        group, _, version = api_version.rpartition("/")
        wanted = {"group": group, "version": version, "kind": kind}
        known = self._document(api_version).values()
        return next(s for s in known if wanted in s.get("x-kubernetes-group-version-kind", ()))

    def resolved(self, schema: Mapping[str, Any], api_version: str) -> Mapping[str, Any]:
        """A schema without the reference that it may be."""
        found = schema
        while True:
            reference = found.get("$ref") or next((one.get("$ref") for one in found.get("allOf") or ()), None)
            if not reference:
                return found
            found = self._document(api_version)[str(reference).rpartition("/")[2]]

    def instance(self, schema: Mapping[str, Any], api_version: str, depth: int = 0) -> Any:
        """The smallest value of a schema, as far as it says what is needed."""
        found = self.resolved(schema, api_version)
        if "enum" in found:
            return next(value for value in found["enum"] if value != "")
        if "default" in found and found["default"] not in ({}, [], ""):
            return found["default"]
        kind = found.get("type") or ("object" if "properties" in found else "string")
        if kind == "object":
            needed = found.get("required") or ()
            inner = found.get("properties") or {}
            made = {name: self.instance(inner[name], api_version, depth + 1) for name in needed if name in inner}
            if not made and found.get("additionalProperties"):
                return {TEXT: self.instance(found["additionalProperties"], api_version, depth + 1)}
            return made
        if kind == "array":
            return [self.instance(found.get("items") or {}, api_version, depth + 1)]
        if kind in ("integer", "number"):
            return found.get("minimum", 1)
        if kind == "boolean":
            return True
        return {"date-time": "2026-11-30T00:00:00Z", "byte": "YXR0YWNr"}.get(found.get("format", ""), TEXT)

    def other(self, schema: Mapping[str, Any], api_version: str, value: Any) -> Iterator[Any]:
        """Values that a field could have instead of this one."""
        found = self.resolved(schema, api_version)
        if "enum" in found:
            yield from (one for one in found["enum"] if one not in (value, ""))
        elif isinstance(value, bool):
            yield not value
        elif isinstance(value, int):
            yield value + 1
            yield value - 1
        elif isinstance(value, str):
            yield f"{value}-{TEXT}" if value else TEXT
            yield f"{value}0"
        elif isinstance(value, list):
            yield [*value, self.instance(found.get("items") or {}, api_version)]
            if value:
                yield value[:-1]
        elif isinstance(value, Mapping):
            extra = found.get("additionalProperties")
            if extra:
                yield {**value, f"{TEXT}.example/{TEXT}": self.instance(extra, api_version)}
                yield {**value, TEXT: self.instance(extra, api_version)}

    def paths(
        self, schema: Mapping[str, Any], api_version: str, value: Any, path: tuple[Any, ...] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """Every path at which an object has a value or could have one."""
        found = self.resolved(schema, api_version)
        yield path
        if len(path) > DEEPEST:
            return
        if isinstance(value, list):
            for number, item in enumerate(value):
                yield from self.paths(found.get("items") or {}, api_version, item, (*path, number))
        elif isinstance(value, Mapping) or value is None:
            known = found.get("properties") or {}
            for name, inner in known.items():
                if isinstance(value, Mapping) and name in value:
                    yield from self.paths(inner, api_version, value[name], (*path, name))
                else:
                    yield (*path, name)
            for name in (value or {}) if not known else ():
                yield from self.paths(found.get("additionalProperties") or {}, api_version, value[name], (*path, name))

    def at(self, schema: Mapping[str, Any], api_version: str, path: tuple[Any, ...]) -> Mapping[str, Any]:
        """The schema of what stands at a path."""
        found = self.resolved(schema, api_version)
        for step in path:
            inner = found.get("items") if isinstance(step, int) else (found.get("properties") or {}).get(step)
            found = self.resolved(inner or found.get("additionalProperties") or {}, api_version)
        return found


@dataclass(frozen=True)
class Change:
    """One change of one object, and what the API server makes of it."""

    path: tuple[Any, ...]
    body: dict[str, Any]


NOBODYS = ("status", "apiVersion", "kind")
SERVERS = (
    "managedFields",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "selfLink",
    "name",
    "namespace",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generateName",
)
"""Of metadata: what the API server alone writes, or by what the object is found."""


def changes(schemas: Schemas, body: Mapping[str, Any], chooser: random.Random, share: float) -> Iterator[Change]:
    """Changes of a live object that the API server would take, at a share of all its paths; nothing is changed."""
    version, kind = str(body["apiVersion"]), str(body["kind"])
    schema = schemas.of(version, kind)
    known = [
        path
        for path in schemas.paths(schema, version, body)
        if path and path[0] not in NOBODYS and not (path[0] == "metadata" and (len(path) == 1 or path[1] in SERVERS))
    ]
    for path in known:
        if chooser.random() >= share:
            continue
        found = schemas.at(schema, version, path)
        now: Any = body
        for step in path:
            now = now.get(step) if isinstance(now, Mapping) else now[step]
        candidates = [schemas.instance(found, version)] if now is None else [*schemas.other(found, version, now)]
        for value in candidates:
            if value == now or value in ({}, [], None):
                continue
            if made := _dry(schemas.api, body, path, value):
                yield Change(path, made)
                break


def _dry(api: KubeApi, body: Mapping[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any] | None:
    """What the object would be; None when the API server refuses it, or nothing would change."""
    changed: dict[str, Any] = copy.deepcopy(dict(body))
    place: Any = changed
    for step in path[:-1]:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    if isinstance(place, dict):
        place[path[-1]] = value
    else:
        place[path[-1]] = value
    metadata = body["metadata"]
    where = api.path(str(body["apiVersion"]), str(body["kind"]), metadata["name"], metadata.get("namespace"))
    try:
        made: dict[str, Any] = api.request("PUT", where, body=changed, params={"dryRun": "All"})
    except ApiError:
        return None
    return None if _plain(made) == _plain(body) else made


def _plain(body: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {k: v for k, v in body["metadata"].items() if k not in SERVERS}
    return {**{k: v for k, v in body.items() if k not in NOBODYS}, "metadata": metadata}
