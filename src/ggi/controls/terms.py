"""What content roots say that controls and recipes may name: families, frameworks, kinds, and shared words of evidence.

`policies/families.yaml`, `policies/frameworks/*.yaml` and `policies/frameworks.yaml`, `policies/kinds.yaml` and
`policies/evidence.yaml` of the checkout, and of every further content root, which adds to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import StringConstraints

from ggi.controls.control import ControlFile, Text
from ggi.controls.coverage import load_frameworks
from ggi.controls.evidence import EvidenceFile, Vocabulary
from ggi.controls.kinds import add_kinds, known_kinds
from ggi.errors import Problem, raise_if
from ggi.inventory.models import Model
from ggi.inventory.tree import Node, read
from ggi.inventory.types import Line
from ggi.inventory.validate import nearest, origin_of, validate
from ggi.messages import t
from ggi.paths import ROOT

FAMILIES = Path("policies") / "families.yaml"
CITED = Path("policies") / "frameworks.yaml"
EVIDENCE = Path("policies") / "evidence.yaml"
M = TypeVar("M", bound=Model)


class Family(Model):
    """What the controls with the same letters are about."""

    over: Literal["objects", "hosts", "recipes"]
    """What they look at: objects of a landscape, servers, or Microsoft 365 by recipes."""
    title: Text


class FamiliesFile(Model):
    """policies/families.yaml: families by the letters before the number of an id."""

    families: dict[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,3}$")], Family]


class CitedFile(Model):
    """policies/frameworks.yaml: frameworks that are cited, and whose norms are not listed."""

    frameworks: dict[Line, Text]


@dataclass(frozen=True)
class Terms:
    """What controls and recipes may name."""

    families: Mapping[str, Family] = field(default_factory=dict)
    frameworks: frozenset[str] = frozenset()
    words: Vocabulary = field(default_factory=Vocabulary)
    """The shared words of evidence."""

    def family(self, name: str) -> Text | None:
        """What the family of a control is about, by the control's id."""
        found = self.families.get(name.partition("-")[0])
        return found.title if found else None

    def vocabulary(self, file: ControlFile) -> Vocabulary:
        """The words for the evidence of a control: those that it shares, and its own."""
        shared = {code: self.words.codes[code] for code in file.shared}
        return Vocabulary({**shared, **file.seen}, self.words.values)

    def problems(self, file: ControlFile, tree: Node, over: str) -> Iterator[Problem]:
        """What a control names and no content root has, each at its line; `over` is what its family must look at."""
        yield from self.strange_family(file.id, tree, over)
        for number, source in enumerate(file.sources):
            yield from self.strange_framework(source.framework, tree, number)
        for number, kind in enumerate(file.kinds):
            if kind not in (known := [*known_kinds(), "pods"]):
                place = origin_of(tree, "kinds", number)
                yield Problem(t("there is no kind {name}", name=kind), nearest(kind, known), place)
        for number, code in enumerate(file.shared):
            if code not in self.words.codes:
                message = t("no content root has words for {code}", code=code)
                yield Problem(message, nearest(code, self.words.codes), origin_of(tree, "shared", number))

    def strange_family(self, name: str, tree: Node, over: str) -> Iterator[Problem]:
        """The problem of an id whose family no content root has."""
        known = [letters for letters, family in self.families.items() if family.over == over]
        if name.partition("-")[0] not in known:
            message = t("{id} is of no family; known: {names}", id=name, names=", ".join(known))
            yield Problem(message, t("Add the family to {file}.", file=FAMILIES), origin_of(tree, "id"))

    def strange_framework(self, name: str, tree: Node, number: int) -> Iterator[Problem]:
        """The problem of a source whose framework no content root has; `number` is its place in `sources`."""
        if name not in self.frameworks:
            place = origin_of(tree, "sources", number, "framework")
            yield Problem(t("there is no framework {name}", name=name), nearest(name, self.frameworks), place)


def load_terms(roots: Sequence[Path]) -> Terms:
    """The terms of the checkout and of these content roots; a later root adds. Raises InputError."""
    every = tuple(dict.fromkeys((ROOT, *roots)))
    return _loaded(every, tuple(_stamp(root) for root in every))


def _stamp(root: Path) -> tuple[tuple[str, int], ...]:
    """When the files of a root were written; what was read is used again until one of them changes."""
    files = [root / FAMILIES, root / CITED, root / EVIDENCE, *sorted((root / CITED.with_suffix("")).glob("*.yaml"))]
    return tuple((file.name, file.stat().st_mtime_ns) for file in files if file.is_file())


@cache
def _loaded(roots: tuple[Path, ...], stamps: tuple[tuple[tuple[str, int], ...], ...]) -> Terms:
    problems: list[Problem] = []
    families: dict[str, Family] = {}
    frameworks = {file.framework for file in load_frameworks(roots)}
    words = Vocabulary()
    add_kinds(roots)
    for root in roots:
        if found := _file(root, FAMILIES, FamiliesFile, problems):
            families |= found.families
        if cited := _file(root, CITED, CitedFile, problems):
            frameworks |= set(cited.frameworks)
        if said := _file(root, EVIDENCE, EvidenceFile, problems):
            words = Vocabulary({**words.codes, **said.codes}, {**words.values, **said.values})
    raise_if(problems)
    return Terms(families, frozenset(frameworks), words)


def _file(root: Path, name: Path, model: type[M], problems: list[Problem]) -> M | None:
    path = root / name
    return validate(read(path, str(name), name.stem), model, problems) if path.is_file() else None
