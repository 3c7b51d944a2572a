"""What the NetworkPolicies of a namespace really open, worked out from their selectors and the pods' labels.

Independent of how the policies were made: each rule is applied to every kind of pod, as Kubernetes does it
(kubernetes.io, Network Policies), and compared with the flows that relations and edges explain.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ggi.controls.observation import Body, Observation
from ggi.landscape.network import edge_peers, edges

NAME_LABEL, PROCESS_LABEL = "app.kubernetes.io/name", "app.kubernetes.io/component"
"""Labels of a pod that name its component and its process. Example: `subject.pod_labels.get(NAME_LABEL)`."""
WORLD = "everywhere"
ALL_PORTS = "all ports"


Known = Mapping[str, Mapping[str, str]]
"""Labels by the name of a kind of pod."""


class AllowedFlow(NamedTuple):
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
    """Whether a label selector of Kubernetes selects something with these labels.

    Example: `matches({"matchLabels": {"a": "b"}}, subject.pod_labels)`.
    """
    wanted = selector.get("matchLabels")
    if wanted and not wanted.items() <= labels.items():
        return False
    for item in selector.get("matchExpressions") or ():
        key, operator, values = item.get("key"), item.get("operator"), item.get("values") or ()
        fine = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        # What Kubernetes would refuse selects nothing.
        if not fine.get(operator, False):
            return False
    return True


def pods(seen: Observation) -> Known:
    """The labels of every kind of pod in the namespace, by `component/process`; also those that operators make.

    Example: `pods(seen)["openzaak/web"]`.
    """
    if "pods" not in seen.memory:
        seen.memory["pods"] = _pods(seen)
    found: Known = seen.memory["pods"]
    return found


def _pods(seen: Observation) -> dict[str, Mapping[str, str]]:
    result: dict[str, Mapping[str, str]] = {}
    for subject in seen.subjects:
        if subject.pod is None or subject.owned:
            continue
        labels = subject.pod_labels
        named = (
            f"{labels[NAME_LABEL]}/{labels[PROCESS_LABEL]}"
            if NAME_LABEL in labels and PROCESS_LABEL in labels
            else subject.name
        )
        result[named] = labels
    for name in seen.landscape.order:
        item = seen.landscape.components[name]
        for process in () if item.external else item.component.processes:
            if process.pod_labels:
                result[f"{name}/{process.name}"] = process.pod_labels
    return result


def _outside(peer: Mapping[str, Any]) -> str:
    # Many policies name the same few peers; looking one up takes a tenth of writing it anew.
    packed = _packed(peer)
    return _written(packed) if isinstance(packed, bytes) else packed


def _packed(value: Any) -> bytes | str:
    """A value of JSON as bytes that are equal when it is; of mappings of other kinds, its text, which takes longer."""
    try:
        return marshal.dumps(value, 2)
    except ValueError:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), default=dict)


@lru_cache(maxsize=10_000)
def _written(peer: bytes) -> str:
    return json.dumps(marshal.loads(peer), sort_keys=True, separators=(",", ":"))  # noqa: S302  (our own bytes)


class Selected:
    """Which pods a selector selects; many rules have the same selector."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._found: dict[bytes | str, list[str]] = {}

    def of(self, selector: Mapping[str, Any]) -> list[str]:
        """Their names."""
        key = _packed(selector)
        if key not in self._found:
            self._found[key] = [name for name, labels in self._known.items() if matches(selector, labels)]
        return self._found[key]


def _peers(rule: Mapping[str, Any], key: str, selected: Selected) -> Iterable[str]:
    peers = rule.get(key)
    if not peers:
        yield WORLD
        return
    for peer in peers:
        if set(peer) == {"podSelector"}:
            yield from selected.of(peer["podSelector"])
        else:
            yield _outside(peer)


def _ports(rule: Mapping[str, Any]) -> list[str]:
    found = []
    for port in rule.get("ports") or ():
        number = str(port["port"]) if "port" in port else ALL_PORTS
        until = f"-{port['endPort']}" if "endPort" in port else ""
        found.append(f"{number}{until}/{port.get('protocol', 'TCP')}")
    return found or [ALL_PORTS]


def allowed_flows_of(spec: Body, selected: Selected) -> Iterable[AllowedFlow]:
    """What one NetworkPolicy opens, for the pods that it selects."""
    chosen = selected.of(spec.get("podSelector") or {})
    # A rule of a direction that the policy is not about does nothing.
    types = spec.get("policyTypes") or ("Ingress", *(("Egress",) if spec.get("egress") else ()))
    for direction, key in (("ingress", "from"), ("egress", "to")):
        inward = direction == "ingress"
        if direction.capitalize() not in types:
            continue
        for rule in spec.get(direction) or ():
            ports = _ports(rule)
            for peer in _peers(rule, key, selected):
                for pod in chosen:
                    for port in ports:
                        yield AllowedFlow(pod, peer, port, inward)


def peers_of_edges(seen: Observation) -> Mapping[str, list[str]]:
    """The peers that each edge of the cluster (dns, gateway, …) stands for, as an AllowedFlow writes them.

    Example: `peers_of_edges(seen)["dns"]`.
    """
    if "outside" not in seen.memory:
        environment = seen.environment
        on = {name: seen.landscape.components[name] for name in seen.landscape.order}
        found = edges(environment.cluster, on, environment)
        seen.memory["outside"] = {name: [_outside(p) for p in edge_peers(peer)] for name, peer in found.items()}
    result: Mapping[str, list[str]] = seen.memory["outside"]
    return result


def opened(seen: Observation) -> dict[AllowedFlow, str]:
    """Everything that NetworkPolicies open, with the logical name of a policy that opens it.

    Example: `opened(seen).keys() - explained(seen).keys()` is what nothing asked for.
    """
    if "opened" not in seen.memory:
        found: dict[AllowedFlow, str] = {}
        selected = Selected(pods(seen))
        for subject in seen.of("NetworkPolicy"):
            for opening in allowed_flows_of(subject.body.get("spec") or {}, selected):
                found.setdefault(opening, subject.name)
        seen.memory["opened"] = found
    result: dict[AllowedFlow, str] = seen.memory["opened"]
    return result


def explained(seen: Observation) -> dict[AllowedFlow, str]:
    """Everything that relations and edges explain, with the reason.

    Example: `explained(seen).keys() - opened(seen).keys()` is what should be open and is not.
    """
    if "explained" not in seen.memory:
        seen.memory["explained"] = _explained(seen)
    result: dict[AllowedFlow, str] = seen.memory["explained"]
    return result


def _explained(seen: Observation) -> dict[AllowedFlow, str]:
    landscape, environment = seen.landscape, seen.environment
    peers = peers_of_edges(seen)
    found: dict[AllowedFlow, str] = {}
    for flow in landscape.flows:
        ports = [f"{port}/{protocol}" for port in flow.ports for protocol in flow.protocols]
        sources = [f"{flow.source.component}/{p}" for p in flow.source.processes] or peers.get(flow.source.edge, [])
        targets = [f"{flow.target.component}/{p}" for p in flow.target.processes] or peers.get(flow.target.edge, [])
        for source in sources:
            for target in targets:
                for port in ports:
                    if flow.source.inside:
                        found[AllowedFlow(source, target, port, False)] = flow.reason
                    if flow.target.inside:
                        found[AllowedFlow(target, source, port, True)] = flow.reason
    dns = environment.cluster.dns
    for pod in pods(seen):
        for peer in peers["dns"]:
            for number in dns.ports:
                for protocol in dns.protocols:
                    found[AllowedFlow(pod, peer, f"{number}/{protocol}", False)] = "edge dns"
    return found
