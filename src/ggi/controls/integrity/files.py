"""The files of `policies/integrity/`."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from ggi.errors import Problem, raise_if
from ggi.inventory.models import Model
from ggi.inventory.tree import read
from ggi.inventory.validate import validate
from ggi.paths import ROOT

FOLDER = Path("policies") / "integrity"
M = TypeVar("M", bound=Model)


def load(name: str, model: type[M]) -> M:
    """One of them. Raises InputError."""
    problems: list[Problem] = []
    file = FOLDER / f"{name}.yaml"
    found = validate(read(ROOT / file, str(file), name), model, problems)
    raise_if(problems)
    assert found is not None  # noqa: S101  (else there were problems)
    return found
