"""What the NetworkPolicies of a namespace really open, worked out from their selectors and the pods' labels.

Independent of how the policies were made: each rule is applied to every kind of pod, as Kubernetes does it
(kubernetes.io, Network Policies), and compared with the flows that relations and edges explain.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ggi.audit.facts import Body, Seen
from ggi.landscape.network import edge_peers, edges

NAME, PROCESS = "app.kubernetes.io/name", "app.kubernetes.io/component"
WORLD = "everywhere"
ALL_PORTS = "all ports"


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """`pod` may talk with `peer` on `port`. `inward`: the peer opens the connection.

    A pod is written `component/process`; a peer is one, or what a rule names outside the namespace.
    """

    pod: str
    peer: str
    port: str
    inward: bool

    def __str__(self) -> str:
        arrow = "<-" if self.inward else "->"
        return f"{self.pod} {arrow} {self.peer}:{self.port}"


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector of Kubernetes selects something with these labels."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for item in selector.get("matchExpressions") or ():
        key, operator, values = item["key"], item["operator"], item.get("values") or ()
        fine = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }[operator]
        if not fine:
            return False
    return True


def pods(seen: Seen) -> dict[str, Mapping[str, str]]:
    """The labels of every kind of pod in the namespace, by `component/process`; also those that operators make."""
    result: dict[str, Mapping[str, str]] = {}
    for subject in seen.subjects:
        if subject.pod is None or subject.owned:
            continue
        spec: Any = subject.body
        if subject.kind == "CronJob":
            spec = spec["spec"]["jobTemplate"]
        if subject.kind != "Pod":
            spec = spec["spec"]["template"]
        labels = (spec.get("metadata") or {}).get("labels") or {}
        named = f"{labels[NAME]}/{labels[PROCESS]}" if NAME in labels and PROCESS in labels else subject.name
        result[named] = labels
    for name in seen.landscape.order:
        item = seen.landscape.components[name]
        for process in () if item.external else item.component.processes:
            if process.pod_labels:
                result[f"{name}/{process.name}"] = process.pod_labels
    return result


def _outside(peer: Mapping[str, Any]) -> str:
    return json.dumps(peer, sort_keys=True, separators=(",", ":"))


def _peers(rule: Mapping[str, Any], key: str, known: Mapping[str, Mapping[str, str]]) -> Iterable[str]:
    peers = rule.get(key)
    if not peers:
        yield WORLD
        return
    for peer in peers:
        if set(peer) == {"podSelector"}:
            yield from (name for name, labels in known.items() if matches(peer["podSelector"], labels))
        else:
            yield _outside(peer)


def _ports(rule: Mapping[str, Any]) -> list[str]:
    found = []
    for port in rule.get("ports") or ():
        number = str(port["port"]) if "port" in port else ALL_PORTS
        until = f"-{port['endPort']}" if "endPort" in port else ""
        found.append(f"{number}{until}/{port.get('protocol', 'TCP')}")
    return found or [ALL_PORTS]


def openings_of(spec: Body, known: Mapping[str, Mapping[str, str]]) -> set[Opening]:
    """What one NetworkPolicy opens, for the pods that it selects."""
    found = set()
    chosen = [name for name, labels in known.items() if matches(spec.get("podSelector") or {}, labels)]
    for direction, key in (("ingress", "from"), ("egress", "to")):
        for rule in spec.get(direction) or ():
            peers, ports = list(_peers(rule, key, known)), _ports(rule)
            found |= {
                Opening(pod, peer, port, direction == "ingress") for pod in chosen for peer in peers for port in ports
            }
    return found


def opened(seen: Seen, known: Mapping[str, Mapping[str, str]]) -> dict[Opening, str]:
    """Everything that is open, with the logical name of a policy that opens it."""
    found: dict[Opening, str] = {}
    for subject in seen.of("NetworkPolicy"):
        for opening in openings_of(subject.body.get("spec") or {}, known):
            found.setdefault(opening, subject.name)
    return found


def explained(seen: Seen, known: Mapping[str, Mapping[str, str]]) -> dict[Opening, str]:
    """Everything that relations and edges explain, with the reason."""
    landscape, environment = seen.landscape, seen.environment
    on = {name: landscape.components[name] for name in landscape.order}
    peers = {
        name: [_outside(p) for p in edge_peers(peer)]
        for name, peer in edges(environment.cluster, on, environment).items()
    }
    found: dict[Opening, str] = {}
    for flow in landscape.flows:
        ports = [f"{port}/{protocol}" for port in flow.ports for protocol in flow.protocols]
        sources = [f"{flow.source.component}/{p}" for p in flow.source.processes] or peers.get(flow.source.edge, [])
        targets = [f"{flow.target.component}/{p}" for p in flow.target.processes] or peers.get(flow.target.edge, [])
        for source in sources:
            for target in targets:
                for port in ports:
                    if flow.source.inside:
                        found[Opening(source, target, port, False)] = flow.reason
                    if flow.target.inside:
                        found[Opening(target, source, port, True)] = flow.reason
    dns = environment.cluster.dns
    for pod in known:
        for peer in peers["dns"]:
            for number in dns.ports:
                for protocol in dns.protocols:
                    found[Opening(pod, peer, f"{number}/{protocol}", False)] = "edge dns"
    return found
