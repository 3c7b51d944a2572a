"""`landscape(environment, catalogue)`: the whole desired landscape as one value. Pure: no network, clock or secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ggi.catalogue.component import Component, Context, Functional, Input
from ggi.catalogue.content import Catalogue
from ggi.catalogue.relation import Relation
from ggi.errors import Problem, raise_if
from ggi.inventory.load import Environment
from ggi.landscape.derived import web_pods
from ggi.landscape.network import Flow, flows, policies
from ggi.landscape.objects import NAMESPACE, Object, digest
from ggi.landscape.platform import accept, budget, gateway, make, platform
from ggi.landscape.relations import ComponentInstance, check_databases, placed, redis_databases, relations, start_order
from ggi.landscape.workload import Workload
from ggi.messages import t


@dataclass(frozen=True, slots=True)
class OpenInput:
    """An input that is still missing; `component` waits for it."""

    component: str
    input: Input

    @property
    def id(self) -> str:
        """The id under which the inventory records that it was supplied."""
        return f"{self.component}.{self.input.id}"


@dataclass(frozen=True)
class Landscape:
    """Everything that one environment should be. `objects` come in an order in which they can be made.

    `waiting` are components that are switched on but lack an input: without objects, relations or place in `order`.
    """

    environment: Environment
    components: Mapping[str, ComponentInstance]
    waiting: tuple[str, ...]
    order: tuple[str, ...]
    relations: tuple[Relation, ...]
    flows: tuple[Flow, ...]
    objects: tuple[Object, ...]
    hosts: Mapping[str, str]
    open_inputs: tuple[OpenInput, ...]
    functional: tuple[tuple[str, Functional], ...]

    @property
    def stack(self) -> str:
        """Name of the stack."""
        return self.environment.stack

    @cached_property
    def fingerprint(self) -> str:
        """Changes when any object changes."""
        return digest([[o.name, o.body, {k: v.placeholder() for k, v in o.secrets.items()}] for o in self.objects])

    def of(self, component: str) -> list[Object]:
        """The objects of one component."""
        return [o for o in self.objects if o.component == component]


def _replicas(environment: Environment, component: Component) -> dict[str, int]:
    settings = environment.components[component.name]
    size = settings.replicas or web_pods(environment.tenant.inhabitants)
    return {p.name: size if p.scales else p.replicas for p in component.processes}


def _connections(environment: Environment, incoming: Sequence[Relation], on: Mapping[str, ComponentInstance]) -> int:
    """Connections that the consumers of these relations open at most; a Job counts as one pod of one."""
    total = 0
    for relation in incoming:
        consumer = on[relation.consumer].component
        pods = _replicas(environment, consumer)
        per_pod = {p.name: p.connections for p in consumer.processes}
        total += sum(pods.get(name, 1) * per_pod.get(name, 1) for name in relation.processes)
    return total


def _hosts(environment: Environment, on: Mapping[str, ComponentInstance], problems: list[Problem]) -> dict[str, str]:
    hosts: dict[str, str] = {}
    for name, item in on.items():
        if item.external or not item.component.route:
            continue
        host = environment.host(name)
        for other, taken in hosts.items():
            if taken == host:
                problems.append(
                    Problem(
                        t("{one} and {two} both have the host name {host}", one=other, two=name, host=host),
                        t("Give one of them another `host`."),
                        environment.origin("components", name, "host"),
                    )
                )
        hosts[name] = host
    return hosts


def _open_inputs(
    environment: Environment, on: Mapping[str, ComponentInstance], problems: list[Problem]
) -> list[OpenInput]:
    supplied = environment.settings.inputs
    declared = [OpenInput(name, i) for name, item in on.items() for i in item.inputs]
    known = {i.id for i in declared}
    for key in supplied:
        if key not in known:
            problems.append(
                Problem(
                    t("no component of this landscape asks for the input {id}", id=key),
                    t("`ggi inputs` lists the ids."),
                    environment.origin("inputs", key),
                )
            )
    return [i for i in declared if i.id not in supplied and not (i.input.known and i.input.known(environment))]


def _waiting(on: Mapping[str, ComponentInstance], missing: Sequence[OpenInput]) -> tuple[str, ...]:
    """The components that can't be made yet: an input is missing, or they need one that waits."""
    waiting = {i.component for i in missing if i.input.blocks}
    while more := {
        name
        for name, item in on.items()
        if name not in waiting
        and not item.external
        and any(u.component in waiting and not u.optional for u in item.component.uses)
    }:
        waiting |= more
    return tuple(name for name in on if name in waiting)


def _ready(
    found: Sequence[Relation], built: Mapping[str, list[Object]], on: Mapping[str, ComponentInstance]
) -> dict[str, list[str]]:
    """Per component: what must work before it starts, from the providers that it starts after."""
    result: dict[str, list[str]] = {}
    for relation in found:
        if not relation.starts_after or relation.provider == relation.consumer:
            continue
        late = {run.name for run in on[relation.provider].component.runs if run.after_start}
        for item in built.get(relation.provider, ()):
            _, kind, role = item.name.split("/")
            works = kind in ("Deployment", "StatefulSet") or (kind == "Job" and role in late)
            if works or (kind in ("Cluster", "Database") and role in ("main", relation.consumer)):
                result.setdefault(relation.consumer, []).append(item.name)
    return result


def _uncertified(
    environment: Environment,
    on: Mapping[str, ComponentInstance],
    hosts: Mapping[str, str],
    built: Mapping[str, Sequence[Object]],
) -> list[Problem]:
    """Components that are reached by their public name, and whose pods have no certificate for it."""
    return [
        Problem(
            t("{component} has a route, and no certificate for its name", component=name),
            t("Name the process that ends TLS in `certified` of the component; the block `nginx` has one that can."),
            environment.origin("components", name, "enabled"),
        )
        for name in hosts
        if name in built
        and not on[name].component.passthrough
        and all(item.name != f"{name}/Certificate/internal" for item in built[name])
    ]


def landscape(environment: Environment, catalogue: Catalogue) -> Landscape:
    """The desired landscape of one environment. Raises InputError with every problem found."""
    problems: list[Problem] = []
    everything = placed(environment, catalogue, problems)
    missing = _open_inputs(environment, everything, problems)
    waiting = _waiting(everything, missing)
    on = {name: item for name, item in everything.items() if name not in waiting}
    found = relations(environment, catalogue, on, problems)
    order = start_order(on, found, environment, problems)
    check_databases(environment, found, problems)
    databases = redis_databases(environment, found, problems)
    hosts = _hosts(environment, on, problems)
    listed = flows(environment, on, found, problems)
    raise_if(problems)

    objects = platform(environment)
    built: dict[str, list[Object]] = {}
    for name in order:
        item = on[name]
        if item.external:
            continue
        context = Context(
            component=item.component,
            environment=environment,
            version=item.version,
            host=hosts.get(name, ""),
            outgoing=tuple(r for r in found if r.consumer == name),
            incoming=tuple(r for r in found if r.provider == name),
            relations=tuple(found),
            hosts=hosts,
            redis_databases=databases.get(name, {}),
            replicas=_replicas(environment, item.component),
            connections=_connections(environment, [r for r in found if r.provider == name], on),
        )
        configuration = item.component.configure(context)
        ready = _ready([r for r in found if r.consumer == name], built, on).get(name, [])
        built[name] = Workload(context, configuration, list(dict.fromkeys(ready))).build()
        objects.extend(built[name])
    raise_if(_uncertified(environment, on, hosts, built))
    for (component, process), spec in policies(environment, on, listed).items():
        objects.append(
            make(
                environment,
                component,
                "NetworkPolicy",
                process,
                "networking.k8s.io/v1",
                component if component == process else f"{component}-{process}",
                {"spec": spec},
            )
        )
    listeners = {name: (host, on[name].component.passthrough) for name, host in hosts.items()}
    objects.extend(gateway(environment, listeners))
    objects.extend(budget(environment, objects))
    accept(environment, objects)
    return Landscape(
        environment=environment,
        components=everything,
        waiting=waiting,
        order=tuple(order),
        relations=tuple(found),
        flows=tuple(listed),
        objects=tuple(in_order(objects)),
        hosts=hosts,
        open_inputs=tuple(missing),
        functional=tuple(
            (n, f) for n, item in everything.items() if not item.external for f in item.component.functional
        ),
    )


def in_order(objects: Sequence[Object]) -> list[Object]:
    """The objects so that each comes after what it needs. Raises ValueError for a need that does not exist."""
    by_name = {o.name: o for o in objects}
    if len(by_name) != len(objects):
        names = [o.name for o in objects]
        raise ValueError("two objects have the logical name " + next(n for n in names if names.count(n) > 1))
    result: dict[str, Object] = {}

    def visit(item: Object) -> None:
        if item.name in result:
            return
        for need in item.needs:
            if need not in by_name:
                raise ValueError(f"{item.name} needs {need}, which is not part of the landscape")
            visit(by_name[need])
        result[item.name] = item

    visit(by_name[NAMESPACE])
    for item in objects:
        visit(item)
    return list(result.values())
