"""Which survivors do not count, and which are known: `policies/mutation.yaml`, where nothing may be stale."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from benchmarks.mutation.mutants import Mutant, Operator
from ggi.errors import Problem, raise_if
from ggi.inventory.models import Model
from ggi.inventory.schema import Schema, schemas, write_schemas
from ggi.inventory.tree import read
from ggi.inventory.validate import validate
from ggi.messages import t
from ggi.paths import ROOT

FILE = Path("policies") / "mutation.yaml"


class Reason(StrEnum):
    """Why a survivor says nothing about the controls. There are no others."""

    IDENTITY = "identity"
    """It is another object then: Kubernetes or the operator knows it by this."""
    SAME = "same"
    """It means the same: a default of Kubernetes, or something that is said twice."""
    REFUSED = "refused"
    """The API server refuses it, so it can't exist."""
    TEXT = "text"
    """Only people read it, or only the engine."""
    FUNCTIONAL = "functional"
    """What an application does for its users, which the gemeente itself decides."""
    CLOSED = "closed"
    """It stops working at once and lets nobody in: the application does not start, or the other side says no."""


class Places(Model):
    """Mutants by object, place and operator. `*` stands for anything, also dots."""

    why: Annotated[str, Field(min_length=10)]
    objects: list[str] = ["*"]
    """Logical names."""
    places: Annotated[list[str], Field(min_length=1)]
    """Paths with `*` for a position in a list; a line of a file ends in ` line`."""
    operators: list[Annotated[Operator, Field(strict=False)]] = list(Operator)
    originals: list[Any] = []
    """Only where one of these stood; default anything."""

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        both = [f"{name}\n{place}" for name in self.objects for place in self.places]
        return re.compile("|".join(fnmatch.translate(_exact(pattern)) for pattern in both))

    def matches(self, mutant: Mutant) -> bool:
        """Whether a mutant is meant."""
        return (
            mutant.operator in self.operators
            and (not self.originals or mutant.original in self.originals)
            and self._pattern.match(f"{mutant.subject.name}\n{mutant.place}") is not None
        )

    def only(self, place: str) -> Places:
        """The same for one of its places."""
        return Places(
            why=self.why, objects=self.objects, places=[place], operators=self.operators, originals=self.originals
        )


def _exact(pattern: str) -> str:
    """Square brackets mean themselves."""
    return pattern.replace("[", "[[]")


class Excluded(Places):
    """Survivors that do not count: the mutant is no worse than the original, or can't be."""

    reason: Annotated[Reason, Field(strict=False)]


class MutationFile(Model):
    """Survivors that do not count, and survivors that are known, each with its reason."""

    excluded: list[Excluded] = []
    survivors: list[Places] = []
    """Counted as not caught."""

    def reason(self, mutant: Mutant) -> Reason | None:
        """Why a mutant does not count, None when it does."""
        return next((entry.reason for entry in self.excluded if entry.matches(mutant)), None)

    def why(self, mutant: Mutant) -> str:
        """Why a survivor is accepted, "" when nobody said."""
        return next((entry.why for entry in self.survivors if entry.matches(mutant)), "")


def load_mutation_file(root: Path) -> MutationFile:
    """The file below `root`. Raises InputError."""
    problems: list[Problem] = []
    found = validate(read(root / FILE, str(FILE), "mutation"), MutationFile, problems)
    raise_if(problems)
    assert found is not None
    return found


def stale(file: MutationFile, survivors: Iterable[Mutant]) -> list[str]:
    """Places in the file of which no mutant survives: what they explain is gone."""
    left = list(survivors)
    return [
        f"{FILE}: {', '.join(entry.objects)} {place}: {t('no mutant of this survives')}"
        for entry in (*file.excluded, *file.survivors)
        for place in entry.places
        if not any(entry.only(place).matches(mutant) for mutant in left)
    ]


def mutation_schema() -> dict[str, Schema]:
    """The schema of the file, which editors use; `python -m benchmarks.mutation.survivors` writes it."""
    return {"mutation": schemas({}, {"mutation": MutationFile})["mutation"]}


if __name__ == "__main__":
    write_schemas(ROOT / "policies" / "schema", mutation_schema())
