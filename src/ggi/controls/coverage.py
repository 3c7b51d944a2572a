"""Which norms the controls prove, and honestly which not: framework x id, from `policies/frameworks/*.yaml`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ggi.controls.control import Control, Proof, Text
from ggi.errors import InputError, Problem, raise_if
from ggi.inventory.models import Model
from ggi.inventory.tree import read
from ggi.inventory.types import Line
from ggi.inventory.validate import nearest, validate
from ggi.messages import t

FOLDER = Path("policies") / "frameworks"


class Coverage(StrEnum):
    """How far the controls go for one norm. None of them is "met": a person decides that."""

    AUTOMATED = "automated"
    """A machine can judge all of it, and does."""
    PARTLY = "partly"
    """Controls prove a part; the rest is people's work."""
    ORGANISATIONAL = "organisational"
    """Not technical, so not ours."""
    NOT_COVERED = "not covered"
    """Technical, and nothing here looks at it: a gap."""


class Item(Model):
    """Norms of one subject."""

    subject: Text
    kind: Literal["", "machine", "organisational"] = ""
    """`machine`: a control can judge the whole of it. `organisational`: no control of ours can."""
    ids: Annotated[list[Line], Field(min_length=1)]


class FrameworkFile(Model):
    """One framework, with the norms that it has."""

    framework: Line
    version: Line
    note: Text
    items: list[Item]


@dataclass(frozen=True, slots=True)
class NormCoverage:
    """One norm: who proves it, what kinds of proof they give at most, and how far that goes."""

    framework: str
    version: str
    id: str
    subject: Text
    coverage: Coverage
    controls: tuple[str, ...]
    proof: tuple[Proof, ...]


def load_frameworks(roots: Sequence[Path]) -> list[FrameworkFile]:
    """The frameworks of all content roots, by name; a later root wins. Raises InputError."""
    problems: list[Problem] = []
    found: dict[str, FrameworkFile] = {}
    for root in roots:
        for path in sorted((root / FOLDER).glob("*.yaml")):
            file = validate(read(path, str(FOLDER / path.name), "framework"), FrameworkFile, problems)
            if file is not None:
                found[file.framework] = file
    raise_if(problems)
    return [found[name] for name in sorted(found)]


def framework_names(wanted: Sequence[str], frameworks: Iterable[FrameworkFile]) -> frozenset[str]:
    """The frameworks that a person names, as their files write them. Raises InputError for one that there is not."""
    names = {f.framework.lower(): f.framework for f in frameworks}
    for name in wanted:
        if name.lower() not in names:
            raise InputError(Problem(t("there is no framework {name}", name=name), nearest(name, names.values())))
    return frozenset(names[name.lower()] for name in wanted)


def coverage(controls: Iterable[Control], frameworks: Iterable[FrameworkFile]) -> list[NormCoverage]:
    """A row per norm, in the order of the frameworks' files."""
    listed = list(controls)
    rows = []
    for framework in frameworks:
        for item in framework.items:
            for norm in item.ids:
                citing = [c for c in listed if _cites(c, framework.framework, norm)]
                if citing:
                    how = Coverage.AUTOMATED if item.kind == "machine" else Coverage.PARTLY
                else:
                    how = Coverage.ORGANISATIONAL if item.kind == "organisational" else Coverage.NOT_COVERED
                proof = {p for c in citing for p in c.file.proof}
                rows.append(
                    NormCoverage(
                        framework.framework,
                        framework.version,
                        norm,
                        item.subject,
                        how,
                        tuple(c.id for c in citing),
                        tuple(p for p in Proof if p in proof),
                    )
                )
    return rows


def _cites(control: Control, framework: str, norm: str) -> bool:
    return any(s.framework == framework and s.id == norm for s in control.file.sources)


def stray_sources(controls: Iterable[Control], frameworks: Iterable[FrameworkFile]) -> list[Problem]:
    """Sources of controls that a framework's file does not list under that id and version."""
    known = {(f.framework, f.version, norm) for f in frameworks for item in f.items for norm in item.ids}
    named = {framework for framework, _, _ in known}
    return [
        Problem(
            t("{framework} {version} has no {id}", framework=s.framework, version=s.version, id=s.id),
            t("Correct the source, or add the id to the framework's file."),
            control.origin,
        )
        for control in controls
        for s in control.file.sources
        if s.framework in named and (s.framework, s.version, s.id) not in known
    ]
