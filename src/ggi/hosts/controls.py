"""Controls over hosts: `policies/hosts/<id>/` with `control.yaml`, `check.py` and `break.sh`.

`check(host, govroam)` gets a host of testinfra and the network's own words, and yields (complies, what was seen).
`break.sh` makes a host that complies deviate; tests run it, see the control fail, and let the roles restore the host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ggi.controls.control import Control, ControlFile
from ggi.controls.evidence import Detail
from ggi.controls.load import load_check
from ggi.controls.terms import load_terms
from ggi.errors import Origin, Problem, raise_if
from ggi.inventory.govroam import Govroam
from ggi.inventory.tree import read
from ggi.inventory.validate import validate

FOLDER = Path("policies") / "hosts"
OVER = "hosts"

HostCheck = Callable[[Any, Govroam], Iterable[tuple[bool, Detail]]]


@dataclass(frozen=True)
class HostControl:
    """A control over hosts. `broken` is the script that makes a host deviate."""

    control: Control
    check: HostCheck
    broken: Path


def load_host_controls(roots: Sequence[Path]) -> Mapping[str, HostControl]:
    """All of them by id, from all content roots; a later root wins. Raises InputError."""
    found: dict[str, HostControl] = {}
    problems: list[Problem] = []
    terms = load_terms(roots)
    for root in roots:
        for path in sorted((root / FOLDER).glob("*/control.yaml")):
            folder = path.parent
            shown = str(FOLDER / folder.name / "control.yaml")
            tree = read(path, shown, "control")
            file = validate(tree, ControlFile, problems)
            strange = [*terms.problems(file, tree, OVER)] if file else []
            problems.extend(strange)
            if file is not None and not strange:
                check: HostCheck = load_check(folder, root, problems)
                family, vocabulary = terms.family(file.id), terms.vocabulary(file)
                control = Control(file, frozenset({"Host"}), Origin(shown, 1), family=family, vocabulary=vocabulary)
                found[file.id] = HostControl(control, check, folder / "break.sh")
    raise_if(problems)
    return found
