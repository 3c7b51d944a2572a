"""Why a value is what it is: which layers said something about it, in which file and line, and who won."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ggi.errors import InputError, Origin, Problem
from ggi.inventory.fields import KnownPath, place_of
from ggi.inventory.merge import appended
from ggi.inventory.models import ComponentSettings, EnvironmentSettings, TenantFile
from ggi.inventory.resolve import Environment, KnownContent
from ggi.inventory.tree import Node, Steps
from ggi.inventory.validate import nearest
from ggi.inventory.waivers import Lock
from ggi.messages import t


class How(StrEnum):
    """What a layer did with a value."""

    SET = "set"
    APPEND = "append"
    CLEAR = "clear"
    """It wrote something else over what the value was part of."""


@dataclass(frozen=True, slots=True)
class Said:
    """One layer's word on a value."""

    value: Any
    origin: Origin
    how: How = How.SET
    locked: bool = False
    waiver: Lock | None = None
    """What lets it say otherwise than a lower layer that locked the value."""


@dataclass(frozen=True, slots=True)
class ExplainedPart:
    """A value below the one that was asked for; without `origin` nobody said it and the default holds."""

    key: str
    value: Any
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What holds for `key`, and why. `said` has every layer that spoke, the one that won first.

    When no layer spoke, the value is `derived` (a sentence says from what) or the default of the model.
    """

    key: str
    value: Any
    said: tuple[Said, ...] = ()
    parts: tuple[ExplainedPart, ...] = ()
    description: str = ""
    derived: str = ""
    otherwise: Any = None
    """What it would be if nobody had said anything."""


Derive = Callable[[Environment, Steps], tuple[Any, str] | None]
"""Computes what a value is when nobody says it, with a sentence on how."""


def explain(environment: Environment, key: str, known: KnownContent, derive: Derive) -> Explanation:
    """Explain `key`, such as `components.openzaak.replicas` or `oin`. Raises InputError for an unknown key."""
    path, place = _path(environment, key, known)
    layers = environment.layers if path[0] in EnvironmentSettings.model_fields else (environment.tenant.tree,)
    said = [_allowed(found, path, environment) for layer in reversed(layers) if (found := _said(layer, path))]
    node = (environment.tree if len(layers) > 1 else environment.tenant.tree).child(*path)
    default, derived = _default(place), ""
    if computed := derive(environment, path):
        default, derived = computed
    value = default if node is None or node.value is None else node.plain()
    return Explanation(
        key=".".join(map(str, path)),
        value=value,
        said=tuple(said),
        parts=tuple(_parts(path, node, place)),
        description=place.description,
        derived=derived if node is None or node.value is None else "",
        otherwise=default,
    )


def _allowed(said: Said, path: Steps, environment: Environment) -> Said:
    """With the waiver that opened a lock for this value of the tenant's own."""
    own = said.origin.layer.split(".")[0] == environment.tenant.tree.origin.layer
    key = ".".join(map(str, path))
    for lock in environment.opened:
        if own and lock.key == key and (said.how is How.APPEND or lock.accepts(said.value)):
            return replace(said, waiver=lock)
    return said


def _said(layer: Node, path: Steps) -> Said | None:
    node = layer
    for step in path:
        if not isinstance(node.value, dict | list):
            return Said(node.plain(), node.origin, How.CLEAR)
        child = node.child(step)
        if child is None:
            return None
        node = child
    items = appended(node)
    if items is not None:
        return Said([item.plain() for item in items], node.origin, How.APPEND, node.locked)
    return Said(node.plain(), node.origin, How.SET, node.locked)


def _parts(path: Steps, node: Node | None, place: KnownPath) -> list[ExplainedPart]:
    """What lies below: what was said, then the defaults of the model that nobody touched."""
    parts = []
    if node is not None and isinstance(node.value, dict | list):
        for steps, leaf in node.leaves(path):
            if steps != path:
                parts.append(ExplainedPart(".".join(map(str, steps)), leaf.plain(), leaf.origin))
    here = node.value if node is not None and isinstance(node.value, dict) else {}
    for kind in place.types:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            for name, field in kind.model_fields.items():
                if name not in here and not field.is_required():
                    parts.append(ExplainedPart(".".join(map(str, (*path, name))), _of(field), None))
    return parts


def _of(field: FieldInfo) -> Any:
    value = None if field.is_required() else field.get_default(call_default_factory=True)
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _default(place: KnownPath) -> Any:
    return _of(place.field) if place.field else None


def _path(environment: Environment, key: str, known: KnownContent) -> tuple[Steps, KnownPath]:
    """`key` as steps, and what the models know of it. A step may itself have dots, as the ids of inputs do."""
    words = [word for word in key.strip().split(".") if word]
    if not words:
        raise InputError(Problem(t("name a key"), nearest("", TenantFile.model_fields)))
    if words[0] in known.components and words[0] not in TenantFile.model_fields:
        words.insert(0, "components")
    steps: list[str | int] = []
    place = KnownPath((EnvironmentSettings, TenantFile))
    while words:
        size = _longest(environment, steps, words)
        word = ".".join(words[:size])
        step: str | int = int(word) if word.isdecimal() and steps else word
        below = _below(place, steps, step, known)
        if below is None:
            raise _unknown(key, steps, word, place, known)
        steps.append(step)
        place, words = below, words[size:]
    return tuple(steps), place


def _longest(environment: Environment, steps: list[str | int], words: list[str]) -> int:
    """How many of `words` make up the next key that somebody wrote; 1 when nobody wrote any of them."""
    node = environment.tree.child(*steps)
    if node is not None and isinstance(node.value, dict):
        for size in range(len(words), 1, -1):
            if ".".join(words[:size]) in node.value:
                return size
    return 1


def _below(place: KnownPath, steps: list[str | int], step: str | int, known: KnownContent) -> KnownPath | None:
    if steps == ["components"]:
        model: type[ComponentSettings] | None = known.components.get(str(step))
        return place_of(model, ()) if model else None
    return place.step(step)


def _unknown(key: str, steps: list[str | int], word: str, place: KnownPath, known: KnownContent) -> InputError:
    names = known.components if steps == ["components"] else place.keys
    begin = "".join(f"{step}." for step in steps)
    return InputError(Problem(t("unknown key {key}", key=key), nearest(begin + word, [begin + name for name in names])))
