"""What a cluster adds to an object by itself, as `policies/integrity/added.yaml` lists it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Annotated, Any

from pydantic import Field, model_validator

from ggi.controls.integrity.files import load
from ggi.controls.kinds import POD_SPEC, WORKLOADS
from ggi.inventory.models import Model
from ggi.inventory.types import Line
from ggi.messages import t

ITEM, MORE, REST = "*", "+", "**"
"""In a path: an item of a list, an item that the landscape does not have, and all that is below."""
OWNER = "{owner}"
"""In an expression: the name of the object of ours that owns it."""
NOTHING: Mapping[str, Any] = {}
_BRACES = re.compile(r"\{([^{}]*)\}")


class AddedEntry(Model):
    """Something that is added, where, and with which value."""

    kinds: Annotated[list[Line], Field(min_length=1)]
    """Kinds of objects; `pods`: the specification of pods, wherever it stands; `*`: all."""
    path: Line
    value: Any = None
    """The one value that it may have."""
    matches: str = ""
    """An expression that its text matches as a whole."""
    same: str = ""
    """A key beside it, of which it repeats the value."""
    owner: str = ""
    """A path of the object of ours that owns it, of which it repeats the value."""
    why: str = ""
    """Why any value is right."""

    @model_validator(mode="after")
    def _says_which(self) -> AddedEntry:
        if "value" not in self.model_fields_set and not (self.matches or self.same or self.owner or self.why):
            raise ValueError(t("say which value it may have, or why any is right"))
        return self


class AddedFile(Model):
    """policies/integrity/added.yaml."""

    added: list[AddedEntry]


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry for one path of one kind."""

    entry: AddedEntry

    def allows(self, value: Any, beside: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
        """Whether a value is one that the cluster adds; `beside` is the map in which it stands."""
        entry = self.entry
        if entry.owner:
            found: Any = owner
            for step in entry.owner.split("."):
                found = found.get(step) if isinstance(found, Mapping) else None
            return found is not None and bool(value == found)
        if entry.same:
            return bool(value == beside.get(entry.same))
        if entry.matches:
            name = re.escape(str((owner.get("metadata") or {}).get("name", "")))
            return isinstance(value, str) and re.fullmatch(entry.matches.replace(OWNER, name), value) is not None
        return entry.why != "" or bool(value == entry.value)


def spelled(path: str) -> Iterator[str]:
    """The paths that `{a,b}` in a path stand for."""
    parts = _BRACES.split(path)
    choices = [part.split(",") if number % 2 else [part] for number, part in enumerate(parts)]
    for chosen in itertools.product(*choices):
        yield "".join(chosen)


def positions(kind: str) -> Iterator[tuple[str, str]]:
    """The kinds and beginnings of paths that a kind in the file stands for."""
    if kind != "pods":
        yield kind, ""
        return
    for workload in (*WORKLOADS, "ReplicaSet"):
        yield workload, "".join(f"{step}." for step in POD_SPEC.get(workload, POD_SPEC["Deployment"]))


@dataclass(frozen=True)
class Added:
    """The rules by kind and path, for a look-up."""

    rules: Mapping[tuple[str, str], Sequence[Rule]]

    def allows(
        self, kind: str, path: str, value: Any, beside: Mapping[str, Any], owner: Mapping[str, Any] = NOTHING
    ) -> bool:
        """Whether a cluster adds this value at this path (with `*` for an item of a list) by itself."""
        for known in dict.fromkeys((kind, kind.rpartition("/")[2], ITEM)):
            for rule in self.rules.get((known, path), ()):
                if rule.allows(value, beside, owner):
                    return True
            begun = path if value else f"{path}."  # an empty map says nothing else than the path to it
            if any(begun.startswith(start) for start in self.rest.get(known, ())):
                return True
        return False

    @cached_property
    def rest(self) -> Mapping[str, Sequence[str]]:
        """By kind: how paths begin below which everything is right."""
        found: dict[str, list[str]] = {}
        for kind, path in self.rules:
            if path.endswith(REST):
                found.setdefault(kind, []).append(path.removesuffix(REST))
        return found


@cache
def load_added() -> Added:
    """Those of the checkout. Raises InputError."""
    rules: dict[tuple[str, str], list[Rule]] = {}
    for entry in load("added", AddedFile).added:
        for kind in entry.kinds:
            for name, start in positions(kind):
                for path in spelled(entry.path):
                    rules.setdefault((name, start + path), []).append(Rule(entry))
                    if name.endswith("/Pod") and path.startswith("spec."):
                        # A Job that an operator makes has the same in its template.
                        job = name.removesuffix("Pod") + "Job"
                        rules.setdefault((job, f"spec.template.{path}"), []).append(Rule(entry))
    return Added(rules)
