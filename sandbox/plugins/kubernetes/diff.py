"""What differs between an object as it is and as the program wants it, by property path."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import Any

from sandbox.plugins.kubernetes.normalise import same_leaf
from sandbox.plugins.kubernetes.wire import Unknown

Path = tuple[str | int, ...]

_NEEDS_QUOTES = re.compile(r'[."\[\]]')


class ChangeKind(enum.Enum):
    """What happens to one property."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Difference:
    """One property that changes; `replaces` says that it can't change in place."""

    path: Path
    change: ChangeKind
    replaces: bool


@dataclass(slots=True)
class Differences:
    """All properties that change, by their path as Pulumi writes it."""

    found: dict[str, Difference] = field(default_factory=dict)

    @property
    def replaces(self) -> list[str]:
        """The paths that force a replacement."""
        return [path for path, difference in self.found.items() if difference.replaces]

    def ignore(self, patterns: list[str]) -> None:
        """Drop what is at or below one of the `ignoreChanges` paths; `*` in a path stands for any step."""
        ignored = [parse_path(pattern) for pattern in patterns]
        self.found = {
            text: difference
            for text, difference in self.found.items()
            if not any(_covers(pattern, difference.path) for pattern in ignored)
        }


def show_path(path: Path) -> str:
    """Return `path` as Pulumi writes it: `spec.ports[0].name`, `metadata.annotations["a.b/c"]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _NEEDS_QUOTES.search(step):
            quoted = step.replace('"', '\\"')
            text += f'["{quoted}"]'
        else:
            text += f".{step}" if text else step
    return text


def parse_path(text: str) -> Path:
    """Return the steps of a property path; the counterpart of `show_path`."""
    steps: list[str | int] = []
    for match in re.finditer(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.\[\]]+)', text):
        quoted, index, name = match.groups()
        if index is not None:
            steps.append(int(index) if index.isdigit() else index)
        else:
            steps.append(name if quoted is None else quoted.replace('\\"', '"'))
    return tuple(steps)


def _same_steps(left: Path, right: Path) -> bool:
    return all(a == b or "*" in (a, b) for a, b in zip(left, right, strict=False))


def _covers(pattern: Path, path: Path) -> bool:
    return len(pattern) <= len(path) and _same_steps(pattern, path)


def compare(old: dict[str, Any], new: dict[str, Any], fixed: tuple[str, ...]) -> Differences:
    """Return what changes from `old` (the live object, pruned to the old inputs) to `new` (the new inputs).

    `fixed` are the paths that can't change in place (see replace.py). Both are plain and normalised; an unknown value
    counts as a change.
    """
    result = Differences()
    _compare_maps(old, new, (), tuple(parse_path(path) for path in fixed), result)
    return result


def _note(path: Path, change: ChangeKind, value: Any, fixed: tuple[Path, ...], result: Differences) -> None:
    replaces = any(_touches(rule, path, value) for rule in fixed)
    result.found[show_path(path)] = Difference(path, change, replaces)


def _touches(rule: Path, path: Path, value: Any) -> bool:
    """Whether a change at `path` to `value` (or of a removed `value`) includes what `rule` names."""
    if _covers(rule, path):
        return True
    if not _same_steps(path, rule):
        return False
    return _contains(value, rule[len(path) :])


def _contains(value: Any, rest: Path) -> bool:
    if not rest:
        return True
    if rest[0] == "*":
        return isinstance(value, list) and any(_contains(item, rest[1:]) for item in value)
    return isinstance(value, dict) and rest[0] in value and _contains(value[rest[0]], rest[1:])


def _compare(old: Any, new: Any, path: Path, fixed: tuple[Path, ...], result: Differences) -> None:
    if isinstance(new, Unknown):
        _note(path, ChangeKind.UPDATE, new, fixed, result)
    elif isinstance(old, dict) and isinstance(new, dict):
        _compare_maps(old, new, path, fixed, result)
    elif isinstance(old, list) and isinstance(new, list):
        _compare_lists(old, new, path, fixed, result)
    elif not same_leaf(old, new, path):
        _note(path, ChangeKind.UPDATE, new, fixed, result)


def _compare_maps(
    old: dict[str, Any], new: dict[str, Any], path: Path, fixed: tuple[Path, ...], result: Differences
) -> None:
    for key, value in new.items():
        if key in old:
            _compare(old[key], value, (*path, key), fixed, result)
        else:
            _note((*path, key), ChangeKind.ADD, value, fixed, result)
    for key, value in old.items():
        if key not in new:
            _note((*path, key), ChangeKind.DELETE, value, fixed, result)


def _compare_lists(old: list[Any], new: list[Any], path: Path, fixed: tuple[Path, ...], result: Differences) -> None:
    for index, (left, right) in enumerate(zip(old, new, strict=False)):
        _compare(left, right, (*path, index), fixed, result)
    for index in range(len(old), len(new)):
        _note((*path, index), ChangeKind.ADD, new[index], fixed, result)
    for index in range(len(new), len(old)):
        _note((*path, index), ChangeKind.DELETE, old[index], fixed, result)
