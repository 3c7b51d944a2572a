"""Layers: what a higher one says wins, key by key, unless a lower one locked it.

Mappings merge key by key. A list is replaced as a whole, unless written `{append: [...]}`. A value written
`{locked: VALUE}` may not be changed by a higher layer. `null` takes back what lower layers say. Inside a list neither
form has a meaning, since a list is one value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from ggi.errors import Problem
from ggi.inventory.tree import Node
from ggi.messages import mark, t

Opens = Callable[[tuple[str, ...], Node], bool]
"""Whether a waiver allows this value at this path, although a lower layer locked it."""

LOCKED = "locked"
APPEND = "append"


def unwrap(node: Node, locked: bool = False) -> Node:
    """Turn every `{locked: VALUE}` below `node` into VALUE that is marked as locked, all the way down."""
    value = node.value
    if isinstance(value, dict):
        if len(value) == 1 and LOCKED in value:
            inner: Node = value[LOCKED]
            content = inner.value
            if isinstance(content, dict) and set(content) != {APPEND}:
                content = {k: unwrap(v, True) for k, v in content.items()}
            return Node(content, node.origin, inner.raw, True, inner.plain_style)
        if len(value) == 1 and APPEND in value:
            return replace(node, locked=locked)
        return Node({k: unwrap(v, locked) for k, v in value.items()}, node.origin, node.raw, locked)
    return replace(node, locked=True) if locked else node


def appended(node: Node) -> list[Node] | None:
    """The items of an `{append: [...]}`, else None."""
    value = node.value
    if isinstance(value, dict) and len(value) == 1 and APPEND in value and isinstance(value[APPEND].value, list):
        return list(value[APPEND].value)
    return None


def _has_lock(node: Node) -> bool:
    return node.locked or (isinstance(node.value, dict) and any(_has_lock(child) for child in node.value.values()))


def _never(path: tuple[str, ...], value: Node) -> bool:
    return False


def merge(lower: Node, upper: Node, problems: list[Problem], path: tuple[str, ...] = (), opens: Opens = _never) -> Node:
    """`upper` on top of `lower`; both unwrapped, `lower` settled.

    A change of a locked value is added to `problems`, and the locked value stays, unless a waiver `opens` the lock for
    that very value. For the layers above it is locked still.
    """
    more = appended(upper)
    if more is None and isinstance(lower.value, dict) and isinstance(upper.value, dict):
        merged = dict(lower.value)
        for key, node in upper.value.items():
            if key in merged:
                merged[key] = merge(merged[key], node, problems, (*path, key), opens)
            elif lower.locked and opens((*path, key), settle(node)):
                merged[key] = unwrap(settle(node), True)
            elif lower.locked:
                problems.append(_refused(lower, node, (*path, key)))
            else:
                _takes_back_nothing(node, (*path, key), problems)
                merged[key] = settle(node)
        if upper.locked and not lower.locked:
            # What lower layers said below a mapping that is locked here is locked as well.
            merged = {key: unwrap(node, True) for key, node in merged.items()}
        # Who locked it stays its origin, so that a refusal names that layer.
        return Node(merged, lower.origin if lower.locked else upper.origin, locked=lower.locked or upper.locked)
    result = settle(upper)
    if more is not None and isinstance(lower.value, list):
        result = replace(result, value=[*lower.value, *more])
    if _has_lock(lower):
        if result.plain() != lower.plain():
            if opens(path, result):
                return unwrap(result, True)
            problems.append(_refused(lower, upper, path))
        return lower
    return result


def settle(node: Node) -> Node:
    """A node that stands on nothing: an `{append: [...]}` below it is just its list."""
    value = node.value
    if isinstance(value, dict):
        items = appended(node)
        if items is not None:
            return Node(items, node.origin, locked=node.locked)
        return Node({k: settle(v) for k, v in value.items()}, node.origin, node.raw, node.locked)
    return node


def _takes_back_nothing(node: Node, path: tuple[str, ...], problems: list[Problem]) -> None:
    """`null` takes back what a lower layer says. Where none says anything, it is a fault: add it to `problems`."""
    if node.value is None:
        message = t("{key}: no lower layer says anything that null could take back", key=".".join(path))
        problems.append(Problem(message, t("Write a value, or remove the line."), node.origin))
    elif isinstance(node.value, dict):
        for key, child in node.value.items():
            _takes_back_nothing(child, (*path, key), problems)


LAYER_KINDS = (mark("national"), mark("region"), mark("tenant"))


def layer_title(layer: str) -> str:
    """The name of a layer for people: `region midden.prod` with its first word in the user's language."""
    kind = re.split(r"[ .]", layer, maxsplit=1)[0]
    return t(kind) + layer.removeprefix(kind) if kind in LAYER_KINDS else layer


def _refused(lower: Node, upper: Node, path: tuple[str, ...]) -> Problem:
    layer, place = layer_title(lower.origin.layer), lower.origin
    return Problem(
        t("{path} is locked by the layer {layer} ({place})", path=".".join(path), layer=layer, place=place),
        t(
            "Remove this line, or have this value accepted: `locks:` in policies/waivers/, for the key {key}.",
            key=".".join(path),
        ),
        upper.origin,
    )


def layered(layers: Sequence[Node], problems: list[Problem]) -> Node:
    """All `layers`, lowest first and unwrapped, as one tree. Problems with locks are added to `problems`."""
    result, *rest = layers
    for key, node in result.value.items():
        _takes_back_nothing(node, (key,), problems)
    result = settle(result)
    for layer in rest:
        result = merge(result, layer, problems)
    return result
