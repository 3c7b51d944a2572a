"""The edges of a cluster, as its region declares them, against the pods and addresses that are there."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ggi.app.preflight.row import PreflightOutcome, PreflightRow
from ggi.app.preflight.versions import running
from ggi.app.preflight.wanted import Wanted
from ggi.engine.kubeapi import KubeApi
from ggi.inventory.models import Peer
from ggi.messages import t

Manifest = dict[str, Any]

SLICE = ("discovery.k8s.io/v1", "EndpointSlice")
SERVICE_OF_SLICE = "kubernetes.io/service-name"
"""Label of an EndpointSlice (kubernetes.io, Well-Known Labels)."""
OWNING_GATEWAY = "gateway.envoyproxy.io/owning-gateway-name"
"""Label of Envoy's pods (envoyproxy/gateway v1.9.1, internal/gatewayapi/helpers.go, OwningGatewayNameLabel)."""
_DNS_PORT = 53


def apiserver(api: KubeApi, wanted: Wanted) -> Iterator[PreflightRow]:
    """Policies see the addresses behind the Service `kubernetes`, after it was resolved."""
    slices = api.list(*SLICE, "default", labels=f"{SERVICE_OF_SLICE}=kubernetes")
    there = sorted(endpoints(slices))
    yield _addresses("apiserver", t("way to the API server"), there, wanted.cluster.apiserver)


def dns(api: KubeApi, wanted: Wanted) -> Iterator[PreflightRow]:
    """The pods that the edge names, and the port that they really listen on."""
    peer = wanted.cluster.dns
    title = t("way to the DNS")
    if not (peer.namespace or peer.pods):
        todo = t("It is tried with a pod, unless --read-only is given.")
        yield PreflightRow(
            "edge/dns", title, ", ".join(peer.cidrs), t("pods or addresses"), PreflightOutcome.NOT_TRIED, todo
        )
        return
    pods = matching(api, peer)
    names = {pod["metadata"]["name"] for pod in pods}
    ports: set[int] = set()
    for space in {pod["metadata"]["namespace"] for pod in pods}:
        ports |= dns_ports(api.list(*SLICE, space), names, api.list("v1", "Service", space))
    closed = sorted(ports - set(peer.ports))
    found = t("{count} pods, on port {ports}", count=len(pods), ports=", ".join(map(str, sorted(ports))) or "?")
    well = bool(pods and ports and not closed)
    yield PreflightRow(
        "edge/dns",
        title,
        found,
        t("pods with {labels}, on port {ports}", labels=_labels(peer), ports=_ports(peer)),
        PreflightOutcome.WELL if well else PreflightOutcome.WRONG,
        "" if well else t("Correct `dns` of the cluster in its region: labels of the DNS pods, and their own port."),
    )


def operators(api: KubeApi, wanted: Wanted) -> Iterator[PreflightRow]:
    """The operator of PostgreSQL asks each instance for its state: the edge must be its pods."""
    peer = wanted.cluster.operators
    program = next((item for item in wanted.needs.programs if item.name == "cloudnative-pg"), None)
    if peer is None or program is None:
        return
    there = [
        (item["metadata"]["namespace"], item["spec"]["template"]["metadata"].get("labels") or {})
        for item in running(program, api.list("apps/v1", "Deployment"))
    ]
    yield _pods("operators", t("way of the operators"), api, there, peer, t("no operator of PostgreSQL runs"))


def gateway(api: KubeApi, wanted: Wanted) -> Iterator[PreflightRow]:
    """Requests come from Envoy's pods, which are there once there is a Gateway."""
    pods = api.list("v1", "Pod", labels=OWNING_GATEWAY)
    there = [(pod["metadata"]["namespace"], pod["metadata"].get("labels") or {}) for pod in pods]
    title = t("way of the gateway")
    if not there:
        needed = t("pods with {labels}", labels=_labels(wanted.cluster.gateway.peer))
        todo = t("Run it again after the first update.")
        yield PreflightRow("edge/gateway", title, t("no gateway yet"), needed, PreflightOutcome.NOT_TRIED, todo)
        return
    yield _pods("gateway", title, api, there, wanted.cluster.gateway.peer, "")


def monitoring(api: KubeApi, wanted: Wanted) -> Iterator[PreflightRow]:
    """Prometheus, where it is declared."""
    peer = wanted.cluster.monitoring
    if peer is None or not (peer.namespace or peer.pods):
        return
    pods = matching(api, peer)
    yield PreflightRow(
        "edge/monitoring",
        t("way of the monitoring"),
        t("{count} pods", count=len(pods)),
        t("pods with {labels}", labels=_labels(peer)),
        PreflightOutcome.WELL if pods else PreflightOutcome.ATTENTION,
        "" if pods else t("Correct `monitoring` of the cluster in its region, or nothing is measured."),
    )


def matching(api: KubeApi, peer: Peer) -> list[Manifest]:
    """The pods that the labels of an edge find now, as a NetworkPolicy finds them."""
    spaces = api.list("v1", "Namespace", labels=_selector(peer.namespace))
    return [
        pod
        for space in spaces
        for pod in api.list("v1", "Pod", space["metadata"]["name"], labels=_selector(peer.pods))
        if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    ]


def endpoints(slices: Iterable[Mapping[str, Any]]) -> set[tuple[str, int]]:
    """(address, port) of every endpoint."""
    return {
        (address, int(port["port"]))
        for item in slices
        for endpoint in item.get("endpoints") or ()
        for address in endpoint.get("addresses") or ()
        for port in item.get("ports") or ()
    }


def outside(there: Iterable[tuple[str, int]], peer: Peer) -> list[tuple[str, int]]:
    """The endpoints that an edge of addresses does not let through."""
    ranges = [ipaddress.ip_network(cidr) for cidr in peer.cidrs]
    return [
        (address, port)
        for address, port in there
        if port not in peer.ports or not any(ipaddress.ip_address(address) in one for one in ranges)
    ]


def dns_ports(slices: Iterable[Mapping[str, Any]], pods: set[str], services: Iterable[Mapping[str, Any]]) -> set[int]:
    """The ports of `pods` to which Services lead that are asked on port 53; CoreDNS may listen on another itself."""
    asked = {
        (service["metadata"]["name"], port.get("name"))
        for service in services
        for port in service["spec"].get("ports") or ()
        if port["port"] == _DNS_PORT
    }
    return {
        int(port["port"])
        for item in slices
        if any((endpoint.get("targetRef") or {}).get("name") in pods for endpoint in item.get("endpoints") or ())
        for port in item.get("ports") or ()
        if ((item["metadata"].get("labels") or {}).get(SERVICE_OF_SLICE), port.get("name") or None) in asked
    }


def _addresses(edge: str, title: str, there: list[tuple[str, int]], peer: Peer) -> PreflightRow:
    closed = outside(there, peer)
    shown = ", ".join(f"{address}:{port}" for address, port in there) or t("none")
    well = bool(there) and not closed
    return PreflightRow(
        f"edge/{edge}",
        title,
        shown,
        t("within {cidrs}, on port {ports}", cidrs=", ".join(peer.cidrs) or "-", ports=_ports(peer)),
        PreflightOutcome.WELL if well else PreflightOutcome.WRONG,
        "" if well else t("Add these addresses and ports to `{edge}` of the cluster in its region.", edge=edge),
    )


def _pods(
    edge: str, title: str, api: KubeApi, there: list[tuple[str, Mapping[str, str]]], peer: Peer, none: str
) -> PreflightRow:
    """Whether all pods (namespace, labels) that are there are let in."""
    spaces = {space: (api.find("v1", "Namespace", space) or {}).get("metadata") or {} for space, _ in there}
    closed = [
        f"{space}: {_shown(labels)}"
        for space, labels in there
        if not (
            peer.pods.items() <= labels.items()
            and peer.namespace.items() <= (spaces[space].get("labels") or {}).items()
        )
    ]
    well = bool(there) and not closed
    shown = "; ".join(dict.fromkeys(closed)) if closed else ", ".join(sorted(spaces)) or none
    return PreflightRow(
        f"edge/{edge}",
        title,
        shown,
        t("pods with {labels}", labels=_labels(peer)),
        PreflightOutcome.WELL if well else PreflightOutcome.WRONG,
        "" if well else t("Correct `{edge}` of the cluster in its region: labels of namespace and pods.", edge=edge),
    )


def _selector(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _labels(peer: Peer) -> str:
    return _selector({**peer.namespace, **peer.pods}) or "-"


def _shown(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()) if key != "pod-template-hash")


def _ports(peer: Peer) -> str:
    return ", ".join(map(str, peer.ports)) or "-"
