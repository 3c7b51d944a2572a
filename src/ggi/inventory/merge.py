"""Layers: what a higher one says wins, key by key, unless a lower one locked it.

Mappings merge key by key. A list is replaced as a whole, unless written `{append: [...]}`. A value written
`{locked: VALUE}` may not be changed by a higher layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ggi.errors import Problem
from ggi.inventory.tree import Node
from ggi.messages import t


def unwrap(node: Node, locked: bool = False) -> Node:
    """Turn every `{locked: VALUE}` below `node` into VALUE that is marked as locked, all the way down."""
    value = node.value
    if isinstance(value, dict):
        if set(value) == {"locked"}:
            inner = unwrap(value["locked"], locked=True)
            return replace(inner, origin=node.origin)
        return replace(node, value={k: unwrap(v, locked) for k, v in value.items()}, locked=locked)
    if isinstance(value, list):
        return replace(node, value=[unwrap(v, locked) for v in value], locked=locked)
    return replace(node, locked=locked) if locked else node


def _appended(node: Node) -> list[Node] | None:
    if isinstance(node.value, dict) and set(node.value) == {"append"} and isinstance(node.value["append"].value, list):
        return node.value["append"].value
    return None


def merge(lower: Node, upper: Node, problems: list[Problem], path: tuple[str, ...] = ()) -> Node:
    """`upper` on top of `lower`; both unwrapped. A change of a locked value is added to `problems`."""
    appended = _appended(upper)
    if isinstance(lower.value, dict) and isinstance(upper.value, dict) and appended is None:
        merged = dict(lower.value)
        for key, node in upper.value.items():
            if key in merged:
                merged[key] = merge(merged[key], node, problems, (*path, key))
            else:
                if lower.locked:
                    _refuse(lower, node, problems, (*path, key))
                merged[key] = _settle(node)
        return Node(merged, upper.origin, overrides=(lower,), locked=lower.locked or upper.locked)
    if appended is not None and isinstance(lower.value, list):
        result = Node([*lower.value, *appended], upper.origin, overrides=(lower, *lower.overrides), locked=lower.locked)
    else:
        result = replace(_settle(upper), overrides=(lower, *lower.overrides), locked=lower.locked or upper.locked)
    if lower.locked and result.plain() != lower.plain():
        _refuse(lower, upper, problems, path)
    return result


def _settle(node: Node) -> Node:
    """A node that stands on nothing: an `{append: [...]}` below it is just its list."""
    appended = _appended(node)
    if appended is not None:
        return replace(node, value=appended)
    if isinstance(node.value, dict):
        return replace(node, value={k: _settle(v) for k, v in node.value.items()})
    return node


def _refuse(lower: Node, upper: Node, problems: list[Problem], path: tuple[str, ...]) -> None:
    problems.append(
        Problem(
            t(
                "{path} is locked by the layer {layer} ({place})",
                path=".".join(path),
                layer=lower.origin.layer,
                place=lower.origin,
            ),
            t("Remove this line, or ask the owner of that layer for a waiver."),
            upper.origin,
        )
    )


def layered(layers: Sequence[Node], problems: list[Problem]) -> Node:
    """All `layers`, lowest first, as one tree. Problems with locks are added to `problems`."""
    result, *rest = [unwrap(layer) for layer in layers]
    result = _settle(result)
    for layer in rest:
        result = merge(result, layer, problems)
    return result


def alone(node: Node) -> Node:
    """`node` as one layer by itself: locks and appends opened, so that types can be checked before layers are joined."""
    return _settle(unwrap(node))
