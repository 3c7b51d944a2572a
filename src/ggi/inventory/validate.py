"""From a tree of nodes to a pydantic model, with every error at the file and line of the value that caused it."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ggi.errors import Origin, Problem
from ggi.inventory.tree import Node
from ggi.messages import t

M = TypeVar("M", bound=BaseModel)


def nearest(word: str, known: Sequence[str]) -> str:
    """ "Did you mean …?" for a misspelt `word`, or the list of what is known."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return t("Did you mean {word}?", word=close[0])
    return t("Known here: {words}.", words=", ".join(sorted(known)))


def _fields_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """Field names of the model that holds the last step of `loc`."""
    current: Any = model
    for step in loc[:-1]:
        if isinstance(current, type) and issubclass(current, BaseModel) and step in current.model_fields:
            current = current.model_fields[str(step)].annotation
        else:
            arguments = typing.get_args(current)
            current = arguments[-1] if arguments else None
        while typing.get_origin(current) not in (dict, list, None) or type(None) in typing.get_args(current):
            inner = [a for a in typing.get_args(current) if a is not type(None)]
            if not inner:
                break
            current = inner[0]
    if isinstance(current, type) and issubclass(current, BaseModel):
        return list(current.model_fields)
    return []


def _locate(tree: Node, loc: Sequence[str | int]) -> Node:
    """The deepest node on the way along `loc`; pydantic adds steps of its own, such as `[key]`, which have no node."""
    node = tree
    for step in loc:
        child = node.child(step)
        if child is None:
            break
        node = child
    return node


def _problem(error: Any, tree: Node, model: type[BaseModel]) -> Problem:
    loc = [step for step in error["loc"] if step != "[key]"]
    node = _locate(tree, loc)
    name = ".".join(str(step) for step in loc)
    kind, origin = error["type"], node.origin
    if kind == "extra_forbidden":
        return Problem(t("unknown key {key}", key=name), nearest(str(loc[-1]), _fields_at(model, loc)), origin)
    if kind == "missing":
        return Problem(t("{key} is missing", key=name), t("Add it here."), origin)
    if kind in ("string_type", "value_error") and node.plain_style and node.raw and not isinstance(node.value, str):
        return Problem(
            t("{key}: {raw} without quotes is read as {value!r}", key=name, raw=node.raw, value=node.value),
            t('Write "{raw}" with quotes.', raw=node.raw),
            origin,
        )
    context = error.get("ctx", {})
    if kind == "value_error":
        message = str(context.get("error", error["msg"]))
    elif kind == "enum" or kind == "literal_error":
        message = t("{value!r} is not one of {expected}", value=node.plain(), expected=context.get("expected", ""))
    else:
        message = t("{value!r}: {why}", value=node.plain(), why=error["msg"][:1].lower() + error["msg"][1:])
    return Problem(f"{name}: {message}", t("Correct this value."), origin)


def validate(tree: Node, model: type[M], problems: list[Problem], prefix: Sequence[str] = ()) -> M | None:
    """`tree` as `model`, or None with every error added to `problems`.

    `prefix` is the path of `tree` in its file, for messages.
    """
    if not isinstance(tree.value, dict):
        problems.append(Problem(t("a mapping is expected here"), t("Write `name: value` lines."), tree.origin))
        return None
    try:
        return model.model_validate(tree.plain())
    except ValidationError as failed:
        for error in failed.errors(include_url=False):
            problem = _problem(error, tree, model)
            if prefix:
                problem = Problem(f"{'.'.join(prefix)}: {problem.message}", problem.fix, problem.origin)
            problems.append(problem)
        return None


def origin_of(tree: Node, *path: str | int) -> Origin:
    """Where the value at `path` stands, or the nearest place above it."""
    return _locate(tree, path).origin
