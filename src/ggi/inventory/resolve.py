"""From layers to one environment of one tenant: every value settled, and the layers kept for `explain`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from ggi.errors import InputError, Origin, Problem, raise_if
from ggi.inventory.layers import environment_places
from ggi.inventory.merge import layered, merge
from ggi.inventory.models import Cluster, ComponentSettings, EnvironmentSettings, Other, Peer, RegionFile
from ggi.inventory.names import Names, check_names
from ggi.inventory.stack import Stack, StackKind
from ggi.inventory.tenant import Tenant
from ggi.inventory.tree import Node
from ggi.inventory.validate import nearest, origin_of, validate
from ggi.inventory.waivers import Lock, WaiverFile
from ggi.messages import t


@dataclass(frozen=True, slots=True)
class KnownContent:
    """What the content offers to an inventory: settings per component, services as trees, names of releases."""

    components: Mapping[str, type[ComponentSettings]] = field(default_factory=dict)
    services: Mapping[str, Node] = field(default_factory=dict)
    releases: Collection[str] = ()
    roots: tuple[Path, ...] = ()
    """Content roots; policies/waivers/ of each may open locks."""
    names: Names = field(default_factory=dict)
    """What names in the files can refer to."""


Locks = Callable[[], Iterable[Lock]]
"""The locks that a tenant may open; asked when one was met."""


def _no_locks() -> Iterable[Lock]:
    return ()


def default_database(component: str) -> str:
    """Name of a component's database when nobody sets `database`: a name that PostgreSQL takes without quotes."""
    return component.replace("-", "_")


@dataclass(frozen=True)
class Environment:
    """One environment of one tenant, all layers resolved. Its stack owns one namespace.

    `layers` are the settings of every layer as they were joined, lowest first, unwrapped. `opened` are the waivers that
    opened a lock, whatever the day: nothing here knows a date.
    """

    tenant: Tenant
    name: str
    settings: EnvironmentSettings
    components: Mapping[str, ComponentSettings]
    tree: Node
    layers: tuple[Node, ...]
    release: str
    cluster_name: str
    cluster: Cluster
    domain: str
    opened: tuple[Lock, ...] = ()
    deviations: WaiverFile = field(default_factory=WaiverFile)
    """What was accepted of this tenant; the cluster's admission must know it."""

    @property
    def stack(self) -> str:
        """Name of the Pulumi stack, such as `gm9901-prod`."""
        return str(Stack(StackKind.LANDSCAPE, self.tenant.id, self.name))

    @property
    def namespace(self) -> str:
        """The namespace that the stack owns."""
        return self.settings.namespace or self.stack

    def default_host(self, component: str) -> str:
        """Public host name of a component when nobody sets `host`: `openzaak.rijnstad.test`."""
        return f"{component}.{self.domain}"

    def host(self, component: str) -> str:
        """Public host name of a component of the catalogue; whether it has a route is for the component to say."""
        return self.components[component].host or self.default_host(component)

    def database(self, component: str) -> str:
        """Name of a component's database, and of the role that owns it."""
        return self.components[component].database or default_database(component)

    def declared(self, kind: str, name: str) -> Other | None:
        """What the inventory says of an object of somebody else; None when it says nothing of it."""
        others = (one for one in self.settings.others if one.kind == kind)
        return next((one for one in others if fnmatchcase(name, one.name)), None)

    def origin(self, *path: str | int) -> Origin:
        """Where the value at `path` was written, or the nearest place above it."""
        return origin_of(self.tree, *path)


@dataclass(frozen=True)
class Base:
    """What national and region say for one environment, joined once for all tenants of the region."""

    tree: Node
    layers: tuple[Node, ...]

    @classmethod
    def of(cls, layers: Sequence[Node]) -> Base:
        """Join `layers`, lowest first. Raises InputError."""
        problems: list[Problem] = []
        tree = layered(layers, problems)
        raise_if(problems)
        return cls(tree, tuple(layers))


class LayerResolver:
    """Resolves environments; keeps what many of them share."""

    def __init__(self, known: KnownContent) -> None:
        self._known = known
        # By identity of the node: merging leaves the nodes of a component that a tenant does not mention untouched.
        self._checked: dict[tuple[str, int], tuple[Node, ComponentSettings]] = {}

    def resolve(
        self, tenant: Tenant, name: str, region: RegionFile, base: Base, locks: Locks = _no_locks
    ) -> Environment:
        """Environment `name` of `tenant`. Raises InputError with every problem found."""
        mine = tenant.layers.of(name)
        problems: list[Problem] = []
        services = self._services(base, mine, problems)
        opened: list[Lock] = []

        def opens(path: tuple[str, ...], value: Node) -> bool:
            found = [k for k in locks() if k.key == ".".join(path) and k.covers(name) and k.accepts(value.plain())]
            opened.extend(item for item in found if item not in opened)
            return bool(found)

        tree = base.tree
        for layer in services:
            tree = merge(tree, layer, problems)
        for layer in mine:
            tree = merge(tree, layer, problems, opens=opens)
        rest = Node({k: v for k, v in tree.value.items() if k != "components"}, tree.origin)
        settings = validate(rest, EnvironmentSettings, problems, nulls=True)
        components = self._components(tree, problems)
        if settings is None:
            raise_if(problems)
            raise AssertionError("settings are missing without a problem")
        place = environment_places(tenant.tree)[name].origin
        for key in ("release", "cluster", "domain"):
            if getattr(settings, key) is None:
                problems.append(Problem(t("{key} is missing", key=key), t("Add it here, or in the region."), place))
        known = self._known.releases
        if settings.release and known and settings.release not in known:
            message = t("there is no release {name}", name=settings.release)
            problems.append(Problem(message, nearest(settings.release, known), origin_of(tree, "release")))
        if settings.cluster and settings.cluster not in region.clusters:
            message = t("region {region} has no cluster {name}", region=tenant.file.region, name=settings.cluster)
            problems.append(Problem(message, nearest(settings.cluster, region.clusters), origin_of(tree, "cluster")))
        check_names(rest, EnvironmentSettings, self._known.names, problems)
        raise_if(problems)
        assert settings.release and settings.cluster and settings.domain  # noqa: S101
        found = Environment(
            tenant=tenant,
            name=name,
            settings=settings,
            components=components,
            tree=tree,
            layers=(*base.layers, *services, *mine),
            release=settings.release,
            cluster_name=settings.cluster,
            cluster=region.clusters[settings.cluster],
            domain=settings.domain,
            opened=tuple(opened),
        )
        _refuse_taken(found)
        return found

    def _components(self, tree: Node, problems: list[Problem]) -> dict[str, ComponentSettings]:
        said = tree.child("components") or Node({}, tree.origin)
        result: dict[str, ComponentSettings] = {}
        for name, model in self._known.components.items():
            node = said.value.get(name)
            if node is None:
                node = _NOTHING
            key = (name, id(node))
            if key not in self._checked:
                found = validate(node, model, problems, ("components", name), nulls=True)
                check_names(node, model, self._known.names, problems, name)
                if found is None:
                    continue
                self._checked[key] = node, found
            result[name] = self._checked[key][1]
        return result

    def _services(self, base: Base, mine: Sequence[Node], problems: list[Problem]) -> list[Node]:
        """The layers of the services that this environment has, between the region and the tenant."""
        if not self._known.services and not any("services" in layer.value for layer in (base.tree, *mine)):
            return []
        without: list[Problem] = []
        tree = _only(base.tree, "services")
        for layer in mine:
            tree = merge(tree, _only(layer, "services"), without)
        chosen = tree.child("services")
        result = []
        for node in chosen.value if chosen is not None and isinstance(chosen.value, list) else []:
            service = self._known.services.get(str(node.value))
            if service is None:
                message = t("there is no service {name}", name=node.value)
                problems.append(Problem(message, nearest(str(node.value), self._known.services), node.origin))
            else:
                result.append(service)
        return result


def _refuse_taken(environment: Environment) -> None:
    """Raise InputError when the landscape's namespace is one in which the cluster says that something else lives."""
    cluster = environment.cluster
    for name in type(cluster).model_fields:
        value = getattr(cluster, name)
        peer = value if isinstance(value, Peer) else getattr(value, "peer", None)
        if isinstance(peer, Peer) and peer.namespace.get(NAMESPACE_NAME) == environment.namespace:
            message = t("the namespace {name} is that of {what} on cluster {cluster}", name=environment.namespace,
                        what=name, cluster=environment.cluster_name)  # fmt: skip
            raise InputError(Problem(message, t("Choose another one."), environment.origin("namespace")))


NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label that every namespace has with its own name (kubernetes.io, Well-Known Labels)."""
_NOTHING = Node({}, Origin("", 0))


def _only(tree: Node, key: str) -> Node:
    return Node({key: tree.value[key]} if key in tree.value else {}, tree.origin)
