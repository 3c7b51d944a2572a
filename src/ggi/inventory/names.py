"""What the free names in a file refer to, checked in one place: keys of open mappings, and items of lists.

A misspelt field is an error by itself. A misspelt key of an open mapping (`resources: {wokrer: ...}`) or item of a list
(`all_rights: [openformuliere]`) looks like any other, and would do nothing. So every such mapping and list says what
its names are: `Refers` names the kind of thing that must exist, `Free` says why any name will do. Types with a fixed
set of values (an enumeration, an environment, numbers) need neither. `tests/unit/test_inventory_names.py` walks all
models and fails for one that says nothing.
"""

from __future__ import annotations

import contextlib
import json
import types
import typing
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError

from ggi.errors import Problem
from ggi.inventory.marks import ELSEWHERE, Free, NameKind, Refers
from ggi.inventory.merge import APPEND, LOCKED
from ggi.inventory.tree import Node
from ggi.inventory.validate import nearest
from ggi.messages import t

Names = Mapping[tuple[NameKind, str], Collection[str]]
"""What exists: by kind and, for what belongs to a component, by its name; else by the empty text.

A kind that is not in it is not checked: nothing is known of it.
"""

_NO_SUCH: dict[NameKind, Callable[[str, str], str]] = {
    NameKind.COMPONENT: lambda name, owner: t("there is no component {name}", name=name),
    NameKind.PROCESS: lambda name, owner: t("{component} has no process {name}", component=owner, name=name),
    NameKind.CALLER: lambda name, owner: t("no component {name} uses {component}", name=name, component=owner),
    NameKind.IMAGE: lambda name, owner: t("{component} runs no image {name}", component=owner, name=name),
    NameKind.SERVICE: lambda name, owner: t("there is no service {name}", name=name),
    NameKind.REDIS_DATABASE: lambda name, owner: t("no component asks for the Redis database {name}", name=name),
    NameKind.GEMEENTE: lambda name, owner: t("{code} is not in the registry of gemeenten", code=name),
}


@dataclass(frozen=True, slots=True)
class Open:
    """An open mapping or a list as its model declares it. `type` is that of its keys or items."""

    keyed: bool
    type: Any
    mark: Refers | Free | None


def parts(annotation: Any) -> tuple[list[Any], Refers | Free | None]:
    """The alternatives of an annotation without `Annotated` and None, and what is said of its names."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        inner, *said = typing.get_args(annotation)
        kinds, mark = parts(inner)
        return kinds, next((one for one in said if isinstance(one, Refers | Free)), mark)
    if origin in (typing.Union, types.UnionType):
        found = [parts(argument) for argument in typing.get_args(annotation)]
        return [kind for kinds, _ in found for kind in kinds], next((mark for _, mark in found if mark), None)
    return ([] if annotation is type(None) else [annotation]), None


@cache
def _fields(model: type[BaseModel]) -> dict[str, tuple[list[Any], Refers | Free | None]]:
    result = {}
    for name, field in model.model_fields.items():
        kinds, mark = parts(field.annotation)
        result[name] = kinds, next((one for one in field.metadata if isinstance(one, Refers | Free)), mark)
    return result


def opened(kind: Any, mark: Refers | Free | None) -> Open | None:
    """`kind` as an open mapping or list, or None. What its own names say counts when the field says nothing."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin not in (dict, list):
        return None
    return Open(origin is dict, arguments[0], mark or parts(arguments[0])[1])


def declared(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, Open]]:
    """(path, declaration) of every open mapping and list below `model`, each model once."""
    seen: set[type[BaseModel]] = set()

    def walk(kinds: list[Any], mark: Refers | Free | None, at: str) -> Iterator[tuple[str, Open]]:
        for kind in kinds:
            found = opened(kind, mark)
            if found is not None:
                yield at, found
                yield from walk(*parts(typing.get_args(kind)[-1]), f"{at}[]")
            elif isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in seen:
                seen.add(kind)
                for name, (below, said) in _fields(kind).items():
                    yield from walk(below, said, f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}.{name}")

    yield from walk([model], None, path)


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def _canonical(annotation: Any, value: Any) -> str:
    """`value` as its type reads it, so that `productie` is `prod`; as written when it does not fit."""
    with contextlib.suppress(ValidationError):
        value = _adapter(annotation).validate_python(value, strict=True)
    return json.dumps(value, sort_keys=True, default=str)


def check_names(tree: Node, model: type[BaseModel], names: Names, problems: list[Problem], owner: str = "") -> None:
    """Add to `problems`: names below `tree` that refer to nothing, and what stands in a list or mapping twice.

    `tree` is a file or part of one, of the shape of `model`; what does not have that shape is passed over, since
    validation says so. `owner` is the component that it is about.
    """
    _Check(names, problems).model(tree, model, owner)


class _Check:
    def __init__(self, names: Names, problems: list[Problem]) -> None:
        self._names = names
        self._problems = problems

    def _add(self, problem: Problem) -> None:
        if problem not in self._problems:
            self._problems.append(problem)

    def model(self, node: Node, model: type[BaseModel], owner: str) -> None:
        if issubclass(model, RootModel):
            self._value(node, *_fields(model)["root"], owner)
            return
        if not isinstance(node.value, dict):
            return
        for name, (kinds, mark) in _fields(model).items():
            if (child := node.value.get(name)) is not None:
                self._value(child, kinds, mark, owner)

    def _value(self, node: Node, kinds: list[Any], mark: Refers | Free | None, owner: str) -> None:
        for kind in kinds:
            found = opened(kind, mark)
            if found is not None and isinstance(node.value, dict if found.keyed else list):
                self._open(node, found, *parts(typing.get_args(kind)[-1]), owner)
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                self.model(node, kind, owner)

    def _open(self, node: Node, found: Open, kinds: list[Any], mark: Refers | Free | None, owner: str) -> None:
        if found.keyed:
            entries = list(node.value.items())
            self._one_spelling(node)
        else:
            entries = [(str(item.value), item) for item in node.value]
            self._once(node.value, found)
        for name, child in entries:
            # What `validate` says of the inventory's own words is enough.
            if isinstance(found.mark, Refers) and not (found.keyed and name in (APPEND, LOCKED)):
                self._exists(name, found.mark.kind, child, owner)
            component = isinstance(found.mark, Refers) and found.mark.kind is NameKind.COMPONENT and found.keyed
            self._value(child, kinds, mark, name if component else owner)

    def _exists(self, name: str, kind: NameKind, node: Node, owner: str) -> None:
        known = self._names.get((kind, owner))
        if known is None:
            known = self._names.get((kind, ""))
        if known is not None and name not in known and kind not in ELSEWHERE:
            self._add(Problem(_NO_SUCH[kind](name, owner), nearest(name, known), node.origin))

    def _once(self, items: list[Node], found: Open) -> None:
        first: dict[str, Node] = {}
        keys = found.mark.unique if isinstance(found.mark, Free) else ()
        for item in items:
            holder = first.setdefault(_canonical(found.type, item.plain()), item)
            if holder is not item:
                shown = item.raw or t("the same item")
                self._twice(shown, holder, item)
                continue
            for key in keys:
                child = item.child(key)
                if child is None:
                    continue
                other = first.setdefault(f"{key} {child.plain()}", child)
                if other is not child:
                    self._twice(f"{key}: {child.raw}", other, child)

    def _twice(self, what: str, first: Node, second: Node) -> None:
        message = t("{what} stands in this list a second time (first: {first})", what=what, first=first.origin)
        self._add(Problem(message, t("Keep one of the two."), second.origin))

    def _one_spelling(self, node: Node) -> None:
        first: dict[str, str] = {}
        for name, child in node.value.items():
            other = first.setdefault(unicodedata.normalize("NFKC", name).casefold(), name)
            if other != name:
                message = t("{one} and {two} differ in capitals only", one=other, two=name)
                self._add(Problem(message, t("Keep one of the two."), child.origin))
