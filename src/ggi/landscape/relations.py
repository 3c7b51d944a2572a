"""From what components declare to the relations of one environment, and the order in which components start."""

from __future__ import annotations

import graphlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ggi.catalogue.component import Component, Input, service_host
from ggi.catalogue.content import Catalogue
from ggi.catalogue.relation import Auth, Credential, Relation, Use, client_id
from ggi.catalogue.release import ComponentVersion
from ggi.catalogue.secrets import SecretRef
from ggi.errors import Origin, Problem
from ggi.inventory.load import Environment
from ggi.messages import t

SERVICE_PORTS = {"http": 80, "https": 443}
TOKEN_BYTES = 30
"""A token of Open Klant and Open Object has at most 40 characters: 30 bytes in base64url (their model `TokenAuth`)."""


@dataclass(frozen=True, slots=True)
class ComponentInstance:
    """A component that is switched on in an environment, with its version in the release."""

    component: Component
    version: ComponentVersion
    external: bool

    @property
    def name(self) -> str:
        """The component's name."""
        return self.component.name

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What others must supply for it."""
        return self.component.external_inputs if self.external else self.component.inputs


def placed(environment: Environment, catalogue: Catalogue, problems: list[Problem]) -> dict[str, ComponentInstance]:
    """The components that are switched on, by name."""
    release = catalogue.releases[environment.release]
    result = {}
    for name, settings in environment.components.items():
        if not settings.enabled and settings.external is None:
            continue
        version = release.component(name)
        if version is None:
            problems.append(
                Problem(
                    t("release {release} does not have {component}", release=environment.release, component=name),
                    t("Switch the component off, or choose a release that has it."),
                    environment.origin("components", name, "enabled"),
                )
            )
            continue
        result[name] = ComponentInstance(catalogue.components[name], version, settings.external is not None)
    _choose(environment, result, problems)
    return result


def _choose(environment: Environment, on: dict[str, ComponentInstance], problems: list[Problem]) -> None:
    """Add to each component the uses that were chosen for it; a choice for one that is not there is a problem."""
    for name, item in list(on.items()):
        if item.external:
            continue
        for consumer, uses in item.component.chosen(environment, item.version).items():
            user = on.get(consumer)
            if user is None or user.external:
                problems.append(
                    Problem(
                        t("{component} names {name}, which is not made here", component=name, name=consumer),
                        t("Known: {names}.", names=", ".join(n for n, i in on.items() if not i.external)),
                        environment.origin("components", name),
                    )
                )
                continue
            wrong = {use.component: list(_unknown(environment, name, use, on)) for use in uses}
            problems.extend(problem for found in wrong.values() for problem in found)
            known = tuple(_narrow(user, use) for use in uses if not wrong[use.component])
            component = replace(user.component, uses=user.component.uses + known)
            on[consumer] = replace(user, component=component)


def _narrow(user: ComponentInstance, use: Use) -> Use:
    """A use that names no pods is one of the pods that serve and work, not of Jobs and schedulers."""
    pods = tuple(p.name for p in user.component.processes if p.configured and not p.singleton and not p.pod_labels)
    return use if use.processes else replace(use, processes=pods)


def _unknown(environment: Environment, name: str, use: Use, on: Mapping[str, ComponentInstance]) -> Iterator[Problem]:
    """What a setting of component `name` names and is not there: another component, or one of its APIs."""
    place = environment.origin("components", name)
    if use.component not in on:
        if not use.optional:
            message = t("{component} names {name}, which is not made here", component=name, name=use.component)
            yield Problem(message, t("Known: {names}.", names=", ".join(on)), place)
        return
    offered = [api.name for api in on[use.component].component.offers]
    for api in use.apis:
        if api not in offered:
            message = t("{component} offers no API {name}", component=use.component, name=api)
            yield Problem(message, t("Known: {names}.", names=", ".join(offered) or "-"), place)


def service_port(name: str, number: int) -> int:
    """The port of a Service for a container port: 80 for `http`, 443 for `https`, else the same number."""
    return SERVICE_PORTS.get(name, number)


def _credentials(environment: Environment, use: Use, consumer: str, auth: Auth) -> tuple[Credential, ...]:
    if auth in (Auth.NONE, Auth.MTLS):
        return ()
    rotation = environment.settings.rotation
    size = TOKEN_BYTES if auth is Auth.TOKEN else 32
    path = f"{consumer}/{use.component}"
    return tuple(
        Credential(client_id(consumer, n), SecretRef("derived", path, n, size))
        for n in dict.fromkeys((rotation.current, *rotation.accept))
    )


def _relations_of(consumer: Component, use: Use, provider: Component, environment: Environment) -> list[Relation]:
    """One relation per process and way of authentication of the provider."""
    external = environment.components[provider.name].external
    groups: dict[tuple[str, str, Auth], list[str]] = {}
    for name in use.apis:
        api = provider.api(name)
        auth = Auth.NONE if use.forwards else api.auth
        groups.setdefault((api.process, api.port, auth), []).append(name)
    every = [p.name for p in consumer.processes if p.configured and not p.pod_labels] + [r.name for r in consumer.runs]
    result = []
    for (process_name, port_name, auth), names in groups.items():
        process = provider.process(process_name)
        number = process.port(port_name).number
        # A route that is plain HTTP behind the gateway has no address of its own inside; controls find it.
        public = port_name == "https" and not external and not provider.passthrough
        public = public and provider.route == f"{process_name}:{port_name}"
        accepted = _credentials(environment, use, consumer.name, auth)
        service = f"{process.service}.{environment.namespace}.svc" if process.service else ""
        result.append(
            Relation(
                consumer=consumer.name,
                consumer_title=consumer.title,
                processes=use.processes or tuple(every),
                provider=provider.name,
                provider_title=provider.title,
                process=process_name,
                apis=tuple(provider.api(name) for name in names),
                auth=auth,
                host=external.host
                if external
                else environment.host(provider.name)
                if public
                else service or service_host(provider.name, process_name, environment.namespace),
                port=external.port if external else number if process.service else service_port(port_name, number),
                container_port=external.port if external else number,
                credential=accepted[0] if accepted else None,
                accepted=accepted,
                parameters=use.parameters,
                starts_after=use.starts_after,
                public=public,
            )
        )
    return result


def relations(
    environment: Environment, catalogue: Catalogue, on: Mapping[str, ComponentInstance], problems: list[Problem]
) -> list[Relation]:
    """Every relation between components that are switched on; a use of one that is off is a problem."""
    result = []
    for item in on.values():
        if item.external:
            continue
        for use in item.component.uses:
            provider = on.get(use.component)
            if provider is not None:
                result.extend(_relations_of(item.component, use, provider.component, environment))
            elif not use.optional:
                problems.append(_off(environment, catalogue, item, use))
    return result


def _off(environment: Environment, catalogue: Catalogue, item: ComponentInstance, use: Use) -> Problem:
    known = use.component in catalogue.components
    place = environment.tree.child("components", use.component, "enabled")
    own: Origin = environment.origin("components", item.name, "enabled")
    return Problem(
        t("{consumer} uses {provider}, which is switched off", consumer=item.name, provider=use.component)
        if known
        else t(
            "{consumer} uses {provider}, which the catalogue does not have", consumer=item.name, provider=use.component
        ),
        t("Switch {provider} on, or {consumer} off ({place}).", provider=use.component, consumer=item.name, place=own),
        place.origin if place is not None else own,
    )


def start_order(
    on: Mapping[str, ComponentInstance], found: Sequence[Relation], environment: Environment, problems: list[Problem]
) -> list[str]:
    """Names of the components in the order in which they start; a circle is a problem."""
    graph: dict[str, set[str]] = {name: set() for name in on}
    for relation in found:
        if relation.starts_after and relation.provider != relation.consumer:
            graph[relation.consumer].add(relation.provider)
    try:
        # Sorted: the order of a set of names is another one in every process, and the fingerprint would be too.
        ordered = {name: sorted(providers) for name, providers in graph.items()}
        return list(graphlib.TopologicalSorter(ordered).static_order())
    except graphlib.CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        problems.append(
            Problem(
                t("these components wait for each other: {circle}", circle=circle),
                t("Drop `starts_after` from one of these uses."),
                environment.origin("components", error.args[1][0]),
            )
        )
        return list(on)


def check_databases(environment: Environment, found: Sequence[Relation], problems: list[Problem]) -> None:
    """Each component has a database of its own: two that share one would migrate it under each other."""
    taken: dict[str, str] = {}
    for consumer in dict.fromkeys(r.consumer for r in found if r.provider == "postgresql"):
        name = environment.database(consumer)
        other = taken.setdefault(name, consumer)
        if other != consumer:
            said = consumer if environment.components[consumer].database else other
            place = environment.origin("components", said, "database")
            message = t("{one} and {two} both use the database {name}", one=other, two=consumer, name=name)
            problems.append(Problem(message, t("Give one of them a database of its own."), place))


def redis_databases(
    environment: Environment, found: Sequence[Relation], problems: list[Problem]
) -> dict[str, dict[str, int]]:
    """Redis database per consumer and purpose. Two purposes on one database are a problem.

    A component brings its own numbers; `components.redis.databases` of the inventory wins.
    """
    own = getattr(environment.components.get("redis"), "databases", {})
    taken: dict[int, str] = {}
    result: dict[str, dict[str, int]] = {}
    for relation in found:
        if relation.provider != "redis":
            continue
        for purpose, default in relation.parameters.get("databases", {}).items():
            key = f"{relation.consumer}-{purpose}"
            number = own.get(key, default)
            if number in taken:
                problems.append(
                    Problem(
                        t(
                            "{one} and {two} both use Redis database {number}",
                            one=taken[number],
                            two=key,
                            number=number,
                        ),
                        t("Give one of them a number of its own below components.redis.databases."),
                        environment.origin("components", "redis", "databases", key),
                    )
                )
            taken[number] = key
            result.setdefault(relation.consumer, {})[purpose] = number
    return result
