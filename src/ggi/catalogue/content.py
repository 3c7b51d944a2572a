"""Finding content by looking: components, releases and services in the checkout and in further content roots."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated

from ggi.catalogue.component import Component
from ggi.catalogue.contract import Contracts, load_contracts
from ggi.catalogue.modules import COMPONENTS, load_module, package, share_blocks
from ggi.catalogue.release import Release, load_releases
from ggi.errors import Origin, Problem, raise_if
from ggi.inventory.load import KnownContent
from ggi.inventory.marks import Free, NameKind, Refers
from ggi.inventory.models import Model
from ggi.inventory.names import Names
from ggi.inventory.tree import Node, read
from ggi.inventory.types import Line, Slug
from ggi.inventory.validate import validate
from ggi.messages import t
from ggi.paths import ROOT


class ServiceFile(Model):
    """A joint service: what it is called, and what it switches on."""

    title: str
    summary: str = ""
    components: Annotated[
        dict[Slug, Annotated[dict[str, object], Free("settings, checked by the component's own model")]],
        Refers(NameKind.COMPONENT),
    ]


class RepositoriesFile(Model):
    """stacks/repositories.yaml: repositories of images that a release may name."""

    repositories: Annotated[dict[Line, Line], Free("repositories, as images name them")]
    """Who publishes in each."""


@dataclass(frozen=True, slots=True)
class Service:
    """A joint service and the settings that it brings."""

    name: str
    title: str
    summary: str
    layer: Node


@dataclass(frozen=True)
class Catalogue:
    """All content: components, releases, services and contracts, and the folders that they came from."""

    components: Mapping[str, Component]
    releases: Mapping[str, Release]
    services: Mapping[str, Service]
    roots: tuple[Path, ...]
    contracts: Contracts = field(default_factory=dict)
    repositories: Mapping[str, str] = field(default_factory=dict)
    """Repositories of images that a release may name, and who publishes in each."""

    @property
    def known(self) -> KnownContent:
        """What an inventory may name."""
        return KnownContent(
            {name: c.settings for name, c in self.components.items()},
            {name: s.layer for name, s in self.services.items()},
            tuple(self.releases),
            self.roots,
            self.names,
        )

    @cached_property
    def names(self) -> Names:
        """What names in files can refer to, as far as the catalogue has it."""
        every = self.components.values()
        found: dict[tuple[NameKind, str], Collection[str]] = {
            (NameKind.COMPONENT, ""): tuple(self.components),
            (NameKind.SERVICE, ""): tuple(self.services),
            (NameKind.REDIS_DATABASE, ""): tuple(
                f"{c.name}-{purpose}"
                for c in every
                for use in c.uses
                if use.component == "redis"
                for purpose in use.parameters.get("databases", ())
            ),
        }
        for component in every:
            found[NameKind.PROCESS, component.name] = tuple(p.name for p in component.processes)
            containers = [c for process in component.processes for c in (process, *process.beside)]
            images = {c.image for c in containers} | {job.image for job in component.runs}
            found[NameKind.IMAGE, component.name] = tuple(sorted({"main", *(images - {""})}))
            found[NameKind.CALLER, component.name] = tuple(
                c.name for c in every if any(use.component == component.name for use in c.uses)
            )
        return found


def _components(root: Path, problems: list[Problem]) -> dict[str, Component]:
    found: dict[str, Component] = {}
    parent = package(root, *COMPONENTS)
    for path in sorted(root.joinpath(*COMPONENTS).glob("[!_]*.py")):
        component = getattr(load_module(path, parent), "component", None)
        if not isinstance(component, Component):
            problems.append(
                Problem(
                    t("this file has no `component = Component(...)`"),
                    t("Add one, or prefix the file name with _."),
                    Origin(str(path), 1),
                )
            )
        elif component.name != path.stem:
            problems.append(
                Problem(
                    t("component {name} must be in {name}.py", name=component.name),
                    t("Rename the file."),
                    Origin(str(path), 1),
                )
            )
        else:
            found[component.name] = component
    return found


def _services(root: Path, problems: list[Problem]) -> dict[str, Service]:
    found: dict[str, Service] = {}
    for path in sorted((root / "stacks" / "services").glob("*.yaml")):
        tree = read(path, f"stacks/services/{path.name}", f"service {path.stem}")
        model = validate(tree, ServiceFile, problems)
        if model is not None:
            layer = Node({"components": tree.value["components"]}, tree.origin)
            found[path.stem] = Service(path.stem, model.title, model.summary, layer)
    return found


def _repositories(root: Path, problems: list[Problem]) -> dict[str, str]:
    path = root / "stacks" / "repositories.yaml"
    if not path.is_file():
        return {}
    model = validate(read(path, "stacks/repositories.yaml", "repositories"), RepositoriesFile, problems)
    return dict(model.repositories) if model else {}


def load_catalogue(further: tuple[Path, ...] = ()) -> Catalogue:
    """All content of the checkout and of `further` content roots; a later root wins. Raises InputError."""
    roots = (ROOT, *(path.resolve() for path in further))
    problems: list[Problem] = []
    components: dict[str, Component] = {}
    services: dict[str, Service] = {}
    repositories: dict[str, str] = {}
    share_blocks(roots)
    for root in roots:
        if not (root / "stacks").is_dir():
            problems.append(
                Problem(t("{path} is not a content root: it has no folder stacks/", path=root), t("Check --content."))
            )
            continue
        components.update(_components(root, problems))
        services.update(_services(root, problems))
        repositories |= _repositories(root, problems)
    contracts = load_contracts(roots, problems)
    raise_if(problems)
    releases = load_releases([(root / "stacks" / "releases", "stacks/releases") for root in roots])
    return Catalogue(components, releases, services, roots, contracts, repositories)
