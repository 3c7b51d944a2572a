"""The inventory: files of layers, read when asked for, resolved to one environment of one tenant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from ggi.errors import GgiError, InputError, Origin, Problem, raise_if
from ggi.inventory.merge import alone, layered, merge, unwrap
from ggi.inventory.models import (
    Cluster,
    ComponentSettings,
    NationalFile,
    RegionFile,
    Settings,
    State,
    TenantFile,
)
from ggi.inventory.registry import Registry, load_registry
from ggi.inventory.tree import Node, read
from ggi.inventory.types import ENVIRONMENTS, environment_name
from ggi.inventory.validate import nearest, origin_of, validate
from ggi.messages import t

_SETTINGS = frozenset(Settings.model_fields)


@dataclass(frozen=True, slots=True)
class Known:
    """What the content offers to an inventory: settings per component, services as trees, names of releases."""

    components: Mapping[str, type[ComponentSettings]] = field(default_factory=dict)
    services: Mapping[str, Node] = field(default_factory=dict)
    releases: Collection[str] = ()


@dataclass(frozen=True)
class Tenant:
    """One gemeente or samenwerkingsverband. `id` is `gm9901` or `sv-<name>`; `inhabitants` counts persons."""

    id: str
    name: str
    province: str
    inhabitants: int
    file: TenantFile
    tree: Node

    @property
    def code(self) -> str | None:
        """The CBS code, or None for a samenwerkingsverband."""
        return self.file.gemeente

    @property
    def environments(self) -> tuple[str, ...]:
        """Names of its environments in the order of OTAP."""
        return tuple(name for name in ENVIRONMENTS if name in self.file.environments)

    @property
    def network(self) -> str:
        """Name of the network that serves it."""
        return self.file.network or self.id

    @property
    def m365(self) -> str:
        """Name of the Microsoft 365 tenant that serves it."""
        return self.file.m365 or self.id


@dataclass(frozen=True)
class Environment:
    """One environment of one tenant, all layers resolved. Its stack owns one namespace."""

    tenant: Tenant
    name: str
    settings: Settings
    components: Mapping[str, ComponentSettings]
    tree: Node
    release: str
    cluster_name: str
    cluster: Cluster
    domain: str

    @property
    def stack(self) -> str:
        """Name of the Pulumi stack, such as `gm9901-prod`."""
        return f"{self.tenant.id}-{self.name}"

    @property
    def namespace(self) -> str:
        """The namespace that the stack owns."""
        return self.settings.namespace or self.stack

    def origin(self, *path: str | int) -> Origin:
        """Where the value at `path` was written, or the nearest place above it."""
        return origin_of(self.tree, *path)


def _relayer(node: Node, layer: str) -> Node:
    value = node.value
    if isinstance(value, dict):
        value = {k: _relayer(v, layer) for k, v in value.items()}
    elif isinstance(value, list):
        value = [_relayer(v, layer) for v in value]
    return replace(node, value=value, origin=replace(node.origin, layer=layer))


@dataclass(frozen=True, slots=True)
class _Layers:
    """The settings of one file: for every environment, and per environment."""

    common: Node
    per_environment: Mapping[str, Node]

    def of(self, environment: str) -> list[Node]:
        special = self.per_environment.get(environment)
        return [self.common] if special is None else [self.common, special]


def _split(tree: Node) -> _Layers:
    common = replace(tree, value={k: v for k, v in tree.value.items() if k in _SETTINGS})
    blocks = tree.child("environments")
    per_environment = {}
    if blocks is not None and isinstance(blocks.value, dict):
        for name, block in blocks.value.items():
            if isinstance(block.value, dict):
                short = environment_name(name)
                per_environment[short] = _relayer(block, f"{tree.origin.layer}.{short}")
    return _Layers(common, per_environment)


@dataclass
class Inventory:
    """An inventory folder. Files are read on first use and kept. All methods raise InputError on bad input."""

    root: Path
    known: Known = field(default_factory=Known)

    def __post_init__(self) -> None:
        if not (self.root / "national.yaml").is_file():
            raise InputError(
                Problem(
                    t("{folder} is not an inventory: it has no national.yaml", folder=self.root),
                    t("Name another folder with --inventory."),
                )
            )
        self._regions: dict[str, tuple[RegionFile, _Layers]] = {}
        self._tenants: dict[str, Tenant] = {}
        self._bases: dict[tuple[str, str], Node] = {}

    def shown(self, path: Path) -> str:
        """The name of a file in messages: from the inventory's own folder on."""
        return str(path.relative_to(self.root.parent))

    @cached_property
    def registry(self) -> Registry:
        """The registry of gemeenten."""
        return load_registry(self.root / "registry")

    def _read(self, path: Path, layer: str) -> Node:
        return read(path, self.shown(path), layer)

    @cached_property
    def _national(self) -> _Layers:
        tree = self._read(self.root / "national.yaml", "national")
        problems: list[Problem] = []
        validate(alone(tree), NationalFile, problems)
        self._check_components(tree, problems)
        raise_if(problems)
        return _split(tree)

    def _region(self, name: str, asked: Origin) -> tuple[RegionFile, _Layers]:
        if name not in self._regions:
            path = self.root / "regions" / f"{name}.yaml"
            if not path.is_file():
                names = sorted(p.stem for p in path.parent.glob("*.yaml"))
                raise InputError(Problem(t("there is no region {name}", name=name), nearest(name, names), asked))
            tree = self._read(path, f"region {name}")
            problems: list[Problem] = []
            model = validate(alone(tree), RegionFile, problems)
            self._check_components(tree, problems)
            raise_if(problems)
            assert model is not None  # noqa: S101  (raise_if has raised otherwise)
            self._regions[name] = model, _split(tree)
        return self._regions[name]

    def _check_components(self, tree: Node, problems: list[Problem]) -> None:
        """Check the `components` of every layer in one file against each component's own settings."""
        places = [tree.child("components")]
        blocks = tree.child("environments")
        if blocks is not None and isinstance(blocks.value, dict):
            places += [block.child("components") for block in blocks.value.values()]
        for place in places:
            if place is None or not isinstance(place.value, dict):
                continue
            for name, node in place.value.items():
                model = self.known.components.get(name)
                if model is None:
                    problems.append(
                        Problem(
                            t("there is no component {name}", name=name),
                            nearest(name, list(self.known.components)),
                            node.origin,
                        )
                    )
                else:
                    validate(alone(node), model, problems, ("components", name))

    def tenant_ids(self) -> list[str]:
        """Ids of all tenants, from the names of their files."""
        return sorted(path.stem for path in (self.root / "tenants").glob("*.yaml"))

    def tenant(self, tenant_id: str) -> Tenant:
        """The tenant with this id."""
        if tenant_id not in self._tenants:
            self._tenants[tenant_id] = self._load_tenant(tenant_id)
        return self._tenants[tenant_id]

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

    def _load_tenant(self, tenant_id: str) -> Tenant:
        path = self.root / "tenants" / f"{tenant_id}.yaml"
        if not path.is_file():
            raise InputError(
                Problem(
                    t("there is no tenant {name}", name=tenant_id),
                    nearest(tenant_id, self.tenant_ids()),
                    Origin(self.shown(path), 0),
                )
            )
        tree = self._read(path, "tenant")
        problems: list[Problem] = []
        model = validate(alone(tree), TenantFile, problems)
        self._check_components(tree, problems)
        raise_if(problems)
        assert model is not None  # noqa: S101
        listed = self.registry.gemeenten.get(model.gemeente or "")
        expected = (model.gemeente or "").lower() or f"sv-{model.samenwerkingsverband}"

        def need(condition: bool, message: str, fix: str, *place: str) -> None:
            if not condition:
                problems.append(Problem(message, fix, origin_of(tree, *place)))

        need(
            (model.gemeente is None) != (model.samenwerkingsverband is None),
            t("a tenant has a gemeente or a samenwerkingsverband, one of the two"),
            t("Write `gemeente: GM0000`, or `samenwerkingsverband: name`."),
            "gemeente",
        )
        need(
            tenant_id == expected,
            t("this file must be named {name}.yaml", name=expected),
            t("Rename the file."),
            "gemeente",
        )
        if (
            model.gemeente
            and not model.gemeente.startswith("GM99")
            and listed is None
            and model.gemeente not in self.registry.successions
        ):
            need(
                False,
                t("{code} is not in the registry of gemeenten", code=model.gemeente),
                nearest(model.gemeente, list(self.registry.gemeenten)),
                "gemeente",
            )
        ended = self.registry.successions.get(model.gemeente or "")
        name = model.name or (listed.name if listed else ended.name if ended else "")
        inhabitants = model.inhabitants or (listed.inhabitants if listed else 0)
        need(bool(name), t("the name is missing"), t("Write `name: ...`; the registry does not have this code."))
        need(
            inhabitants > 0,
            t("the number of inhabitants is missing"),
            t("Write `inhabitants: ...`; it sizes the landscape."),
        )
        if model.state is State.MERGED:
            need(
                model.herindeling is not None,
                t("a merged gemeente names its successor"),
                t("Write `herindeling: {into: GM0000, date: ...}`."),
                "state",
            )
        if model.state is State.OFFBOARDING:
            need(
                model.offboarding is not None,
                t("offboarding needs a date"),
                t("Write `offboarding: {date: YYYY-MM-DD}`."),
                "state",
            )
        raise_if(problems)
        province = model.province or (listed.province if listed else "")
        return Tenant(tenant_id, name, province, inhabitants, model, tree)

    def _base(self, region: str, environment: str, layers: _Layers) -> Node:
        key = (region, environment)
        if key not in self._bases:
            problems: list[Problem] = []
            self._bases[key] = layered([*self._national.of(environment), *layers.of(environment)], problems)
            raise_if(problems)
        return self._bases[key]

    def environment(self, tenant: Tenant, name: str) -> Environment:
        """Environment `name` of `tenant`, all layers resolved."""
        region, region_layers = self._region(tenant.file.region, origin_of(tenant.tree, "region"))
        own = _split(tenant.tree)
        if name not in own.per_environment:
            raise InputError(
                Problem(
                    t("{tenant} has no environment {name}", tenant=tenant.id, name=name),
                    nearest(name, tenant.environments),
                    origin_of(tenant.tree, "environments"),
                )
            )
        base = self._base(tenant.file.region, name, region_layers)
        mine = [unwrap(layer) for layer in own.of(name)]
        problems: list[Problem] = []
        services = self._services(base, mine, problems)
        tree = base
        for layer in [*services, *mine]:
            tree = merge(tree, layer, problems)
        settings = validate(tree, Settings, problems)
        raise_if(problems)
        assert settings is not None  # noqa: S101
        components: dict[str, ComponentSettings] = {}
        for component, model in self.known.components.items():
            node = tree.child("components", component) or Node({}, tree.origin)
            validated = validate(node, model, problems, ("components", component))
            if validated is not None:
                components[component] = validated
        place = origin_of(
            tenant.tree,
            "environments",
            next(k for k in tenant.tree.value["environments"].value if environment_name(k) == name),
        )
        for key in ("release", "cluster", "domain"):
            if getattr(settings, key) is None:
                problems.append(Problem(t("{key} is missing", key=key), t("Add it here, or in the region."), place))
        if settings.release and self.known.releases and settings.release not in self.known.releases:
            problems.append(
                Problem(
                    t("there is no release {name}", name=settings.release),
                    nearest(settings.release, list(self.known.releases)),
                    origin_of(tree, "release"),
                )
            )
        if settings.cluster and settings.cluster not in region.clusters:
            problems.append(
                Problem(
                    t("region {region} has no cluster {name}", region=tenant.file.region, name=settings.cluster),
                    nearest(settings.cluster, list(region.clusters)),
                    origin_of(tree, "cluster"),
                )
            )
        raise_if(problems)
        assert settings.release and settings.cluster and settings.domain  # noqa: S101
        return Environment(
            tenant,
            name,
            settings,
            components,
            tree,
            settings.release,
            settings.cluster,
            region.clusters[settings.cluster],
            settings.domain,
        )

    def _services(self, base: Node, mine: list[Node], problems: list[Problem]) -> list[Node]:
        """The layers of the services that this environment has, between the region and the tenant."""
        without: list[Problem] = []
        tree = base
        for layer in mine:
            tree = merge(tree, layer, without)
        chosen = tree.child("services")
        result = []
        for node in chosen.value if chosen is not None and isinstance(chosen.value, list) else []:
            service = self.known.services.get(str(node.value))
            if service is None:
                problems.append(
                    Problem(
                        t("there is no service {name}", name=node.value),
                        nearest(str(node.value), list(self.known.services)),
                        node.origin,
                    )
                )
            else:
                result.append(unwrap(service))
        return result

    def environments(self) -> Iterator[Environment]:
        """Every environment of every tenant that is not merged away."""
        for tenant in self.tenants():
            if tenant.file.state is not State.MERGED:
                for name in tenant.environments:
                    yield self.environment(tenant, name)

    def find(self, text: str) -> tuple[Tenant, str]:
        """The tenant and environment that a person means by `text`.

        `gm9901-prod`, `gm9901` (its only or its productie environment), `GM9901`, or a unique name such as `Rijnstad`.
        """
        word = text.strip()
        ids = self.tenant_ids()
        low = word.lower()
        head, _, tail = low.rpartition("-")
        if head in ids:
            try:
                return self.tenant(head), environment_name(tail)
            except ValueError:
                pass
        if low not in ids:
            named = [i for i in ids if self._has_name(i, low)]
            if len(named) > 1:
                raise InputError(
                    Problem(t("{name} is the name of {ids}", name=word, ids=", ".join(named)), t("Use the code."))
                )
            if not named:
                known = [*ids, *(f"{i}-prod" for i in ids)]
                raise InputError(Problem(t("there is no tenant or stack {name}", name=word), nearest(low, known)))
            low = named[0]
        tenant = self.tenant(low)
        if not tenant.environments:
            raise InputError(Problem(t("{tenant} has no environment", tenant=low), t("Add one."), tenant.tree.origin))
        return tenant, "prod" if "prod" in tenant.environments else tenant.environments[-1]

    def _has_name(self, tenant_id: str, low: str) -> bool:
        listed = self.registry.gemeenten.get(tenant_id.upper())
        if listed is not None:
            return listed.name.lower() == low
        try:
            return self.tenant(tenant_id).name.lower() == low
        except GgiError:
            return False
