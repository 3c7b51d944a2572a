"""The inventory: files of layers, read when asked for, resolved to one environment of one tenant."""

from __future__ import annotations

import os.path
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel

from ggi.errors import GgiError, InputError, Origin, Problem, raise_if
from ggi.inventory.cluster import OwnedCluster, find_cluster
from ggi.inventory.find import find
from ggi.inventory.layers import LAYERED, Layers, alone, check_environments, split
from ggi.inventory.m365 import M365File
from ggi.inventory.marks import NameKind
from ggi.inventory.models import ChangeRules, Lifecycle, NationalFile, RegionFile, TenantFile
from ggi.inventory.names import Names, check_names
from ggi.inventory.network import NetworkFile
from ggi.inventory.owned import Owned
from ggi.inventory.registry import Registry, load_registry
from ggi.inventory.resolve import Base, Environment, KnownContent, LayerResolver
from ggi.inventory.tenant import Tenant, tenant_of
from ggi.inventory.tree import Node, read
from ggi.inventory.validate import nearest, origin_of, validate
from ggi.inventory.waiverfiles import Waivers, read_waivers
from ggi.messages import t

_OWNED: Mapping[str, tuple[str, type[NetworkFile | M365File]]] = {
    "network": ("networks", NetworkFile),
    "m365": ("m365", M365File),
}
"""Folder and model per kind."""
__all__ = ["Environment", "Inventory", "KnownContent", "Tenant"]


@dataclass
class Inventory:
    """An inventory folder. Files are read on first use and kept. All methods raise InputError on bad input."""

    root: Path
    known: KnownContent = field(default_factory=KnownContent)

    def __post_init__(self) -> None:
        if not (self.root / "national.yaml").is_file():
            raise InputError(
                Problem(
                    t("{folder} is not an inventory: it has no national.yaml", folder=self.root),
                    t("Name another folder with --inventory."),
                )
            )
        self._regions: dict[str, tuple[RegionFile, Layers]] = {}
        self._tenants: dict[str, Tenant] = {}
        self._bases: dict[tuple[str, str], Base] = {}
        self._resolver = LayerResolver(self.known)

    def shown(self, path: Path) -> str:
        """The name of a file in messages: from the inventory's own folder on."""
        return str(path.relative_to(self.root.parent))

    @cached_property
    def registry(self) -> Registry:
        """The registry of gemeenten."""
        return load_registry(self.root / "registry")

    @cached_property
    def waivers(self) -> Waivers:
        """What was accepted, of all content roots. Read with the first environment."""
        return read_waivers(self.known.roots)

    def _ids(self, folder: str) -> list[str]:
        """Names of the files in a folder."""
        return sorted(path.stem for path in self._files(folder) if path.suffix == ".yaml")

    def _files(self, folder: str) -> list[Path]:
        """What is in a folder; hidden files (editors' and half-written ones) are left out."""
        try:
            return [path for path in (self.root / folder).iterdir() if not path.name.startswith(".")]
        except FileNotFoundError:
            return []
        except OSError as error:
            message = t("this folder can't be read: {why}", why=error.strerror)
            place = Origin(f"{self.root.name}/{folder}", 0)
            raise InputError(Problem(message, t("Check the name and the rights."), place)) from None

    def strays(self) -> list[Problem]:
        """Files that are not read, since their names do not end in .yaml."""
        return [
            Problem(t("this file is not read"), t("Its name must end in .yaml."), Origin(self.shown(path), 0))
            for folder in ("tenants", "regions", "networks", "m365")
            for path in self._files(folder)
            if path.suffix != ".yaml"
        ]

    def _path(self, folder: str, name: str, missing: str, asked: Origin | None) -> Path:
        """The file `name` of a folder; `missing` is the message when it is not there."""
        path = self.root / folder / f"{name}.yaml"
        # A link that leads nowhere is there, and says so when it is read; a name with a slash is no name.
        if path.parent.name != folder or not os.path.lexists(path):
            raise InputError(Problem(missing, nearest(name, self._ids(folder)), asked))
        return path

    def _read(self, path: Path, layer: str, problems: list[Problem]) -> Node:
        return read(path, self.shown(path), layer, problems)

    @cached_property
    def names(self) -> Names:
        """What names in the files can refer to."""
        own: dict[tuple[NameKind, str], Collection[str]] = {
            (NameKind.COMPONENT, ""): self.known.components,
            (NameKind.SERVICE, ""): self.known.services,
            (NameKind.GEMEENTE, ""): self.registry,
        }
        return {**self.known.names, **own}

    def _check(self, tree: Node, model: type[BaseModel], problems: list[Problem]) -> BaseModel | None:
        check_environments(tree, problems)
        opened = alone(tree)
        self.check_components(opened, model, problems)
        return validate(opened, model, problems, partial=LAYERED)

    @cached_property
    def _national(self) -> tuple[NationalFile, Layers]:
        problems: list[Problem] = []
        tree = self._read(self.root / "national.yaml", "national", problems)
        model = self._check(tree, NationalFile, problems)
        raise_if(problems)
        assert isinstance(model, NationalFile)  # noqa: S101  (raise_if has raised otherwise)
        return model, split(tree)

    @property
    def national(self) -> Layers:
        """What holds for every gemeente."""
        return self._national[1]

    @property
    def changes(self) -> ChangeRules:
        """What every change must name."""
        return self._national[0].changes

    def region_ids(self) -> list[str]:
        """Names of all regions, from the names of their files."""
        return self._ids("regions")

    def region(self, name: str, asked: Origin | None = None) -> RegionFile:
        """The region with this name; `asked` is where it was named."""
        return self._region(name, asked)[0]

    def _region(self, name: str, asked: Origin | None) -> tuple[RegionFile, Layers]:
        if name not in self._regions:
            problems: list[Problem] = []
            path = self._path("regions", name, t("there is no region {name}", name=name), asked)
            tree = self._read(path, f"region {name}", problems)
            model = self._check(tree, RegionFile, problems)
            raise_if(problems)
            assert isinstance(model, RegionFile)  # noqa: S101  (raise_if has raised otherwise)
            self._regions[name] = model, split(tree)
        return self._regions[name]

    def cluster(self, stack: str) -> OwnedCluster:
        """The cluster that has this stack, such as `cluster-midden-prod`."""
        return find_cluster(stack, ((name, self.region(name)) for name in self.region_ids()))

    def check_components(self, tree: Node, model: type[BaseModel], problems: list[Problem]) -> None:
        """Check the names in one opened file, and the `components` of its layers against their own settings."""
        check_names(tree, model, self.names, problems)
        places = [tree.child("components")]
        blocks = tree.child("environments")
        if blocks is not None and isinstance(blocks.value, dict):
            places += [block.child("components") for block in blocks.value.values()]
        for place in places:
            if place is None or not isinstance(place.value, dict):
                continue
            for name, node in place.value.items():
                settings = self.known.components.get(name)
                if settings is not None:
                    validate(node, settings, problems, ("components", name), partial=None)
                    check_names(node, settings, self.names, problems, name)

    def tenant_ids(self) -> list[str]:
        """Ids of all tenants, from the names of their files."""
        return self._ids("tenants")

    def tenant(self, tenant_id: str) -> Tenant:
        """The tenant with this id."""
        if tenant_id not in self._tenants:
            path = self._path("tenants", tenant_id, t("there is no tenant {name}", name=tenant_id), None)
            problems: list[Problem] = []
            tree = self._read(path, "tenant", problems)
            self._tenants[tenant_id] = self.tenant_from(tree, tenant_id, problems)
        return self._tenants[tenant_id]

    def tenant_from(self, tree: Node, tenant_id: str, problems: list[Problem] | None = None) -> Tenant:
        """The tenant that `tree` describes; it need not be a file yet. `problems` were found in it before."""
        problems = [] if problems is None else problems
        self.check_components(alone(tree), TenantFile, problems)
        return tenant_of(tree, tenant_id, self.registry, problems)

    def tenants(self) -> Iterator[Tenant]:
        """All tenants, sorted by id. Raises one InputError with the problems of all files."""
        problems: list[Problem] = []
        for tenant_id in self.tenant_ids():
            try:
                self.tenant(tenant_id)
            except GgiError as error:
                problems.extend(error.problems)
        raise_if(problems)
        for tenant_id in self.tenant_ids():
            yield self.tenant(tenant_id)

    def owned(self, problems: list[Problem]) -> dict[tuple[str, str], Owned]:
        """Networks ("network") and Microsoft 365 tenants ("m365") whose files are right, by (kind, id)."""
        found: dict[tuple[str, str], Owned] = {}
        for kind, (folder, model) in _OWNED.items():
            for name in self._ids(folder):
                try:
                    tree = self._read(self.root / folder / f"{name}.yaml", f"{kind} {name}", problems)
                except GgiError as error:
                    problems.extend(error.problems)
                    continue
                file = validate(tree, model, problems)
                check_names(tree, model, self.names, problems)
                if isinstance(file, NetworkFile | M365File):
                    found[kind, name] = Owned(kind, name, file, tree)
        return found

    def owned_ids(self) -> set[tuple[str, str]]:
        """(kind, id) of everything of `owned` that has a file, right or wrong."""
        return {(kind, name) for kind, (folder, _) in _OWNED.items() for name in self._ids(folder)}

    def _base(self, region: str, environment: str, layers: Layers) -> Base:
        key = (region, environment)
        if key not in self._bases:
            self._bases[key] = Base.of([*self.national.of(environment), *layers.of(environment)])
        return self._bases[key]

    def environment(self, tenant: Tenant, name: str) -> Environment:
        """Environment `name` of `tenant`, all layers resolved."""
        region, layers = self._region(tenant.file.region, origin_of(tenant.tree, "region"))
        if name not in tenant.environments:
            raise InputError(
                Problem(
                    t("{tenant} has no environment {name}", tenant=tenant.id, name=name),
                    nearest(name, tenant.environments),
                    origin_of(tenant.tree, "environments"),
                )
            )
        base = self._base(tenant.file.region, name, layers)
        found = self._resolver.resolve(tenant, name, region, base, lambda: self.waivers.locks(tenant.id))
        accepted = self.waivers.get(tenant.id)
        return replace(found, deviations=accepted.file) if accepted else found

    def environments(self) -> Iterator[Environment]:
        """Every environment of every tenant that is not merged away."""
        for tenant in self.tenants():
            if tenant.file.state is not Lifecycle.MERGED:
                for name in tenant.environments:
                    yield self.environment(tenant, name)

    def find(self, text: str) -> tuple[Tenant, str]:
        """The tenant and environment that a person means by `text`; see `ggi.inventory.find`."""
        return find(text, self)
