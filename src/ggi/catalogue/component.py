"""What a component is, and what its configuration function may know.

A content module `stacks/components/<name>.py` holds one `component = Component(...)`. Its `configure` gets a Context:
settings, relations and tenant, and no clock and no network.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from ggi.catalogue.relation import Api, Relation, Use
from ggi.catalogue.release import ComponentVersion
from ggi.catalogue.secrets import SecretRef, SecretText
from ggi.inventory.models import ComponentSettings
from ggi.inventory.resolve import Environment

S = TypeVar("S", bound=ComponentSettings)


class Layer(StrEnum):
    """The five layers of Common Ground, and the platform below them."""

    INTERACTIE = "interactie"
    PROCES = "proces"
    INTEGRATIE = "integratie"
    SERVICES = "services"
    DATA = "data"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Port:
    """A named container port."""

    name: str
    number: int
    metrics: bool = False
    """Prometheus scrapes it at /metrics."""
    own: bool = False
    """For the pod itself and its probes alone: its Service does not have it."""


@dataclass(frozen=True, slots=True)
class Probe:
    """How a process shows that it works: an HTTP path on a port, an open port, or a command.

    Example: `Probe(port="http", path="/health")`.
    """

    port: str = ""
    path: str = ""
    command: tuple[str, ...] = ()
    scheme: str = "HTTP"
    period: int = 10
    timeout: int = 5
    failures: int = 3


@dataclass(frozen=True, slots=True)
class Volume:
    """Storage of a component. `shared`: several pods write it at once (ReadWriteMany).

    Example: `Volume("media", "/app/media", "10Gi")`.
    """

    name: str
    path: str
    size: str
    shared: bool = True
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class SecretMount:
    """Keys of a Secret that somebody else makes (an operator, cert-manager), mounted as files."""

    secret: str
    path: str
    keys: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Prepare:
    """A step in a pod before its process starts (an init container), with the same image and mounts.

    `elsewhere` mounts a writable folder of the process at another path, so that what the image has there is visible.
    """

    name: str
    command: tuple[str, ...]
    elsewhere: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Process:
    """One kind of pod of a component.

    `cpu` in cores and `memory` in MiB are what one pod asks for; memory is also its limit. `scales`: the number of
    pods follows the inhabitants, else it is `replicas`. `share` is its part of the component's work when it scales.
    `writable` are folders that need an emptyDir, since the root file system is read-only.

    Example: `seen.landscape.components["openzaak"].component.process("web")`.
    """

    name: str
    ports: tuple[Port, ...] = ()
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    startup: Probe | None = None
    liveness: Probe | None = None
    readiness: Probe | None = None
    cpu: float = 0.1
    memory: int = 256
    scales: bool = False
    replicas: int = 1
    stateful: bool = False
    writable: tuple[str, ...] = ("/tmp",)  # noqa: S108  (a mount point in the container)
    volumes: tuple[Volume, ...] = ()
    secret_mounts: tuple[SecretMount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: tuple[Prepare, ...] = ()
    """Steps before the process starts, in this order; they get its configuration, not its secrets."""
    configured: bool = True
    """Gets the component's configuration and secrets as environment."""
    uid: int = 1000
    files_group: int = 0
    """Group of the files on its volumes; 0: its own uid. Processes that share a volume must have the same one."""
    grace: int = 30
    """Seconds that a pod gets to stop."""
    connections: int = 5
    """Connections to each database that one pod holds at most; the database is sized by the sum."""
    singleton: bool = False
    """Never two at once, not even during a roll-out."""
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    """An operator makes the pods, and they are found by these labels; no workload is built here."""
    service: str = ""
    """Name of the Service when an operator makes it."""
    container: str = ""
    """Name of its container, if it is not that of the process.

    A probe of another type needs another name: a preview adds to the container that is there, which then has two
    (pulumi-kubernetes v4, pkg/await/await.go: `fixCSAFieldManagers` does nothing in a preview).
    """
    beside: tuple[Process, ...] = ()
    """Further containers of its pods, such as the nginx that ends TLS. What a pod has once is this process's."""

    @property
    def pod_ports(self) -> tuple[Port, ...]:
        """The ports of all containers of its pods."""
        return (*self.ports, *(port for other in self.beside for port in other.ports))

    def port(self, name: str) -> Port:
        """The port of its pods with this name. Raises KeyError."""
        for port in self.pod_ports:
            if port.name == name:
                return port
        raise KeyError(f"{self.name} has no port {name}")


@dataclass(frozen=True, slots=True)
class Outside:
    """A flow over an edge that the cluster declares: smtp, fsc, apiserver, backup; or `inward`: operators, solver.

    `port` names the own port of an inward flow. `trial` gives what `ggi verify` tries, in the terms of
    `ggi.engine.probe`, where more is known of the other end than the cluster says.
    """

    edge: str
    processes: tuple[str, ...] = ()
    optional: bool = False
    inward: bool = False
    port: str = ""
    trial: Callable[[Environment], Mapping[str, Any] | None] | None = None


@dataclass(frozen=True, slots=True)
class Internal:
    """A flow between two processes of one component; `port` is a name of the target's."""

    source: tuple[str, ...]
    target: str
    port: str


@dataclass(frozen=True, slots=True)
class Input:
    """Something that another party must supply. `days` is how long before go-live it must be asked for."""

    id: str
    title: str
    role: str
    check: str
    days: int
    blocks: bool = True
    """The component, and what can't do without it, is left out until then; otherwise it works with less."""
    secret: bool = True
    known: Callable[[Environment], bool] | None = None
    """Tells whether the inventory itself holds it already, where that is the place for it."""


@dataclass(frozen=True, slots=True)
class Functional:
    """Configuration that is the gemeente's own: read and reported, never overwritten."""

    title: str
    where: str


@dataclass(frozen=True, slots=True)
class FirstPerson:
    """How the first person is made: with an account of the component's own, by requests that leave nothing behind."""

    account: str
    """The account that comes with the component."""
    variable: str
    """The environment variable of its pods that holds the password."""
    process: str
    """The process with these pods."""
    commands: tuple[str, ...]
    """Lines for a shell. `call` is curl to the pods; {base} their address, {password} what prints the password, {stack}
    and {domain} are filled in too; NAME and A-NEW-PASSWORD are for the reader."""


@dataclass(frozen=True, slots=True)
class Job:
    """A Job. Runs come before the Deployments, in the order given; `after_start`: when they are up."""

    name: str
    command: tuple[str, ...]
    image: str = ""
    cpu: float = 0.1
    memory: int = 512
    after_start: bool = False
    """It talks to the running component; who starts after the component also waits for this."""
    configured: bool = True
    """Gets the component's configuration and secrets as environment, as the processes do."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a component's configuration function returns.

    `environment` goes into a ConfigMap, `secrets` into a Secret, both read as environment. `files` and `secret_files`
    are mounted: process (or a container beside it) or run, then path, then content; `common_files`, by path, in
    everything that gets the environment. `setup` is the document for django-setup-configuration, with
    its secrets in `setup_secrets`, which only the configuration Job gets. `objects` are further Kubernetes objects, as
    manifests without namespace; SecretText may stand in the `data` of a Secret.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, SecretText] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    common_files: Mapping[str, str] = field(default_factory=dict)
    secret_files: Mapping[str, Mapping[str, SecretText]] = field(default_factory=dict)
    setup: Mapping[str, Any] | None = None
    setup_path: str = "/app/setup_configuration/data.yaml"
    setup_secrets: Mapping[str, SecretText] = field(default_factory=dict)
    public_paths: tuple[str, ...] = ("/",)
    """What the gateway forwards; nothing else of the component can be reached from outside."""
    objects: tuple[Manifest, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A Kubernetes object of a component beyond the ordinary ones. `role` names it: `<component>/<Kind>/<role>`.

    `needs` are the logical names that must be there first; `early`: it must be there before migrations run.
    """

    role: str
    body: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    early: bool = True


def _nothing(_: Context) -> Configuration:
    return Configuration()


Chosen = Mapping[str, tuple[Use, ...]]
"""Uses by the name of the component that has them."""


def _no_choice(_: Environment, __: ComponentVersion) -> Chosen:
    return {}


@dataclass(frozen=True, slots=True)
class Component:
    """A component as the catalogue knows it: the same for every gemeente.

    Example: `seen.landscape.components["openzaak"].component.processes`.
    """

    name: str
    title: str
    layer: Layer
    summary: str
    processes: tuple[Process, ...]
    settings: type[ComponentSettings] = ComponentSettings
    offers: tuple[Api, ...] = ()
    uses: tuple[Use, ...] = ()
    chosen: Callable[[Environment, ComponentVersion], Chosen] = _no_choice
    """Further uses that follow from the inventory or from this component's version: its own, and those of others that
    its settings name. In a landscape they are among `uses`."""
    outside: tuple[Outside, ...] = ()
    internal: tuple[Internal, ...] = ()
    runs: tuple[Job, ...] = ()
    configure: Callable[[Context], Configuration] = _nothing
    route: str = ""
    """Process and port that the gateway forwards to: `web:https`. Empty: not reachable from outside."""
    passthrough: bool = False
    """TLS is not ended at the gateway (TLSRoute)."""
    certified: str = ""
    """Process whose pods end TLS: the component gets a certificate for its public name and the names of its Service."""
    inputs: tuple[Input, ...] = ()
    external_inputs: tuple[Input, ...] = ()
    """What its owner must supply when it exists already and is only used."""
    functional: tuple[Functional, ...] = ()
    supplier: str = ""
    licence: str = ""
    source: str = ""
    gemma: str = ""
    """GEMMA referentiecomponent."""
    support_end: dt.date | None = None
    front: str = "/"
    """Where a person begins, below its public host; `{stack}` is filled in."""
    first: FirstPerson | None = None
    """How the first person is made who may log in; without it, that is the matter of what it logs people in with."""
    exit: str = ""
    """How the data leaves (GIBIT)."""

    def process(self, name: str) -> Process:
        """The process with this name. Raises KeyError."""
        for process in self.processes:
            if process.name == name:
                return process
        raise KeyError(f"{self.name} has no process {name}")

    def api(self, name: str) -> Api:
        """The API with this name. Raises KeyError."""
        for api in self.offers:
            if api.name == name:
                return api
        raise KeyError(f"{self.name} offers no {name}")


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

    def image(self, name: str = "") -> str:
        """The reference of an image of this component (`main` without a name) as the nodes fetch it.

        Raises InputError when the release has no such image.
        """
        return self.environment.cluster.image(self.version.image(name).reference)

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

    def secret(self, purpose: str, size: int = 32) -> SecretRef:
        """A derived secret of this component alone, of `size` bytes (a third more characters)."""
        return SecretRef("derived", f"{self.name}/{purpose}", self.environment.settings.rotation.current, size)

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


_key, _value = json.JSONEncoder().encode, json.JSONEncoder(ensure_ascii=False).encode
"""Made once: `json.dumps` makes an encoder for each call."""


def document(value: Mapping[str, Any]) -> str:
    """JSON (which is YAML 1.2 as well) with a line per key of the outermost mapping.

    Python indents JSON, and writes YAML, ten times as slowly as it writes plain JSON.
    """
    lines = [f"{_key(key)}: {_value(item)}" for key, item in value.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
