"""Finding content by looking: components, releases and services in the checkout and in further content roots."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ggi.catalogue.component import Component
from ggi.catalogue.release import Release, load_releases
from ggi.errors import InputError, Origin, Problem, raise_if
from ggi.inventory.load import Known
from ggi.inventory.models import ComponentSettings, Model
from ggi.inventory.tree import Node, read
from ggi.inventory.types import Slug
from ggi.inventory.validate import validate
from ggi.messages import t
from ggi.paths import ROOT


class ServiceFile(Model):
    """A joint service: what it is called, and what it switches on."""

    title: str
    summary: str = ""
    components: dict[Slug, dict[str, object]]


@dataclass(frozen=True, slots=True)
class Service:
    """A joint service and the settings that it brings."""

    name: str
    title: str
    summary: str
    layer: Node


@dataclass(frozen=True)
class Catalogue:
    """All content: components, releases and services by name, and the folders that they came from."""

    components: Mapping[str, Component]
    releases: Mapping[str, Release]
    services: Mapping[str, Service]
    roots: tuple[Path, ...]

    @property
    def known(self) -> Known:
        """What an inventory may name."""
        return Known(
            {name: c.settings for name, c in self.components.items()},
            {name: s.layer for name, s in self.services.items()},
            tuple(self.releases),
            self.roots,
        )


def _load_module(path: Path, name: str) -> object:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(Problem(t("{path} is not a Python module", path=path)))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        line = 0
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == str(path):
                line = trace.tb_lineno
            trace = trace.tb_next
        raise InputError(
            Problem(
                t("this content module can't be loaded: {why}", why=f"{type(error).__name__}: {error}"),
                t("Correct the module."),
                Origin(str(path), line),
            )
        ) from error
    return module


def _package(name: str, folder: Path | None = None) -> None:
    """Make `name` a package, so that content modules can import their neighbours with `from ._shared import ...`."""
    package = types.ModuleType(name)
    package.__path__ = [str(folder)] if folder else []
    sys.modules[name] = package


def _components(root: Path, index: int, problems: list[Problem]) -> dict[str, Component]:
    found: dict[str, Component] = {}
    package = f"ggi_content.root{index}.components"
    _package("ggi_content")
    _package(f"ggi_content.root{index}")
    _package(package, root / "stacks" / "components")
    for path in sorted((root / "stacks" / "components").glob("*.py")):
        if path.stem.startswith("_"):
            continue
        module = _load_module(path, f"{package}.{path.stem}")
        component = getattr(module, "component", None)
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


def load_catalogue(further: tuple[Path, ...] = ()) -> Catalogue:
    """All content of the checkout and of `further` content roots; a later root wins. Raises InputError."""
    roots = (ROOT, *(path.resolve() for path in further))
    problems: list[Problem] = []
    components: dict[str, Component] = {}
    services: dict[str, Service] = {}
    for index, root in enumerate(roots):
        if not (root / "stacks").is_dir():
            problems.append(
                Problem(t("{path} is not a content root: it has no folder stacks/", path=root), t("Check --content."))
            )
            continue
        components.update(_components(root, index, problems))
        services.update(_services(root, problems))
    raise_if(problems)
    releases = load_releases([(root / "stacks" / "releases", "stacks/releases") for root in roots])
    return Catalogue(components, releases, services, roots)


def settings_models(catalogue: Catalogue) -> Mapping[str, type[ComponentSettings]]:
    """The settings model of each component, for schemas."""
    return {name: component.settings for name, component in catalogue.components.items()}
