"""Where subjects come from: a rendered landscape, exported state, raw objects of a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ggi.controls.logical_names import LogicalNames
from ggi.controls.observation import UNKNOWN, Subject, unknown_paths
from ggi.controls.redaction import kind_of_text, redacted
from ggi.landscape.build import Landscape
from ggi.landscape.objects import Object

SECRET_MARK = "4dabf18193072939515e22adb298388d"  # noqa: S105
"""Key of what stands for a secret in Pulumi's state (pulumi/pulumi, sdk/go/common/resource/sig)."""
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105
UNKNOWNS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""What stands for a value that is not known yet, per type (pulumi/pulumi, sdk/go/common/resource/plugin/rpc.go)."""


def _rendered(item: Object) -> dict[str, Any]:
    if not item.secrets:
        return item.body
    return {**item.body, "data": {key: kind_of_text(text) for key, text in item.secrets.items()}}


def of_landscape(built: Landscape) -> list[Subject]:
    """The objects of a rendered landscape; nothing in them is a secret's value."""
    return [
        Subject(item.name, _rendered(item), texts={key: text.placeholder() for key, text in item.secrets.items()})
        for item in built.objects
    ]


def of_objects(objects: Iterable[Mapping[str, Any]], built: Landscape | None) -> list[Subject]:
    """Raw objects of a cluster. Secrets lose their values here, before anything else sees them."""
    names = LogicalNames(built)
    result = []
    for body in objects:
        clean = redacted(body) if body.get("kind") == "Secret" else body
        result.append(Subject(names.of(clean), clean))
    return result


def plain_values(value: Any) -> Any:
    """Properties as Pulumi keeps them, as plain values: secrets hidden, unknowns marked, its own keys left out."""
    if isinstance(value, Mapping):
        if value.get(SECRET_MARK) == SECRET_SIGNATURE:
            return plain_values(value["value"]) if "value" in value else {}
        return {key: plain_values(item) for key, item in value.items() if not key.startswith("__")}
    if isinstance(value, list | tuple):
        return [plain_values(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        # The engine's wire knows one kind of number.
        return int(value)
    return UNKNOWN if isinstance(value, str) and value in UNKNOWNS else value


def of_properties(name: str, properties: Mapping[str, Any]) -> Subject:
    """One Kubernetes object from the properties that Pulumi has of it. Empty `data`: it is encrypted, keys and all."""
    body = plain_values(properties)
    if body.get("kind") == "Secret":
        data = properties.get("data")
        hidden = isinstance(data, Mapping) and "ciphertext" in data
        body = redacted(body) | ({"data": {}} if hidden else {})
    return Subject(name, body, tuple(unknown_paths(body)))


def of_state(exported: Mapping[str, Any], built: Landscape | None = None) -> Iterator[Subject]:
    """The Kubernetes objects of an exported stack (`pulumi stack export`), with the logical names of their URNs.

    In a stack that others deployed those names are others' too; an object is then known by its name in the cluster.
    """
    known, names = {item.name for item in built.objects} if built is not None else None, LogicalNames(built)
    for resource in (exported.get("deployment") or {}).get("resources") or ():
        if not str(resource.get("type", "")).startswith("kubernetes:") or resource.get("delete"):
            continue
        properties = resource.get("outputs") or resource.get("inputs") or {}
        if not isinstance(properties, Mapping) or "kind" not in properties:
            continue
        name = str(resource["urn"]).rpartition("::")[2]
        found = of_properties(name, properties)
        if known is not None and name not in known and name.count("/") != 2:
            found = Subject(names.of(found.body), found.body, found.unknown)
        yield found
