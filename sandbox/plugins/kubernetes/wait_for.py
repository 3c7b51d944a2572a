"""`pulumi.com/waitFor`: conditions that a person names, on any kind.

`condition=Type` or `condition=Type=Status`; `jsonpath={.path}` (it exists) or `jsonpath={.path}=value`; or a JSON list
of those, all of which must hold. Forms and meaning are the official plugin's and kubectl's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from sandbox.plugins.kubernetes.objects import WAIT_FOR, Object, annotation, at
from sandbox.plugins.kubernetes.readiness import READY, Readiness, conditions

Condition = Callable[[Object], Readiness]


def conditions_of(obj: Object) -> list[Condition]:
    """Return what the annotation of `obj` asks to wait for; empty without one. Raises ValueError for a wrong form."""
    text = annotation(obj, WAIT_FOR)
    if not text:
        return []
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = text
    expressions = parsed if isinstance(parsed, list) else [text]
    if not expressions:
        raise ValueError(f"{WAIT_FOR} holds an empty list: name at least one condition")
    return [parse(str(expression)) for expression in expressions]


def parse(expression: str) -> Condition:
    """Return the condition that one expression stands for. Raises ValueError."""
    prefix, _, rest = expression.partition("=")
    if prefix == "condition" and rest:
        kind, _, status = rest.partition("=")
        return _status_condition(kind, status or "True")
    if prefix == "jsonpath" and rest:
        return _json_path_condition(rest)
    raise ValueError(f"{WAIT_FOR} must begin with jsonpath= or condition=, but is {expression!r}")


def _status_condition(kind: str, status: str) -> Condition:
    def check(obj: Object) -> Readiness:
        for name, condition in conditions(obj).items():
            if name.lower() != kind.lower():
                continue
            observed = condition.get("observedGeneration", at(obj, "status", "observedGeneration"))
            if isinstance(observed, int) and observed < (at(obj, "metadata", "generation") or 0):
                return Readiness(False, f"The condition {kind} is about an older generation")
            found = str(condition.get("status"))
            if found.lower() == status.lower():
                return READY
            why = " ".join(str(condition[key]) for key in ("reason", "message") if condition.get(key))
            return Readiness(False, f"The condition {kind} is {found}, not {status}{': ' + why if why else ''}")
        return Readiness(False, f"There is no condition {kind} yet")

    return check


def _json_path_condition(text: str) -> Condition:
    match = re.fullmatch(r"\{\s*(.*?)\s*\}(?:=(.+))?", text, re.DOTALL)
    if match is None:
        raise ValueError(f"{WAIT_FOR}: write jsonpath={{.path}} or jsonpath={{.path}}=value, not {text!r}")
    path, value = match.groups()
    steps = _parse_path(path.removeprefix("$"))

    def check(obj: Object) -> Readiness:
        found = list(_select([obj], steps))
        if not found:
            return Readiness(False, f"{path} selects nothing yet")
        if value is None:
            return READY
        if isinstance(found[0], dict | list):
            return Readiness(False, f"{path} must select a single value to compare", failed=True)
        shown = _shown(found[0])
        return READY if shown == value else Readiness(False, f"{path} is {shown}, not {value}")

    return check


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


_Step = tuple[str, Any]
_STEP = re.compile(
    r"""\.(?P<name>[A-Za-z_][\w-]*)"""
    r"""|\[\s*(?P<quote>['"])(?P<quoted>(?:\\.|(?!(?P=quote)).)*)(?P=quote)\s*\]"""
    r"""|\[\s*(?P<index>-?\d+)\s*\]"""
    r"""|(?P<all>\[\s*\*\s*\]|\.\*)"""
    r"""|\[\?\(?\s*@(?P<inner>[^=!<>)\]]*?)\s*(?:(?P<operator>==|!=)\s*(?P<literal>"[^"]*"|'[^']*'|[\w.-]+)\s*)?\)?\]"""
)


def _parse_path(text: str) -> list[_Step]:
    """Return the steps of a JSONPath: names, quoted names, indexes, `*`, and filters with one comparison."""
    steps: list[_Step] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise ValueError(f"{WAIT_FOR}: can't read the JSONPath {text!r} from {text[position:]!r} on")
        position = match.end()
        if match["name"] is not None:
            steps.append(("name", match["name"]))
        elif match["quoted"] is not None:
            steps.append(("name", re.sub(r"\\(.)", r"\1", match["quoted"])))
        elif match["index"] is not None:
            steps.append(("index", int(match["index"])))
        elif match["all"]:
            steps.append(("all", None))
        else:
            literal = match["literal"]
            wanted = literal.strip("\"'") if literal is not None else None
            steps.append(("filter", (_parse_path(match["inner"]), match["operator"], wanted)))
    return steps


def _select(values: list[Any], steps: list[_Step]) -> Iterator[Any]:
    for kind, argument in steps:
        values = [chosen for value in values for chosen in _apply(value, kind, argument)]
    yield from values


def _apply(value: Any, kind: str, argument: Any) -> Iterator[Any]:
    if kind == "name":
        if isinstance(value, dict) and argument in value:
            yield value[argument]
    elif kind == "index":
        if isinstance(value, list) and -len(value) <= argument < len(value):
            yield value[argument]
    elif isinstance(value, dict | list):
        items = list(value.values()) if isinstance(value, dict) else value
        yield from items if kind == "all" else (item for item in items if _passes(item, *argument))


def _passes(item: Any, steps: list[_Step], operator: str | None, wanted: str | None) -> bool:
    found = list(_select([item], steps))
    if operator is None:
        return bool(found)
    equal = bool(found) and _shown(found[0]) == wanted
    return equal if operator == "==" else not equal
