"""YAML with a memory: every value keeps the file and line it was written on.

YAML 1.2 core scalars only. (YAML 1.1 reads `no` as false, `0344` as 228 and `12:30` as 750.) No anchors, aliases, tags
or second documents: none is needed for a tenant file, and each is a way to write what the reader does not see.
"""

from __future__ import annotations

import re
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ggi.errors import InputError, Origin, Problem, raise_if
from ggi.messages import t

MAX_BYTES = 262_144
"""A tenant file is a page long; a file of more than 256 KiB is a mistake, and reading it would only delay saying so."""
MAX_DEPTH = 30
"""The deepest key of any model lies at a depth of about 10."""
_MAX_DIGITS = 100

Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A value as written. `value` is a scalar, a dict of nodes or a list of nodes; `raw` is a scalar's own text.

    `locked` forbids a higher layer to change it. `plain_style`: it was written without quotes. The origin of a value
    in a mapping is the line of its key.
    """

    value: Any
    origin: Origin
    raw: str = ""
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

    def leaves(self, path: Steps = ()) -> Iterator[tuple[Steps, Node]]:
        """Every scalar below this node with its path; an empty mapping or list counts as one."""
        if isinstance(self.value, dict) and self.value:
            for key, node in self.value.items():
                yield from node.leaves((*path, key))
        elif isinstance(self.value, list) and self.value:
            for index, node in enumerate(self.value):
                yield from node.leaves((*path, index))
        else:
            yield path, self


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INT = re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOAT = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = {"", "~", "null", "Null", "NULL"}


def scalar(raw: str) -> Any:
    """What an unquoted scalar means in the YAML 1.2 core schema (yaml.org/spec/1.2.2, section 10.3.2)."""
    if raw in _NULL:
        return None
    if raw in _BOOL:
        return _BOOL[raw]
    if raw[0] not in "+-.0123456789" or len(raw) > _MAX_DIGITS:
        return raw
    if _INT.match(raw):
        return int(raw, 0) if raw[:2] in ("0o", "0x") else int(raw)
    if _FLOAT.match(raw):
        return float(raw.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return raw


class _Builder:
    """From the events of one document to nodes. Problems that leave the rest readable are collected."""

    def __init__(self, loader: Any, shown: str, layer: str) -> None:
        self._loader = loader
        self._shown = shown
        self._layer = layer
        self.problems: list[Problem] = []

    def _problem(self, message: str, fix: str, origin: Origin) -> None:
        self.problems.append(Problem(message, fix, origin))

    def _at(self, event: Any) -> Origin:
        return Origin(self._shown, event.start_mark.line + 1, self._layer)

    def document(self) -> Node:
        """The root of the only document."""
        self._loader.get_event()
        event = self._loader.get_event()
        if isinstance(event, yaml.StreamEndEvent):
            return Node({}, Origin(self._shown, 1, self._layer))
        root = self._node(self._loader.get_event(), 0)
        self._loader.get_event()
        event = self._loader.get_event()
        if not isinstance(event, yaml.StreamEndEvent):
            self._problem(t("a second document begins here (---)"), t("Write one document per file."), self._at(event))
        if root.value is None:
            return Node({}, root.origin)
        return root

    def _node(self, event: Any, depth: int) -> Node:
        origin = self._at(event)
        if isinstance(event, yaml.AliasEvent):
            self._problem(t("an alias (*name) is used"), t("Write the value out; aliases are not read."), origin)
            return Node(None, origin)
        if event.anchor is not None:
            self._problem(t("an anchor (&name) is used"), t("Remove it; anchors are not read."), origin)
        if event.tag is not None:
            self._problem(t("a tag ({tag}) is used", tag=event.tag), t("Remove it; tags are not read."), origin)
        if isinstance(event, yaml.ScalarEvent):
            plain = not event.style
            return Node(scalar(event.value) if plain else event.value, origin, event.value, plain_style=plain)
        if depth >= MAX_DEPTH:
            fix = t("Write a flat mapping.")
            raise InputError(*self.problems, Problem(t("the values are nested too deeply"), fix, origin))
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(event := self._loader.get_event(), yaml.SequenceEndEvent):
                items.append(self._node(event, depth + 1))
            return Node(items, origin)
        return Node(self._mapping(depth), origin)

    def _mapping(self, depth: int) -> dict[str, Node]:
        result: dict[str, Node] = {}
        while not isinstance(event := self._loader.get_event(), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            child = self._node(self._loader.get_event(), depth + 1)
            if not isinstance(event, yaml.ScalarEvent):
                self._problem(t("a key must be a word"), t("Write `name: value`."), key.origin)
            elif key.raw in result:
                first = result[key.raw].origin
                self._problem(
                    t("the key {key} stands here a second time (first: {first})", key=key.raw, first=first),
                    t("Keep one of the two."),
                    key.origin,
                )
            else:
                # A nested block starts on the next line; the key's own line is where a reader looks.
                result[key.raw] = Node(child.value, key.origin, child.raw, plain_style=child.plain_style)
        return result


def _not_yaml(error: yaml.YAMLError, text: str, shown: str, layer: str) -> Problem:
    fix = t("Indent with spaces and check quotes, colons and brackets on this line and the one above.")
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark or error.context_mark):
        line = mark.line + 1
        lines = text.splitlines()
        written = lines[line - 1] if line <= len(lines) else ""
        if "\t" in written[: len(written) - len(written.lstrip())] or written[mark.column : mark.column + 1] == "\t":
            return Problem(
                t("a tab indents this line"), t("Indent with spaces; YAML has no tabs."), Origin(shown, line, layer)
            )
        return Problem(t("this is not YAML: {what}", what=error.problem), fix, Origin(shown, line, layer))
    position = getattr(error, "position", None)
    if isinstance(position, int):
        # The C reader counts bytes, the Python one characters; the line is the same unless the text is very exotic.
        index = next((i for i, c in enumerate(text) if _forbidden(c)), position)
        line = text.count("\n", 0, index) + 1
        return Problem(
            t("this line has a control character"), t("Remove it, or type the line again."), Origin(shown, line, layer)
        )
    return Problem(t("this is not YAML: {what}", what=str(error).splitlines()[0]), fix, Origin(shown, 0, layer))


def _forbidden(character: str) -> bool:
    """Characters that YAML does not allow in a file (yaml.org/spec/1.2.2, section 5.1)."""
    code = ord(character)
    return (
        (code < 0x20 and code not in (9, 10, 13)) or (0x7F <= code < 0xA0 and code != 0x85) or code in (0xFFFE, 0xFFFF)
    )


def parse(text: str, shown: str, layer: str = "", problems: list[Problem] | None = None) -> Node:
    """Parse one YAML document. `shown` is the file name for messages. Raises InputError with every problem found.

    With `problems`, those that leave a tree to go on with (a key that stands twice) are added there instead.
    """
    loader = _Loader(text)
    builder = _Builder(loader, shown, layer)
    try:
        tree = builder.document()
    except yaml.YAMLError as error:
        raise InputError(*builder.problems, _not_yaml(error, text, shown, layer)) from None
    finally:
        loader.dispose()
    if problems is None:
        raise_if(builder.problems)
    else:
        problems.extend(builder.problems)
    return tree


def _bytes(path: Path, place: Origin) -> bytes:
    info = path.stat()
    if not stat.S_ISREG(info.st_mode):
        what = t("a folder") if stat.S_ISDIR(info.st_mode) else t("something else")
        raise InputError(
            Problem(t("this is not a file but {what}", what=what), t("Put a YAML file in its place."), place)
        )
    if info.st_size > MAX_BYTES:
        raise InputError(
            Problem(
                t("this file is {size} bytes; at most {most} are read", size=info.st_size, most=MAX_BYTES),
                t("A tenant file is about a page. Check that this is the file you meant."),
                place,
            )
        )
    return path.read_bytes()


def _legible(text: str, shown: str, layer: str) -> None:
    """Refuse characters that nobody sees, and letters in two parts. Raises InputError.

    A byte order mark in a text, a space of no width or a change of direction makes a name another one than it reads as
    (Unicode TR 36; CVE-2021-42574). A letter with a loose diacritic is not the letter that people type: NFC is the form
    for exchange (Unicode TR 15; W3C, Character Model).
    """
    if text.isascii():
        return
    problems = []
    for number, line in enumerate(text.split("\n"), start=1):
        unseen = next((c for c in line if unicodedata.category(c) == "Cf"), "")
        if unseen:
            what = t("this line has a character that is not seen: U+{code}", code=f"{ord(unseen):04X}")
            problems.append(Problem(what, t("Remove it, or type the line again."), Origin(shown, number, layer)))
        elif not unicodedata.is_normalized("NFC", line):
            what = t("this line has a letter whose diacritic is a character of its own")
            problems.append(Problem(what, t("Type the letter again, in one piece."), Origin(shown, number, layer)))
    raise_if(problems)


def read(path: Path, shown: str, layer: str = "", problems: list[Problem] | None = None) -> Node:
    """Read one YAML file, see `parse`. Raises InputError when it is missing, too large, or not UTF-8."""
    place = Origin(shown, 0, layer)
    try:
        content = _bytes(path, place)
    except OSError as error:
        raise InputError(
            Problem(
                t("this file can't be read: {why}", why=error.strerror or error),
                t("Check the name and the rights."),
                place,
            )
        ) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            Problem(t("this file is not UTF-8"), t("Save it as UTF-8."), Origin(shown, line, layer))
        ) from None
    _legible(text, shown, layer)
    return parse(text, shown, layer, problems)
