"""Writing digests into the text of a release, so that its comments and layout stay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ggi.catalogue.release import UNKNOWN, ImageFile, ReleaseFile
from ggi.errors import Origin, Problem, WorkError
from ggi.inventory.tree import Node, parse
from ggi.inventory.validate import validate
from ggi.messages import t

Place = tuple[str, str]
"""Component and name of the image."""

_ONE_LINE = re.compile(r"(?P<indent> *)(?P<name>[\w-]+): *\{(?P<inside>[^{}]*)\}(?P<remark> *(?:#.*)?)")
_DIGEST = re.compile(r"(?P<before> *digest: *)(?:unknown|sha256:[0-9a-f]+)(?P<after> *(?:#.*)?)")


@dataclass(frozen=True, slots=True)
class PlacedImage:
    """An image of a release, and where it is written."""

    place: Place
    file: ImageFile
    origin: Origin


def images(tree: Node, model: ReleaseFile) -> Iterator[PlacedImage]:
    """Every image of a release file, in the order in which it is written."""
    for component, version in model.components.items():
        for name, file in version.images.items():
            node = tree.child("components", component, "images", name)
            yield PlacedImage((component, name), file, node.origin if node else tree.origin)


def pinned(text: str, shown: str, digests: Mapping[Place, str]) -> str:
    """`text` of a release file with these digests. Raises WorkError when an image is not written in a known way.

    The result is read again: it says what it said, and these digests beside it.
    """
    lines = text.split("\n")
    tree = parse(text, shown)
    # From the end, so that lines that come in between leave the numbers before them as they are.
    wanted = [(tree.child("components", *_path(place)), place, digest) for place, digest in digests.items()]
    for node, place, digest in sorted(wanted, key=lambda one: one[0].origin.line if one[0] else 0, reverse=True):
        if node is None or not _write(lines, node, digest):
            where = node.origin if node else tree.origin
            message = t("the image {name} of {component} is not written as one can be changed", name=place[1],
                        component=place[0])  # fmt: skip
            raise WorkError(Problem(message, t("Write it with a line per key."), where))
    result = "\n".join(lines)
    _compare(text, result, shown, digests)
    return result


def _path(place: Place) -> tuple[str, str, str]:
    return place[0], "images", place[1]


def _write(lines: list[str], node: Node, digest: str) -> bool:
    number = node.origin.line - 1
    one_line = _ONE_LINE.fullmatch(lines[number])
    if one_line:
        indent = one_line["indent"]
        parts = [part.strip() for part in one_line["inside"].split(",")]
        keys = [part for part in parts if not part.startswith("digest:")]
        remark = f" {one_line['remark'].strip()}" if one_line["remark"].strip() else ""
        made = [*keys, f"digest: {digest}"]
        lines[number : number + 1] = [f"{indent}{one_line['name']}:{remark and ' ' + remark}"] + [
            f"{indent}  {key}" for key in made
        ]
        return True
    children = node.value if isinstance(node.value, dict) else {}
    if "digest" in children:
        at = children["digest"].origin.line - 1
        found = _DIGEST.fullmatch(lines[at])
        if found:
            lines[at] = f"{found['before']}{digest}{found['after']}"
        return found is not None
    if "tag" not in children:
        return False
    at = children["tag"].origin.line - 1
    key = re.match(r"( *)tag: *\S+ *(?:#.*)?$", lines[at])
    if key:
        lines.insert(at + 1, f"{key[1]}digest: {digest}")
    return key is not None


def _compare(before: str, after: str, shown: str, digests: Mapping[Place, str]) -> None:
    problems: list[Problem] = []
    old, new = (validate(parse(text, shown), ReleaseFile, problems) for text in (before, after))
    if old is None or new is None or problems:
        raise WorkError(*problems)
    wanted = old.model_dump()
    for (component, name), digest in digests.items():
        wanted["components"][component]["images"][name]["digest"] = digest
    if new.model_dump() != wanted:
        raise WorkError(t("{file} would say something else than it should; it was left as it is", file=shown))


def unknown(found: PlacedImage) -> bool:
    """Whether nobody has read this image's digest."""
    return found.file.digest == UNKNOWN
