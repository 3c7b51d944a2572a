"""Between objects as Graph gives and takes them, and properties as recipes name them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ggi.cookbook.graph.client import Request
from ggi.cookbook.plan import PlannedWrite
from ggi.cookbook.product import Property, Resource
from ggi.cookbook.reading import Reading, Ref

_GROUP = re.compile(r"/groups/([0-9a-fA-F-]{36})/")


def reading(ref: Ref, body: Mapping[str, Any], resource: Resource) -> Reading:
    """An object as Graph gives it. A property that it does not hold is left out, never defaulted."""
    source = _opened(body, resource)
    values: dict[str, Any] = {}
    for path, prop in resource.properties.items():
        present, value = _dig(source, path)
        if present:
            values[path] = _groups(value) if prop.read_as == "groups" else value
    return Reading(ref, values, dict(body), str(body.get("id", "")), str(body.get("@odata.etag", "")))


def _opened(body: Mapping[str, Any], resource: Resource) -> Mapping[str, Any]:
    """The part that holds the properties."""
    if resource.pairs:
        # Group settings are texts; "true" and "false" are meant as booleans.
        words = {"true": True, "false": False}
        return {
            pair["name"]: words.get(str(pair.get("value")).lower(), pair.get("value"))
            for pair in body.get(resource.pairs, [])
        }
    if resource.packed:
        field, root = resource.packed.split("/")
        texts = body.get(field) or []
        found = json.loads(texts[0]) if texts else {}
        return dict(found.get(root, {}))
    return body


def _groups(value: Any) -> Any:
    """Group ids of queries such as /groups/{id}/transitiveMembers; another query stays as it is."""
    if not isinstance(value, list):
        return value
    queries = [str(one.get("query", "")) for one in value]
    return [match[1] if (match := _GROUP.search(query)) else query for query in queries]


def _dig(source: Mapping[str, Any], path: str) -> tuple[bool, Any]:
    """(whether the answer tells, the value). Null on the way means that the part is not set: the value is None."""
    value: Any = source
    for step in path.split("."):
        if value is None:
            return True, None
        if not isinstance(value, Mapping) or step not in value:
            return False, None
        value = value[step]
    return True, value


def write_request(change: PlannedWrite, current: Reading, resource: Resource) -> Request:
    """The request: whole top-level properties, since a nested one may replace its neighbours."""
    raw: Mapping[str, Any] = current.raw if current.exists else resource.fixed
    if change.deletes:
        url = f"{resource.url}/{current.id}"
        return Request(url, resource.service, method="DELETE", etag=current.etag, version=resource.version)
    body = _body(change, raw, resource)
    if "@odata.type" in raw:
        body["@odata.type"] = raw["@odata.type"]
    method: str = resource.update
    url = resource.url
    if not current.exists:
        method = "POST"
        body = {**_copied(resource.fixed), **body}
        if resource.collection and not resource.pairs:
            body.setdefault(resource.collection, change.ref.item)
    elif resource.update == "PUT":
        kept = {k: v for k, v in raw.items() if not k.startswith("@") and k not in ("id", "version")}
        body = {**kept, **body}
    if current.exists and resource.collection:
        url = f"{url}/{current.id}"
    return Request(
        url, resource.service, method=method, body=body, etag=current.etag if current.exists else "",
        version=resource.version,
    )  # fmt: skip


def _body(change: PlannedWrite, raw: Mapping[str, Any], resource: Resource) -> dict[str, Any]:
    after = {path: _as_written(value, resource.properties[path]) for path, value in change.after.items()}
    if resource.pairs:
        pairs = {p["name"]: p.get("value") for p in raw.get(resource.pairs, [])}
        pairs |= {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in after.items()}
        return {resource.pairs: [{"name": k, "value": v} for k, v in pairs.items()]}
    if resource.packed:
        field, root = resource.packed.split("/")
        inner = _copied(_opened(raw, resource))
        for path, value in after.items():
            _put(inner, path.split("."), value)
        return {field: [json.dumps({root: inner})]}
    body: dict[str, Any] = {}
    for path, value in after.items():
        top, *rest = path.split(".")
        if rest and top not in body:
            body[top] = _copied(raw.get(top) or {})
        _put(body, [top, *rest], value)
    return body


def _as_written(value: Any, prop: Property) -> Any:
    if prop.read_as != "groups":
        return value
    return [
        {"query": f"/groups/{one}/transitiveMembers/microsoft.graph.user", "queryType": "MicrosoftGraph"}
        for one in value
    ]


def _copied(value: Any) -> Any:
    """Without what the service adds for reading (names with @)."""
    if isinstance(value, Mapping):
        return {k: _copied(v) for k, v in value.items() if "@" not in k}
    return [_copied(v) for v in value] if isinstance(value, list) else value


def _put(body: dict[str, Any], steps: Sequence[str], value: Any) -> None:
    for step in steps[:-1]:
        if not isinstance(body.get(step), dict):
            body[step] = {}
        body = body[step]
    body[steps[-1]] = value
