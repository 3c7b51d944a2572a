"""The Kubernetes kinds that controls can look at: what the API calls them, and where they live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ggi.errors import Problem, raise_if
from ggi.inventory.models import Model
from ggi.inventory.tree import read
from ggi.inventory.types import Line
from ggi.inventory.validate import origin_of, validate
from ggi.messages import t
from ggi.paths import ROOT

FILE = Path("policies") / "kinds.yaml"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind: API group ("" is the core group), version, plural name in URLs, and whether it lives in a namespace."""

    group: str
    version: str
    name: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As manifests write it: `apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


class KindEntry(Model):
    """A kind, as a content root says it."""

    group: str = ""
    """API group; the core group has none."""
    version: Line
    plural: Line
    """Its name in URLs."""
    namespaced: bool = True


class KindsFile(Model):
    """policies/kinds.yaml: the kinds that controls can look at, by name."""

    kinds: dict[str, KindEntry]


_known: dict[str, Kind] = {}


def known_kinds() -> Mapping[str, Kind]:
    """The kinds by name: those of the checkout, and those of every further content root that this process read.

    Example: `subject.name.split("/")[1] in known_kinds()`.
    """
    if not _known:
        add_kinds([ROOT])
    return _known


def add_kinds(roots: Iterable[Path]) -> None:
    """Know the kinds of these content roots as well. A name stands for one kind. Raises InputError."""
    problems: list[Problem] = []
    for root in roots:
        if not (path := root / FILE).is_file():
            continue
        tree = read(path, str(FILE), "kinds")
        file = validate(tree, KindsFile, problems)
        for name, entry in file.kinds.items() if file else ():
            kind = Kind(entry.group, entry.version, name, entry.plural, entry.namespaced)
            if _known.setdefault(name, kind) != kind:
                message = t("the kind {name} is known already as {other}", name=name, other=_known[name].api_version)
                problems.append(Problem(message, t("A name stands for one kind."), origin_of(tree, "kinds", name)))
    raise_if(problems)


WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod")
"""What `pods` in a control means: everything that people make pods with."""

POD_SPEC: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(WORKLOADS, ("spec", "template", "spec")),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "Pod": ("spec",),
}
"""Where the specification of its pods stands in a workload."""


def expand(names: Iterable[str]) -> tuple[str, ...]:
    """Names of kinds, with `pods` replaced by the kinds of workloads."""
    found = [kind for name in names for kind in (WORKLOADS if name == "pods" else (name,))]
    return tuple(dict.fromkeys(found))


def kind_of(body: Mapping[str, Any]) -> str:
    """The kind of an object, or "" when it is not one that controls look at (another group may use the same word)."""
    name = str(body.get("kind", ""))
    kind = (_known or known_kinds()).get(name)
    group = str(body.get("apiVersion", "")).rpartition("/")[0]
    return name if kind is not None and kind.group == group else ""
