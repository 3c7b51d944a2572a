"""What a component's configuration function may know: its settings, its relations, its tenant. No clock, no network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from ggi.catalogue.component import Component
from ggi.catalogue.relation import Relation
from ggi.catalogue.release import ComponentVersion
from ggi.catalogue.secrets import SecretRef
from ggi.inventory.load import Environment
from ggi.inventory.models import ComponentSettings

S = TypeVar("S", bound=ComponentSettings)


@dataclass(frozen=True, slots=True)
class Context:
    """The view of one component on one environment."""

    component: Component
    environment: Environment
    version: ComponentVersion
    host: str
    """Own public host name."""
    outgoing: tuple[Relation, ...]
    """Relations in which this component is the consumer."""
    incoming: tuple[Relation, ...]
    """Relations in which it is the provider."""
    relations: tuple[Relation, ...]
    """All relations of the landscape."""
    hosts: dict[str, str]
    """Public host names of all components that are switched on and have a route."""
    redis_databases: dict[str, int]
    """Redis database per purpose of this component, such as {"cache": 4, "broker": 5}."""
    replicas: dict[str, int]
    """Pods per process."""
    connections: int
    """How many connections its consumers open at most, all their pods together."""

    @property
    def namespace(self) -> str:
        """The namespace of the landscape."""
        return self.environment.namespace

    @property
    def name(self) -> str:
        """The name of the component."""
        return self.component.name

    def settings(self, model: type[S]) -> S:
        """The component's settings as `model`."""
        found = self.environment.components[self.component.name]
        if not isinstance(found, model):
            raise TypeError(f"{self.component.name} has {type(found).__name__}, not {model.__name__}")
        return found

    def use(self, component: str, process: str = "") -> Relation | None:
        """The relation to a component that this one uses, or None when it is optional and off."""
        for relation in self.outgoing:
            if relation.provider == component and process in ("", relation.process):
                return relation
        return None

    def must(self, component: str, process: str = "") -> Relation:
        """The relation to a component that this one can't do without. Raises KeyError when it was never declared."""
        relation = self.use(component, process)
        if relation is None:
            raise KeyError(f"{self.name} declares no use of {component}")
        return relation

    def secret(self, purpose: str) -> SecretRef:
        """A derived secret of this component alone."""
        return SecretRef("derived", f"{self.name}/{purpose}", self.environment.settings.rotation.current)

    def service(self, process: str) -> str:
        """DNS name of the Service of one of this component's processes."""
        return service_host(self.name, process, self.namespace)

    def allowed_hosts(self, *processes: str) -> list[str]:
        """Every name under which this component is called: the public host and the Services of `processes`."""
        names = [self.host] if self.host else []
        for process in processes:
            names += [f"{self.name}-{process}", self.service(process)]
        return names


def service_name(component: str, process: str) -> str:
    """Name of the Service of a process."""
    return component if component == process else f"{component}-{process}"


def service_host(component: str, process: str, namespace: str) -> str:
    """DNS name of the Service of a process, without the cluster's domain, which differs per cluster."""
    return f"{service_name(component, process)}.{namespace}.svc"
