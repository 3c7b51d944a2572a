"""Which pods may talk to which: flows, derived from relations and from the cluster's edges, and their NetworkPolicies.

Everything is denied by default. Each flow is allowed by exactly one rule at each end that is inside the namespace.
Rules name container ports, since a NetworkPolicy sees the packet after the Service was resolved. There is no rule for
kubelet probes: a pod's own node is always allowed in (kubernetes.io, Network Policies).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ggi.catalogue.component import Component
from ggi.catalogue.relation import Relation
from ggi.errors import Problem
from ggi.inventory.load import Environment
from ggi.inventory.models import Cluster, Peer
from ggi.landscape.objects import Body
from ggi.landscape.relations import ComponentInstance
from ggi.messages import t


@dataclass(frozen=True, slots=True, order=True)
class End:
    """One end of a flow: pods of a component, or (with empty `component`) an edge of the cluster by its name."""

    component: str
    processes: tuple[str, ...] = ()
    edge: str = ""

    @property
    def inside(self) -> bool:
        """Is this end inside the namespace?"""
        return bool(self.component)

    def __str__(self) -> str:
        return f"{self.component}/{'+'.join(self.processes)}" if self.inside else self.edge


@dataclass(frozen=True, slots=True, order=True)
class Flow:
    """`source` opens connections to `ports` of `target`. `reason` is the relation or edge that explains it."""

    source: End
    target: End
    ports: tuple[int, ...]
    protocols: tuple[str, ...]
    reason: str


def _peer_edges(cluster: Cluster) -> dict[str, Peer]:
    return {
        name: peer
        for name in (
            "dns",
            "apiserver",
            "monitoring",
            "operators",
            "solver",
            "backup",
            "smtp",
            "fsc",
            "crl",
            "selectielijst",
        )
        if (peer := getattr(cluster, name)) is not None
    } | {"gateway": cluster.gateway.peer}


def edges(cluster: Cluster, on: Mapping[str, ComponentInstance], environment: Environment) -> dict[str, Peer]:
    """Every edge by name: the cluster's, and one per component that exists outside the namespace."""
    result = _peer_edges(cluster)
    for name, item in on.items():
        external = environment.components[name].external
        if item.external and external is not None:
            result[f"external {name}"] = Peer(cidrs=external.cidrs, ports=[external.port])
    return result


def _processes(component: Component) -> tuple[str, ...]:
    return tuple(p.name for p in component.processes) + tuple(r.name for r in component.runs)


def _outside(
    item: ComponentInstance, known: Mapping[str, Peer], environment: Environment, problems: list[Problem]
) -> list[Flow]:
    flows = []
    for out in item.component.outside:
        peer = known.get(out.edge)
        if peer is None:
            if not out.optional:
                problems.append(
                    Problem(
                        t(
                            "{component} needs the edge {edge}, which cluster {cluster} does not declare",
                            component=item.name,
                            edge=out.edge,
                            cluster=environment.cluster_name,
                        ),
                        t(
                            "Declare {edge} below clusters.{cluster} of the region.",
                            edge=out.edge,
                            cluster=environment.cluster_name,
                        ),
                        environment.origin("components", item.name, "enabled"),
                    )
                )
            continue
        here = End(item.name, out.processes or _processes(item.component))
        there = End("", edge=out.edge)
        if out.inward:
            numbers = tuple(
                p.number for q in here.processes for p in item.component.process(q).pod_ports if p.name == out.port
            )
            flows.append(Flow(there, here, numbers, ("TCP",), f"edge {out.edge}"))
        else:
            flows.append(Flow(here, there, tuple(peer.ports), tuple(peer.protocols), f"edge {out.edge}"))
    return flows


def way(cluster: Cluster, on: Mapping[str, ComponentInstance], relation: Relation) -> tuple[End, tuple[int, ...]]:
    """Where a relation's connections go to, and to which ports there.

    A public name leads straight to the pods when the cluster's DNS says so, else to the gateway, which has a flow of
    its own to the provider.
    """
    if on[relation.provider].external:
        return End("", edge=f"external {relation.provider}"), (relation.container_port,)
    if relation.public and cluster.names is None:
        return End("", edge="gateway"), tuple(cluster.gateway.peer.ports)
    return End(relation.provider, (relation.process,)), (relation.container_port,)


def flows(
    environment: Environment, on: Mapping[str, ComponentInstance], found: Sequence[Relation], problems: list[Problem]
) -> list[Flow]:
    """Every flow of the landscape, sorted. DNS is one flow of the whole namespace and is not listed per pod."""
    known = edges(environment.cluster, on, environment)
    merged: dict[tuple[str, End, tuple[int, ...]], tuple[set[str], list[str]]] = {}
    for relation in found:
        target, ports = way(environment.cluster, on, relation)
        sources, reasons = merged.setdefault((relation.consumer, target, ports), (set(), []))
        sources.update(relation.processes)
        reasons.append(relation.id)
    result = [
        Flow(End(consumer, tuple(sorted(sources))), target, ports, ("TCP",), ", ".join(sorted(reasons)))
        for (consumer, target, ports), (sources, reasons) in merged.items()
    ]
    for item in on.values():
        if item.external:
            continue
        component = item.component
        for internal in component.internal:
            port = component.process(internal.target).port(internal.port).number
            result.append(
                Flow(
                    End(item.name, internal.source),
                    End(item.name, (internal.target,)),
                    (port,),
                    ("TCP",),
                    f"inside {item.name}",
                )
            )
        if component.route:
            process, _, name = component.route.partition(":")
            port = component.process(process).port(name).number
            result.append(Flow(End("", edge="gateway"), End(item.name, (process,)), (port,), ("TCP",), "edge gateway"))
        if "monitoring" in known:
            for spec in component.processes:
                numbers = tuple(p.number for p in spec.pod_ports if p.metrics)
                if numbers:
                    result.append(
                        Flow(
                            End("", edge="monitoring"),
                            End(item.name, (spec.name,)),
                            numbers,
                            ("TCP",),
                            "edge monitoring",
                        )
                    )
        result.extend(_outside(item, known, environment, problems))
    return sorted(result)


def _ports(flow: Flow) -> list[dict[str, Any]]:
    return [{"port": port, "protocol": protocol} for port in flow.ports for protocol in flow.protocols]


def _pod_selector(component: Component, processes: Iterable[str]) -> dict[str, Any]:
    """A selector for pods of `processes`; pods that an operator makes are found by the operator's labels."""
    names = sorted(processes)
    if len(names) == 1:
        made = next((p.pod_labels for p in component.processes if p.name == names[0]), None)
        if made:
            return {"matchLabels": dict(made)}
        return {"matchLabels": {"app.kubernetes.io/name": component.name, "app.kubernetes.io/component": names[0]}}
    return {
        "matchLabels": {"app.kubernetes.io/name": component.name},
        "matchExpressions": [{"key": "app.kubernetes.io/component", "operator": "In", "values": names}],
    }


def edge_peers(peer: Peer) -> list[dict[str, Any]]:
    """The `from`/`to` list for an edge."""
    result: list[dict[str, Any]] = [{"ipBlock": {"cidr": cidr}} for cidr in peer.cidrs]
    if peer.namespace or peer.pods:
        selected: dict[str, Any] = {"namespaceSelector": {"matchLabels": dict(peer.namespace)}}
        if peer.pods:
            selected["podSelector"] = {"matchLabels": dict(peer.pods)}
        result.append(selected)
    return result


def _peers(end: End, on: Mapping[str, ComponentInstance], known: Mapping[str, Peer]) -> list[dict[str, Any]]:
    if end.inside:
        return [{"podSelector": _pod_selector(on[end.component].component, end.processes)}]
    return edge_peers(known[end.edge])


def policies(
    environment: Environment, on: Mapping[str, ComponentInstance], listed: Sequence[Flow]
) -> dict[tuple[str, str], Body]:
    """The NetworkPolicy of every (component, process) that has a flow, as spec."""
    known = edges(environment.cluster, on, environment)
    result: dict[tuple[str, str], Body] = {}

    def spec(component: str, process: str) -> Body:
        found = result.get((component, process))
        if found is None:
            found = result[component, process] = {
                "podSelector": _pod_selector(on[component].component, [process]),
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [],
                "egress": [],
            }
        return found

    for flow in listed:
        for process in flow.target.processes:
            spec(flow.target.component, process)["ingress"].append(
                {"from": _peers(flow.source, on, known), "ports": _ports(flow)}
            )
        for process in flow.source.processes:
            spec(flow.source.component, process)["egress"].append(
                {"to": _peers(flow.target, on, known), "ports": _ports(flow)}
            )
    return result
