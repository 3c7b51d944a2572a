"""What must work between the parts of a running landscape, as checks: derived from its relations, flows and edges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from ggi.catalogue.component import service_host
from ggi.catalogue.relation import Auth, Relation
from ggi.catalogue.secrets import SecretText
from ggi.catalogue.tls import AUTHORITY, CERTIFICATE, KEY
from ggi.inventory.load import Environment
from ggi.landscape.build import Landscape
from ggi.landscape.network import Flow
from ggi.landscape.relations import service_port

ZAKEN = "zaken"
"""The API that wants to hear in which coordinates, or answers 412 (VNG-Realisatie, Zaken API, rule API-51)."""
STRANGER = ("", "stranger")
"""The place of a pod that no relation names."""


@dataclass(frozen=True, slots=True)
class Check:
    """One connection to try from the place of `source` (component and process).

    `details` are what `ggi.engine.probe` takes. `refused` is the step at which it must stop, if it must. `setup` says
    that only the consumer's configuration Job has the secret.
    """

    id: str
    source: tuple[str, str]
    target: str
    details: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""
    relation: str = ""
    setup: bool = False


def checks(landscape: Landscape) -> tuple[Check, ...]:
    """All checks of a landscape: each relation, each edge whose address is known, and a stranger on the same paths."""
    found = [*_of_relations(landscape), *_of_edges(landscape)]
    inside = {name for name, item in landscape.components.items() if not item.external}
    targets = {(c.details["host"], c.details["port"]): c for c in found if c.target in inside}
    strangers = [
        Check(f"stranger->{c.target}:{port}", STRANGER, c.target, {"host": host, "port": port}, refused="tcp")
        for (host, port), c in targets.items()
    ]
    return (*found, *sorted(strangers, key=lambda c: c.id), *_of_gateway(landscape))


def _of_relations(landscape: Landscape) -> Iterable[Check]:
    for relation in landscape.relations:
        if relation.provider in landscape.waiting or relation.consumer in landscape.waiting:
            continue
        served = {p.name for p in landscape.components[relation.consumer].component.processes}
        for process in relation.processes:
            if process not in served:
                continue  # a Job: it runs no longer, and its pods are like those of the process
            for api in relation.apis:
                details = _details(landscape, relation, api.name)
                variable, setup = _variable(landscape, relation)
                if variable and "auth" in details:
                    details["auth"]["secret"] = variable
                else:
                    details.pop("auth", None)
                yield Check(
                    f"{relation.consumer}/{process}->{relation.provider}/{api.name}",
                    (relation.consumer, process),
                    relation.provider,
                    details,
                    relation=relation.id,
                    setup=setup,
                )


def _details(landscape: Landscape, relation: Relation, name: str) -> dict[str, Any]:
    """How far a check of one API of a relation goes."""
    api = next(a for a in relation.apis if a.name == name)
    found: dict[str, Any] = {"host": relation.host, "port": relation.port}
    if relation.auth is Auth.MTLS:
        found["tls"] = {"ca": AUTHORITY, "certificate": CERTIFICATE, "key": KEY, "renewed": True}
    elif api.port == "postgresql":
        found |= {"speak": "postgresql", "tls": {"ca": "/etc/ggi/postgresql/ca.crt"}}
    elif api.port == "redis":
        found |= {"speak": "redis", "tls": {"ca": AUTHORITY, "renewed": True}, "auth": {"kind": "password"}}
    elif relation.public or api.port == "https":
        found |= {"speak": "http", "tls": {"ca": AUTHORITY, "renewed": True}, "path": f"{api.path}{api.asks}" or "/"}
        if relation.auth is Auth.OIDC:
            found["path"] = f"/realms/{landscape.stack}/.well-known/openid-configuration"
        elif relation.auth in (Auth.JWT, Auth.TOKEN) and relation.credential:
            found["auth"] = {"kind": relation.auth.value, "client": relation.credential.client_id}
            if api.name == ZAKEN:
                found["headers"] = {"Accept-Crs": "EPSG:4326"}
        else:
            found["statuses"] = [200, 302, 401, 403, 404]
    return found


def _variable(landscape: Landscape, relation: Relation) -> tuple[str, bool]:
    """The variable of the consumer that holds the secret of a relation; and whether only its set-up has it."""
    if relation.credential is None:
        return "", False
    wanted = relation.credential.secret
    for item in landscape.of(relation.consumer):
        for key, value in item.secrets.items():
            whole = isinstance(value, SecretText) and value.refs == (wanted,)
            if item.kind == "Secret" and whole and key.isupper():
                if relation.auth is Auth.PASSWORD and not str(value.parts[0]).startswith("redis"):
                    continue  # a password alone, or an address without what to speak
                return key, "-setup-" in item.kube_name
    return "", False


def _of_edges(landscape: Landscape) -> Iterable[Check]:
    """Edges outside the namespace whose address is known: mail, the API server, other parties."""
    environment = landscape.environment
    tried = list(_of_trials(landscape))
    yield from tried
    known = {check.id for check in tried}
    for flow in landscape.flows:
        if not flow.source.inside or flow.target.inside or not flow.target.edge:
            continue
        host = _edge_host(environment, flow)
        if host is None or flow.source.component in landscape.waiting:
            continue
        served = {p.name for p in landscape.components[flow.source.component].component.processes if not p.pod_labels}
        for process in flow.source.processes:
            name = f"{flow.source.component}/{process}->{flow.target.edge}"
            if process in served and name not in known:
                yield Check(
                    name,
                    (flow.source.component, process),
                    flow.target.edge,
                    {"host": host, "port": flow.ports[0]} | ({"speak": "smtp"} if flow.target.edge == "smtp" else {}),
                    relation=flow.reason,
                )


def _of_trials(landscape: Landscape) -> Iterable[Check]:
    """Edges of which a component knows what answers behind them."""
    for name, item in landscape.components.items():
        if item.external or name in landscape.waiting:
            continue
        for out in item.component.outside:
            if details := out.trial and out.trial(landscape.environment):
                for process in out.processes:
                    yield Check(f"{name}/{process}->{out.edge}", (name, process), out.edge, details)


def _edge_host(environment: Environment, flow: Flow) -> str | None:
    edge = flow.target.edge
    if edge == "smtp":
        return environment.cluster.smtp_host
    if edge.startswith("external "):
        external = environment.components[edge.removeprefix("external ")].external
        return external.host if external else None
    peer = getattr(environment.cluster, edge, None)
    single = [ip_network(cidr) for cidr in getattr(peer, "cidrs", ())]
    # A range tells nobody which address in it answers.
    return next((str(found[0]) for found in single if found.num_addresses == 1), None)


def _of_gateway(landscape: Landscape) -> Iterable[Check]:
    """What everybody outside sees: TLS of the right name, no outdated version, the headers that were asked for."""
    from ggi.landscape.workload import HSTS

    for name, host in sorted(landscape.hosts.items()):
        if name in landscape.waiting:
            continue
        base = {"host": host, "port": 443, "gateway": True}
        if landscape.components[name].component.passthrough:
            yield Check(f"outside->{name}", STRANGER, name, {**base, "tls": {"unchecked": True}})
            continue
        page = landscape.components[name].component.front.format(stack=landscape.stack)
        speak = {"speak": "http", "tls": {}, "path": page, "statuses": [*range(200, 405)]}
        expected = {"expect_headers": {"strict-transport-security": HSTS}}
        yield Check(f"outside->{name}", STRANGER, name, {**base, **speak, **expected})
        old = {"tls": {"unchecked": True, "highest": "TLSv1_1"}}
        yield Check(f"outside->{name} over TLS 1.1", STRANGER, name, {**base, **old}, refused="tls")


def pairs(landscape: Landscape) -> tuple[Check, ...]:
    """Every process to every listening port of every other one: allowed only where a flow says so."""
    environment = landscape.environment
    allowed = {
        (flow.source.component, process, flow.target.component, target, port)
        for flow in landscape.flows
        for process in flow.source.processes
        for target in flow.target.processes
        for port in flow.ports
    }
    pods = [
        (name, process)
        for name, item in sorted(landscape.components.items())
        if not item.external and name not in landscape.waiting
        for process in item.component.processes
        if not process.pod_labels
    ]
    found = []
    for source, process in pods:
        for target, other in pods:
            if (source, process.name) == (target, other.name):
                continue
            for port in other.pod_ports:
                if port.own:
                    continue
                key = (source, process.name, target, other.name, port.number)
                host = service_host(target, other.name, environment.namespace)
                found.append(
                    Check(
                        f"{source}/{process.name}->{target}/{other.name}:{port.number}",
                        (source, process.name),
                        target,
                        {"host": host, "port": service_port(port.name, port.number)},
                        refused="" if key in allowed else "tcp",
                    )
                )
    return tuple(found)
