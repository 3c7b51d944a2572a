"""Walking the models: which keys a path may have, and what the models say about a key, also in the text under it."""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo


@cache
def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The text under each field of `model` and of the models that it extends, by the field's name."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if not issubclass(base, BaseModel) or base is BaseModel:
            continue
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(node, ast.ClassDef)  # noqa: S101
        for field, text in itertools.pairwise(node.body):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                    found[name] = inspect.cleandoc(said)
    return found


def description(model: type[BaseModel], name: str) -> str:
    """What is said of the field `name`: by the field itself, else under it; empty when nothing is."""
    return model.model_fields[name].description or docstrings(model).get(name, "")


@dataclass(frozen=True, slots=True)
class KnownPath:
    """What the models know of one path."""

    types: tuple[Any, ...]
    of: tuple[type[BaseModel], str] | None = None
    """The model and the name of its field, when the last step is one."""

    @property
    def field(self) -> FieldInfo | None:
        """That field."""
        return self.of[0].model_fields[self.of[1]] if self.of else None

    @property
    def description(self) -> str:
        """What is said of it; empty when nothing is."""
        return description(*self.of) if self.of else ""

    @property
    def keys(self) -> list[str]:
        """Names of the fields that may stand below; empty when any name may, or none."""
        return [name for kind in self.types if _is_model(kind) for name in kind.model_fields]

    def step(self, name: str | int) -> KnownPath | None:
        """The place one step further, or None when the models do not have it."""
        for kind in self.types:
            if _is_model(kind):
                if name in kind.model_fields:
                    found = kind.model_fields[str(name)]
                    return KnownPath(tuple(_alternatives(found.annotation)), (kind, str(name)))
            elif typing.get_origin(kind) in (dict, list):
                return KnownPath(tuple(_alternatives(typing.get_args(kind)[-1])))
        return None


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _alternatives(annotation: Any) -> Iterator[Any]:
    """The types of an annotation without Annotated and None."""
    if typing.get_origin(annotation) is typing.Annotated:
        yield from _alternatives(typing.get_args(annotation)[0])
    elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for argument in typing.get_args(annotation):
            yield from _alternatives(argument)
    elif annotation is not type(None):
        yield annotation


def place_of(model: type[BaseModel], path: Sequence[str | int]) -> KnownPath | None:
    """What `model` knows of `path`, or None when there is no such path."""
    place: KnownPath | None = KnownPath((model,))
    for step in path:
        if place is None:
            return None
        place = place.step(step)
    return place
