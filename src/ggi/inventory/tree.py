"""YAML with a memory: every value keeps the file and line it was written on, and what it replaced.

YAML 1.2 core scalars only. (YAML 1.1 reads `no` as false, `0344` as 228 and `12:30` as 750.) No anchors, aliases, tags
or second documents: none is needed for a tenant file, and each is a way to write what the reader does not see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ggi.errors import InputError, Origin, Problem, raise_if
from ggi.messages import t

MAX_BYTES = 262_144
"""A tenant file is a page long; a file of more than 256 KiB is a mistake, and reading it would only delay saying so."""

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A value as written. `value` is a scalar, a dict of nodes or a list of nodes; `raw` is a scalar's own text.

    `overrides` holds the lower layers' nodes that this one replaced, nearest first. `locked` forbids a higher layer to
    change it. `key_origins` tells where each key of a mapping stands.
    """

    value: Any
    origin: Origin
    raw: str = ""
    overrides: tuple[Node, ...] = ()
    locked: bool = False
    plain_style: bool = True

    def child(self, *path: str | int) -> Node | None:
        """The node below this one at `path`, or None."""
        node: Node | None = self
        for step in path:
            if node is None:
                return None
            if isinstance(node.value, dict) and isinstance(step, str):
                node = node.value.get(step)
            elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
            else:
                return None
        return node

    def plain(self) -> Any:
        """The bare value without places: dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {k: v.plain() for k, v in self.value.items()}
        if isinstance(self.value, list):
            return [v.plain() for v in self.value]
        return self.value

    def leaves(self, path: Path_ = ()) -> Iterator[tuple[Path_, Node]]:
        """Every scalar below this node with its path; an empty mapping or list counts as one."""
        if isinstance(self.value, dict) and self.value:
            for key, node in self.value.items():
                yield from node.leaves((*path, key))
        elif isinstance(self.value, list) and self.value:
            for index, node in enumerate(self.value):
                yield from node.leaves((*path, index))
        else:
            yield path, self


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """A loader that resolves the scalars of the YAML 1.2 core schema (yaml.org/spec/1.2.2, section 10.3.2)."""

    yaml_implicit_resolvers: dict[str, Any] = {}


_INT = re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOAT = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = {"", "~", "null", "Null", "NULL"}


def _scalar(raw: str) -> Any:
    if raw in _NULL:
        return None
    if raw in _BOOL:
        return _BOOL[raw]
    if _INT.match(raw):
        return int(raw, 0) if raw[:2] in ("0o", "0x") else int(raw)
    if _FLOAT.match(raw):
        return float(raw.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return raw


def parse(text: str, shown: str, layer: str = "") -> Node:
    """Parse one YAML document. `shown` is the file name for messages. Raises InputError with every problem found."""
    problems: list[Problem] = []
    seen: set[int] = set()

    def at(mark: Any) -> Origin:
        return Origin(shown, mark.line + 1, layer)

    def convert(node: Any) -> Node:
        origin = at(node.start_mark)
        if id(node) in seen:
            problems.append(
                Problem(
                    t("an alias (*name) is used"), t("Write the value out; anchors and aliases are not read."), origin
                )
            )
            return Node(None, origin)
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            plain = not node.style
            return Node(_scalar(node.value) if plain else node.value, origin, node.value, plain_style=plain)
        if isinstance(node, yaml.SequenceNode):
            return Node([convert(item) for item in node.value], origin)
        result: dict[str, Node] = {}
        for key_node, value_node in node.value:
            place = at(key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                problems.append(Problem(t("a key must be a word"), t("Write `name: value`."), place))
                continue
            key = str(key_node.value)
            child = convert(value_node)
            if key in result:
                first = result[key].origin
                problems.append(
                    Problem(
                        t("the key {key} stands here a second time (first: {first})", key=key, first=first),
                        t("Keep one of the two."),
                        place,
                    )
                )
                continue
            # A nested block starts on the next line; the key's own line is where a reader looks.
            result[key] = Node(child.value, place, child.raw, plain_style=child.plain_style)
        return Node(result, origin)

    loader = _Loader(text)
    try:
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = (error.problem or str(error)).strip()
        fix = t("Indent with spaces and check quotes, colons and brackets on this line and the one above.")
        if "\\t" in what or "cannot start any token" in what:
            what = t("a tab, or a character that cannot start a value")
        raise InputError(
            Problem(t("this is not YAML: {what}", what=what), fix, at(mark) if mark else Origin(shown, 0, layer))
        ) from None
    except (yaml.YAMLError, RecursionError) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            Problem(
                t("this is not YAML: {what}", what=what), t("Check the file in an editor."), Origin(shown, 0, layer)
            )
        ) from None
    finally:
        loader.dispose()
    if root is None:
        return Node({}, Origin(shown, 1, layer))
    try:
        tree = convert(root)
    except RecursionError:
        raise InputError(
            Problem(t("the values are nested too deeply"), t("Write a flat mapping."), Origin(shown, 1, layer))
        ) from None
    raise_if(problems)
    return tree


def read(path: Path, shown: str, layer: str = "") -> Node:
    """Read one YAML file, see `parse`. Raises InputError when it is missing, too large, or not UTF-8."""
    place = Origin(shown, 0, layer)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(
                Problem(
                    t("this file is {size} bytes; at most {most} are read", size=size, most=MAX_BYTES),
                    t("A tenant file is about a page. Check that this is the file you meant."),
                    place,
                )
            )
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise InputError(
            Problem(t("this file is not UTF-8"), t("Save it as UTF-8."), Origin(shown, line, layer))
        ) from None
    except OSError as error:
        raise InputError(
            Problem(
                t("this file can't be read: {why}", why=error.strerror or error),
                t("Check the name and the rights."),
                place,
            )
        ) from None
    return parse(text, shown, layer)
