"""What a cluster must have before a release runs on it: versions of Kubernetes, of operators and of CRDs, as data."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ggi.errors import Problem, raise_if
from ggi.inventory.models import Model
from ggi.inventory.tree import read
from ggi.inventory.types import Line, Slug
from ggi.inventory.validate import nearest, validate
from ggi.messages import t

FILE = "stacks/needs.yaml"
Version = Annotated[str, Field(pattern=r"^\d+(\.\d+){1,2}$")]
KindName = Annotated[str, Field(pattern=r"^([a-z0-9.-]+/)?v[a-z0-9]+/[A-Z][A-Za-z0-9]+$")]


class ClusterProgram(Model):
    """Something that the cluster itself runs."""

    name: Slug
    """What this file calls it."""
    title: Line
    """What people call it."""
    image: Annotated[str, Field(pattern=r"^[a-z0-9._-]+(/[a-z0-9._-]+)*$")] | None = None
    """How the name of the image of its Deployment ends, without tag."""


class Need(Model):
    """A version that a program must have at least."""

    program: Slug
    """Which one, of `programs`."""
    least: Version
    """The lowest version that will do, quoted: "1.30"."""
    kind: KindName | None = None
    """Only where a landscape has this kind, as apiVersion/Kind; without it, always."""
    why: Line
    """What it brings that is used."""
    source: Line
    """Where that was read."""


class AccountNeed(Model):
    """A ServiceAccount, named as the object of this kind, that must hand out its token."""

    program: Slug
    """The operator, of `programs`."""
    below: Version
    """From this version of the operator on it no longer matters."""
    kind: KindName
    """The kind, as apiVersion/Kind."""
    why: Line
    """What the token is for."""
    source: Line
    """Where that was read."""


class NeedsFile(Model):
    """What a cluster must have."""

    programs: list[ClusterProgram]
    """Programs of a cluster."""
    needs: list[Need]
    """Versions that they must have."""
    accounts: list[AccountNeed] = []
    """ServiceAccounts that must hand out their token."""

    def of(self, kinds: Collection[str]) -> dict[str, Need]:
        """The highest need of each program, for landscapes with these kinds; without what nothing there needs."""
        found: dict[str, Need] = {}
        for need in self.needs:
            if need.kind is None or need.kind in kinds:
                known = found.get(need.program)
                if known is None or numbers(need.least) > numbers(known.least):
                    found[need.program] = need
        return found


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version in the order in which they count: `v1.30.1-gke.5` is (1, 30, 1). Empty: it has none."""
    found = re.match(r"v?(\d+(?:\.\d+){0,2})", version)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def at_least(version: str, least: str) -> bool | None:
    """Whether `version` is `least` or later, by its numbers; None when it is no version.

    A candidate counts as what it becomes: `1.5.0-rc.1` has what 1.5 has.
    """
    have, want = numbers(version), numbers(least)
    return have >= want if len(have) >= len(want) else None


def load_needs(roots: Sequence[Path]) -> NeedsFile:
    """The needs of the checkout and of further content roots together. Raises InputError."""
    problems: list[Problem] = []
    programs: dict[str, ClusterProgram] = {}
    needs: list[Need] = []
    accounts: list[AccountNeed] = []
    for root in roots:
        if not (root / FILE).is_file():
            continue
        tree = read(root / FILE, FILE, "needs")
        model = validate(tree, NeedsFile, problems)
        if model is None:
            continue
        programs |= {program.name: program for program in model.programs}
        needs += model.needs
        accounts += model.accounts
        named = {need.program for need in model.needs} | {need.program for need in model.accounts}
        for name in sorted(named - programs.keys()):
            problems.append(Problem(t("there is no program {name}", name=name), nearest(name, programs), tree.origin))
    raise_if(problems)
    return NeedsFile(programs=[*programs.values()], needs=needs, accounts=accounts)
