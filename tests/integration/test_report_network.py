"""What the rendered NetworkPolicies allow, by an evaluator of its own that reads the rendered files alone.

It follows the Kubernetes documentation ("Network Policies") and shares no code with what writes the policies. Policies
can only add, and they name what they allow, so the complete matrix can be listed: no probing with sample ports.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from ggi.inventory.models import Peer
from ggi.landscape.build import Landscape
from ggi.landscape.network import End
from ggi.report.render import render
from tests.content import landscapes, standard

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
ANY = 0
"""Stands for every port where a rule names none."""
Body = dict[str, Any]
Allowed = tuple[str, str, int, str]
"""Source, target, port, protocol."""


@dataclass(frozen=True)
class Party:
    """Something with a network address: a pod by its labels and its namespace's, or a plain address."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    namespace: Mapping[str, str] | None = field(default=None, hash=False)
    """None: not a pod."""
    inside: bool = False
    address: str = ""
    ports: Mapping[str, int] = field(default_factory=dict, hash=False)
    edge: str = ""


def manifests(folder: Path) -> list[Body]:
    """Every document of the rendered files."""
    return [
        d for path in sorted((folder / "kubernetes").glob("*.yaml")) for d in yaml.load_all(path.read_text(), LOADER)
    ]


def pods(documents: Iterable[Body]) -> list[Party]:
    """The pods that the documents lead to. CloudNativePG labels what it makes with cnpg.io/cluster and podRole."""
    documents = list(documents)
    namespace = next(d for d in documents if d["kind"] == "Namespace")
    labels = namespace["metadata"]["labels"] | {"kubernetes.io/metadata.name": namespace["metadata"]["name"]}
    found = []
    for document in documents:
        kind, own = document["kind"], document["metadata"]
        if kind in ("Deployment", "StatefulSet", "Job"):
            template = document["spec"]["template"]
            marks = template["metadata"]["labels"]
            name = f"{marks['app.kubernetes.io/name']}/{marks['app.kubernetes.io/component']}"
            ports = {p["name"]: p["containerPort"] for c in template["spec"]["containers"] for p in c.get("ports", ())}
            found.append(Party(name, marks, labels, True, ports=ports))
        elif kind == "Cluster":
            marks = {"cnpg.io/cluster": own["name"], "cnpg.io/podRole": "instance"}
            found.append(Party(f"{own['labels']['app.kubernetes.io/name']}/instance", marks, labels, True))
    return found


def edges(built: Landscape) -> list[Party]:
    """What the cluster declares outside the namespace: one party per selector and per network."""
    cluster = built.environment.cluster
    peers: dict[str, Peer] = {
        name: peer for name in type(cluster).model_fields if isinstance(peer := getattr(cluster, name), Peer)
    }
    peers["gateway"] = cluster.gateway.peer
    for name in built.components:
        external = built.environment.components[name].external
        if external is not None:
            peers[f"external {name}"] = Peer(cidrs=external.cidrs, ports=[external.port])
    found = []
    for name, peer in peers.items():
        if peer.namespace or peer.pods:
            found.append(Party(f"{name} pods", peer.pods, peer.namespace, edge=name))
        found += [Party(f"{name} {c}", address=str(ipaddress.ip_network(c)[0]), edge=name) for c in peer.cidrs]
    return found


def strangers(own: Iterable[Party], outside: Iterable[Party]) -> list[Party]:
    """Who must never get through: look-alikes in other namespaces, neighbours of the edges, and the internet."""
    other = {"kubernetes.io/metadata.name": "gm0000-prod"}
    found = [Party(f"stranger like {pod.name}", pod.labels, other) for pod in own]
    found += [Party(f"neighbour of {e.name}", {"app": "other"}, e.namespace) for e in outside if e.namespace]
    found += [Party(f"{e.name} in another namespace", e.labels, other) for e in outside if e.labels]
    return [*found, Party("internet", address="198.51.100.7"), Party("internet 6", address="2001:db8::7")]


def selects(selector: Body, labels: Mapping[str, str]) -> bool:
    """Does a label selector match? An empty one matches everything."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for rule in selector.get("matchExpressions", ()):
        value, operator = labels.get(rule["key"]), rule["operator"]
        holds = {
            "In": value in rule.get("values", ()),
            "NotIn": value not in rule.get("values", ()),
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }[operator]
        if not holds:
            return False
    return True


def is_peer(peer: Body, party: Party) -> bool:
    """Is `party` one of those that an entry of `from` or `to` names?"""
    if "ipBlock" in peer:
        if not party.address:
            return False
        address = ipaddress.ip_address(party.address)
        block = peer["ipBlock"]
        return address in ipaddress.ip_network(block["cidr"]) and not any(
            address in ipaddress.ip_network(cidr) for cidr in block.get("except", ())
        )
    if party.namespace is None:
        return False
    if "namespaceSelector" in peer:
        return selects(peer["namespaceSelector"], party.namespace) and selects(
            peer.get("podSelector", {}), party.labels
        )
    return party.inside and selects(peer["podSelector"], party.labels)


def ports_of(rule: Body, target: Party) -> list[tuple[int, str]]:
    """The (port, protocol) that a rule allows to `target`."""
    if not rule.get("ports"):
        return [(ANY, "any")]
    result = []
    for entry in rule["ports"]:
        port = entry.get("port", ANY)
        first = target.ports[port] if isinstance(port, str) else port
        result += [(number, entry.get("protocol", "TCP")) for number in range(first, entry.get("endPort", first) + 1)]
    return result


def rules(documents: Iterable[Body], direction: str, parties: list[Party], own: list[Party]) -> Counter[Allowed]:
    """How many rules of a direction ("ingress" or "egress") allow each (source, target, port, protocol).

    A pod that no policy of this direction selects lets everything through, which counts as a rule of its own.
    """
    found: Counter[Allowed] = Counter()
    policies = [d["spec"] for d in documents if d["kind"] == "NetworkPolicy"]
    for pod in own:
        mine = [
            p for p in policies if direction.capitalize() in p["policyTypes"] and selects(p["podSelector"], pod.labels)
        ]
        if not mine:
            found[(pod.name, f"everything ({direction})", ANY, "any")] += 1
        for rule in (rule for policy in mine for rule in policy.get(direction, ())):
            entries = rule.get("from" if direction == "ingress" else "to")
            for party in parties:
                if entries and not any(is_peer(peer, party) for peer in entries):
                    continue
                source, target = (party, pod) if direction == "ingress" else (pod, party)
                for port, protocol in ports_of(rule, target):
                    found[(source.name, target.name, port, protocol)] += 1
    return found


def expected(built: Landscape, own: list[Party], outside: list[Party]) -> tuple[set[Allowed], set[Allowed]]:
    """What the flows of the landscape say must be let in, and must be let out."""

    def names(end: End) -> list[str]:
        if end.inside:
            return [f"{end.component}/{process}" for process in end.processes]
        return [party.name for party in outside if party.edge == end.edge]

    into, out = set(), set()
    for flow in built.flows:
        for source in names(flow.source):
            for target in names(flow.target):
                for port in flow.ports:
                    for protocol in flow.protocols:
                        into |= {(source, target, port, protocol)} if flow.target.inside else set()
                        out |= {(source, target, port, protocol)} if flow.source.inside else set()
    dns = built.environment.cluster.dns
    resolvers = names(End("", edge="dns"))
    out |= {(p.name, to, port, via) for p in own for to in resolvers for port in dns.ports for via in dns.protocols}
    return into, out


def deviations(documents: list[Body], built: Landscape) -> dict[str, list[Any]]:
    """Everything in which the rules differ from the flows; empty lists when all is well."""
    own, outside = pods(documents), edges(built)
    parties = [*own, *outside, *strangers(own, outside)]
    wanted = dict(zip(("ingress", "egress"), expected(built, own, outside), strict=True))
    result: dict[str, list[Any]] = {}
    for direction, flows in wanted.items():
        found = rules(documents, direction, parties, own)
        result |= {
            f"{direction} missing": sorted(flows - set(found)),
            f"{direction} too much": sorted(set(found) - flows),
            f"{direction} twice": sorted(flow for flow, times in found.items() if times > 1),
        }
    inside = {pod.name for pod in own}
    one, two = ({f for f in flows if {f[0], f[1]} <= inside} for flows in wanted.values())
    result["open at one end only"] = sorted(one ^ two)
    return result


def policy(documents: list[Body], name: str) -> Body:
    """The spec of a NetworkPolicy."""
    return next(d["spec"] for d in documents if d["kind"] == "NetworkPolicy" and d["metadata"]["name"] == name)


def test_each_flow_is_allowed_by_exactly_one_rule_at_each_end_and_nothing_else_is(tmp_path: Path) -> None:
    for built in landscapes():
        folder = tmp_path / built.stack
        render(built, folder)
        documents = manifests(folder)
        assert {problem: found for problem, found in deviations(documents, built).items() if found} == {}, built.stack


def test_every_process_and_every_job_has_a_name_that_flows_can_use(tmp_path: Path) -> None:
    for built in landscapes():
        render(built, tmp_path / built.stack)
        found = {pod.name for pod in pods(manifests(tmp_path / built.stack))}
        named = {
            f"{e.component}/{p}" for f in built.flows for e in (f.source, f.target) if e.inside for p in e.processes
        }
        assert named <= found


MUTATIONS: dict[str, tuple[str, str, Callable[[list[Body]], object], str]] = {
    "a rule that is gone": ("openzaak-web", "ingress", lambda rules: rules.pop(), "ingress missing"),
    "a rule that is there twice": ("openzaak-web", "ingress", lambda rules: rules.append(rules[0]), "ingress twice"),
    "a rule without ports": ("openzaak-web", "egress", lambda rules: rules[0].pop("ports"), "egress too much"),
    "a rule without peers": ("openzaak-web", "ingress", lambda rules: rules[0].pop("from"), "ingress too much"),
    "a rule for all namespaces": (
        "openzaak-web",
        "ingress",
        lambda rules: rules[0]["from"].append({"namespaceSelector": {}}),
        "ingress too much",
    ),
    "a rule for the internet": (
        "openzaak-web",
        "egress",
        lambda rules: rules.append({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 443}]}),
        "egress too much",
    ),
    "a range of ports": (
        "redis-server",
        "ingress",
        lambda rules: rules[0]["ports"][0].update(endPort=rules[0]["ports"][0]["port"] + 1),
        "ingress too much",
    ),
    "everybody in the namespace": (
        "redis-server",
        "ingress",
        lambda rules: rules[0].update({"from": [{"podSelector": {}}]}),
        "ingress too much",
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_the_evaluator_notices(name: str, tmp_path: Path) -> None:
    where, direction, change, noticed = MUTATIONS[name]
    render(standard(), tmp_path)
    documents = manifests(tmp_path)
    change(policy(documents, where)[direction])
    assert deviations(documents, standard())[noticed]


def test_the_evaluator_notices_that_default_deny_is_gone(tmp_path: Path) -> None:
    render(standard(), tmp_path)
    documents = [d for d in manifests(tmp_path) if d["kind"] != "NetworkPolicy"]
    found = deviations(documents, standard())
    assert len(found["ingress too much"]) == len({pod.name for pod in pods(documents)})


def test_flows_csv_lists_every_flow_and_dns(tmp_path: Path) -> None:
    built = standard()
    render(built, tmp_path)
    lines = (tmp_path / "flows.csv").read_text().splitlines()
    assert len(lines) == len(built.flows) + 2
    assert lines[0] == "source,target,ports,protocols,reason"
    assert lines[-1].startswith("all pods,dns,53,")
