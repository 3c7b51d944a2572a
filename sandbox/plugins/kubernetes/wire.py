"""Property values between the engine (protobuf Struct) and Python.

The signatures and the markers of unknown values are Pulumi's wire format (sdk/go/common/resource/plugin/rpc.go).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import struct_pb2

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a type mark, no secret
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWNS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # text
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # list
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
HIDDEN = "[secret]"
SHORTEST_SECRET = 4
"""Shorter texts are not looked for in messages: they would blank out half of every sentence."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must never be shown and that the state keeps encrypted."""

    value: Any

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is known after the update only; `marker` is what the engine wrote for it."""

    marker: str = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def read(struct: Any) -> dict[str, Any]:
    """Return the mapping in `struct`, with Secret and Unknown where the engine says so; whole numbers are int."""
    return {key: _read(value) for key, value in struct.fields.items()}


def _read(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return Unknown(text) if text in UNKNOWNS else text
    if kind == "struct_value":
        mapping = read(value.struct_value)
        match mapping.get(SIGNATURE):
            case str(signature) if signature == SECRET:
                return Secret(mapping.get("value"))
            case str(signature) if signature == OUTPUT:
                inner = mapping.get("value", Unknown())
                return Secret(inner) if mapping.get("secret") else inner
        return mapping
    if kind == "list_value":
        return [_read(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return value.bool_value if kind == "bool_value" else None


def write(mapping: Mapping[str, Any]) -> Any:
    """Return the Struct for `mapping`; the counterpart of `read`."""
    struct = struct_pb2.Struct()
    _fill(struct, mapping)
    return struct


def _fill(struct: Any, mapping: Mapping[str, Any]) -> None:
    for key, value in mapping.items():
        _write(struct.fields[key], value)


def _write(target: Any, value: Any) -> None:
    if isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, Secret):
        _fill(target.struct_value, {SIGNATURE: SECRET, "value": value.value})
    elif isinstance(value, Unknown):
        target.string_value = value.marker
    elif isinstance(value, Mapping):
        # An empty mapping must still be a mapping.
        target.struct_value.SetInParent()
        _fill(target.struct_value, value)
    else:
        target.list_value.SetInParent()
        for item in value:
            _write(target.list_value.values.add(), item)


def plain(value: Any) -> Any:
    """Return a copy of `value` without the Secret marks (Unknowns stay)."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _walk(value: Any) -> Iterable[Any]:
    yield value
    if isinstance(value, Secret):
        yield from _walk(value.value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item)


def has_unknown(value: Any) -> bool:
    """Whether anything in `value` is known after the update only."""
    return any(isinstance(item, Unknown) for item in _walk(value))


def has_secret(value: Any) -> bool:
    """Whether anything in `value` is secret."""
    return any(isinstance(item, Secret) for item in _walk(value))


def secret_texts(properties: Mapping[str, Any]) -> list[str]:
    """Return every text that no message may hold, longest first: what is marked, and the data of a Secret.

    Both forms of base64 data are there, encoded and decoded.
    """
    marked = [item for item in _walk(dict(properties)) if isinstance(item, Secret)]
    if plain(properties.get("kind")) == "Secret":
        marked += [Secret(properties.get(key)) for key in ("data", "stringData")]
    found: set[str] = set()
    for secret in marked:
        for text in _walk(secret):
            if isinstance(text, str):
                found.add(text)
                try:
                    found.add(base64.b64decode(text, validate=True).decode())
                except ValueError:
                    continue
    return sorted((text for text in found if len(text) >= SHORTEST_SECRET), key=len, reverse=True)


def redact(message: str, properties: Mapping[str, Any]) -> str:
    """Return `message` with every secret of `properties` replaced."""
    for text in secret_texts(properties):
        message = message.replace(text, HIDDEN)
    return message
