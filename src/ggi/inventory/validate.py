"""From a tree of nodes to a pydantic model, with every error at the file and line of the value that caused it."""

from __future__ import annotations

import difflib
import math
import reprlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ggi.errors import Origin, Problem
from ggi.inventory.fields import place_of
from ggi.inventory.merge import APPEND, LOCKED
from ggi.inventory.tree import Node
from ggi.messages import t

M = TypeVar("M", bound=BaseModel)

MOST_SHOWN = 15


def nearest(word: str, known: Iterable[str]) -> str:
    """ "Did you mean …?" for a misspelt `word`, or the list of what is known; empty when nothing is."""
    words = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), words, n=1, cutoff=0.6)
    if close:
        return t("Did you mean {word}?", word=words[close[0]])
    if not words:
        return ""
    shown = sorted(words.values())
    more = ", …" if len(shown) > MOST_SHOWN else ""
    return t("Known here: {words}.", words=", ".join(shown[:MOST_SHOWN]) + more)


def _locate(tree: Node, loc: Sequence[str | int]) -> Node:
    """The deepest node on the way along `loc`; pydantic adds steps of its own, which have no node."""
    node = tree
    for step in loc:
        child = node.child(step)
        if child is None:
            break
        node = child
    return node


_WANTED: dict[str, Callable[[], str]] = {
    "int_type": lambda: t("a whole number"),
    "int_from_float": lambda: t("a whole number"),
    "float_type": lambda: t("a number"),
    "bool_type": lambda: t("true or false"),
    "string_type": lambda: t("a text"),
    "list_type": lambda: t("a list"),
    "dict_type": lambda: t("a mapping (`name: value` lines)"),
    "model_type": lambda: t("a mapping (`name: value` lines)"),
    "model_attributes_type": lambda: t("a mapping (`name: value` lines)"),
}
"""What pydantic's kinds of errors ask for (docs.pydantic.dev, Validation errors)."""


def _reason(kind: str, context: Mapping[str, Any], value: Any, english: str) -> str:
    shown = reprlib.repr(value)
    if kind == "value_error":
        return str(context.get("error", english))
    if kind in _WANTED:
        return t("{value} is not {wanted}", value=shown, wanted=_WANTED[kind]())
    if kind in ("enum", "literal_error"):
        return t("{value} is not one of {expected}", value=shown, expected=context.get("expected", ""))
    if kind in ("greater_than_equal", "less_than_equal"):
        limit = context.get("ge", context.get("le"))
        if kind == "greater_than_equal":
            return t("{value} is less than {limit}", value=shown, limit=limit)
        return t("{value} is more than {limit}", value=shown, limit=limit)
    if kind == "string_pattern_mismatch":
        return t("{value} does not match {pattern}", value=shown, pattern=context.get("pattern"))
    return f"{shown}: {english[:1].lower()}{english[1:]}"


def _problem(error: Any, tree: Node, model: type[BaseModel], prefix: Sequence[str]) -> Problem:
    loc = error["loc"]
    node = _locate(tree, loc)
    name = ".".join(str(step) for step in (*prefix, *loc))
    kind, origin = error["type"], node.origin
    if kind == "extra_forbidden":
        holder = place_of(model, loc[:-1])
        known = holder.keys if holder else []
        return Problem(t("unknown key {key}", key=name), nearest(str(loc[-1]), known), origin)
    if kind == "missing":
        return Problem(t("{key} is missing", key=name), t("Add it here."), origin)
    if kind in ("string_type", "value_error") and node.plain_style and node.raw and not isinstance(node.value, str):
        return Problem(
            t("{key}: {raw} without quotes is read as {value!r}", key=name, raw=node.raw, value=node.value),
            t('Write "{raw}" with quotes.', raw=node.raw),
            origin,
        )
    reason = _reason(kind, error.get("ctx", {}), node.plain(), error["msg"])
    return Problem(f"{name}: {reason}", t("Correct this value."), origin)


def _drop(data: Any, path: Sequence[str | int]) -> bool:
    """Take what stands at `path` out of `data`; False when nothing does."""
    try:
        for step in path[:-1]:
            data = data[step]
        del data[path[-1]]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _words_stand_alone(node: Node, problems: list[Problem]) -> None:
    """`node` is unwrapped. Where names are free, a `locked` that is left would be one of them, and lock nothing."""
    if not isinstance(node.value, dict):
        return
    for key, child in node.value.items():
        if key == LOCKED or (key == APPEND and len(node.value) > 1):
            message = t("{word} is a word of the inventory: here it does nothing", word=key)
            problem = Problem(message, t("Write `name: {{{word}: VALUE}}`, or another name.", word=key), child.origin)
            if problem not in problems:
                problems.append(problem)
        _words_stand_alone(child, problems)


def _without_value(
    tree: Node, model: type[BaseModel], prefix: Sequence[str], problems: list[Problem], layered: Callable[[Any], bool]
) -> set[tuple[str | int, ...]]:
    """Paths at which nothing is written although the model knows the key. `domain:` would be read as not said.

    Where `layered` says so of the first step, `null` is something to say: it takes back what a lower layer says.
    """
    found: set[tuple[str | int, ...]] = set()
    for path, node in tree.leaves():
        name = ".".join(str(step) for step in (*prefix, *path))
        if isinstance(node.value, float) and not math.isfinite(node.value):
            problem = Problem(
                t("{key}: {raw} is not a number", key=name, raw=node.raw), t("Correct this value."), node.origin
            )
        elif node.value is not None or not path or (node.raw and layered(path[0])):
            continue
        elif (place := place_of(model, path)) and not {Any, object} & {*place.types}:
            problem = Problem(t("{key} has no value", key=name), t("Write one, or remove the line."), node.origin)
        else:
            continue
        found.add(path)
        if problem not in problems:
            problems.append(problem)
    return found


def validate(
    tree: Node,
    model: type[M],
    problems: list[Problem],
    prefix: Sequence[str] = (),
    partial: Collection[str] | None = (),
    nulls: bool = False,
) -> M | None:
    """`tree` as `model`, or None with every error added to `problems`.

    `prefix` is the path of `tree` in its file, for messages. Below the keys in `partial` (None: everywhere) a mapping
    may lack keys that its model demands, since another layer can have them; such a mapping is left out of the result.
    There, or everywhere with `nulls`, a value may be `null`.
    """
    if not isinstance(tree.value, dict):
        problems.append(Problem(t("a mapping is expected here"), t("Write `name: value` lines."), tree.origin))
        return None
    data = tree.plain()
    empty = _without_value(tree, model, prefix, problems, lambda key: nulls or partial is None or (key in partial))
    while True:
        try:
            found = model.model_validate(data)
            if partial is None or partial:
                _words_stand_alone(tree, problems)
            return found
        except ValidationError as failed:
            errors: list[Any] = [
                {**error, "loc": tuple(step for step in error["loc"] if step != "[key]")}
                for error in failed.errors(include_url=False)
            ]
        gaps: list[Any] = []
        wrong: list[Any] = []
        for error in errors:
            loc = error["loc"]
            gap = error["type"] == "missing" and (partial is None or (len(loc) > 1 and loc[0] in partial))
            (gaps if gap else wrong).append(error)
        if wrong:
            told = [error for error in wrong if error["loc"] not in empty]
            problems.extend(_problem(error, tree, model, prefix) for error in told)
            return None
        if not _drop(data, gaps[0]["loc"][:-1]):
            return None


def origin_of(tree: Node, *path: str | int) -> Origin:
    """Where the value at `path` stands, or the nearest place above it."""
    return _locate(tree, path).origin
