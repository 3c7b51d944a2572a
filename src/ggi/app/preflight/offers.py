"""What the cluster offers by name: storage, gateway, issuer, room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ggi.app.preflight.row import PreflightOutcome, PreflightRow
from ggi.app.preflight.wanted import Wanted
from ggi.engine.kubeapi import KubeApi
from ggi.inventory.types import quantity
from ggi.messages import t


def storage(api: KubeApi, wanted: Wanted) -> Iterator[PreflightRow]:
    """The two storage classes. What they can do is in no field: that is tried, with a claim."""
    known = {item["metadata"]["name"]: item for item in api.list("storage.k8s.io/v1", "StorageClass")}
    both = (("block", wanted.cluster.storage.block), ("shared", wanted.cluster.storage.shared))
    for role, name in both:
        item = known.get(name)
        found = t("not there; there are: {names}", names=", ".join(sorted(known)) or "-")
        if item:
            found = f"{item['provisioner']}, {item.get('volumeBindingMode', 'Immediate')}"
        yield PreflightRow(
            f"storage/{role}",
            t("storage class {name}", name=name),
            found,
            t("it exists"),
            PreflightOutcome.WELL if item else PreflightOutcome.WRONG,
            "" if item else t("Name one that exists as storage.{role} of the cluster in its region.", role=role),
        )


def gateway_class(api: KubeApi, wanted: Wanted) -> Iterator[PreflightRow]:
    """Whether a controller took the GatewayClass on."""
    name = wanted.cluster.gateway.class_name
    item = api.find("gateway.networking.k8s.io/v1", "GatewayClass", name)
    accepted = condition(item, "Accepted")
    found = t("not there") if item is None else item["spec"].get("controllerName", "?")
    if item is not None and accepted.get("status") != "True":
        found += f"; {accepted.get('reason') or t('nobody took it on')}"
    well = accepted.get("status") == "True"
    yield PreflightRow(
        "gateway/class",
        t("gateway class {name}", name=name),
        found,
        "Accepted",
        PreflightOutcome.WELL if well else PreflightOutcome.WRONG,
        "" if well else t("Look at `kubectl describe gatewayclass {name}`, and whether Envoy Gateway runs.", name=name),
    )


def issuer(api: KubeApi, wanted: Wanted) -> Iterator[PreflightRow]:
    """Whether the ClusterIssuer is ready; and for HTTP-01, whether the way to its solver is declared."""
    name = wanted.cluster.gateway.issuer
    item = api.find("cert-manager.io/v1", "ClusterIssuer", name)
    ready = condition(item, "Ready")
    well = ready.get("status") == "True"
    kind = kind_of_issuer(item or {})
    found = t("not there") if item is None else kind if well else f"{kind}; {ready.get('message') or 'Ready: -'}"
    yield PreflightRow(
        "issuer/ready",
        t("issuer {name}", name=name),
        found,
        "Ready",
        PreflightOutcome.WELL if well else PreflightOutcome.WRONG,
        "" if well else t("Look at `kubectl describe clusterissuer {name}`.", name=name),
    )
    if "HTTP-01" in kind:
        declared = wanted.cluster.solver is not None
        yield PreflightRow(
            "issuer/solver",
            t("way to the solver of HTTP-01"),
            t("declared") if declared else t("not declared"),
            t("the edge `solver`: pods of the solver come up in the tenant's namespace"),
            PreflightOutcome.WELL if declared else PreflightOutcome.WRONG,
            "" if declared else t("Declare `solver` of the cluster in its region, or use DNS-01."),
        )
    elif item is not None and kind in ("ca", "selfSigned"):
        yield PreflightRow(
            "issuer/public",
            t("who trusts the certificates"),
            t("a private authority"),
            t("known to every browser and caller"),
            PreflightOutcome.ATTENTION,
            t("Fine for a trial. Otherwise use a public issuer, or spread its root certificate."),
        )


def kind_of_issuer(item: Mapping[str, Any]) -> str:
    """How it issues: ca, selfSigned, vault, venafi, or ACME with its challenges (cert-manager.io, Issuer)."""
    spec = item.get("spec") or {}
    acme = spec.get("acme")
    if acme is None:
        return next(iter(spec), "?")
    ways = {"http01": "HTTP-01", "dns01": "DNS-01"}
    solvers = [ways[way] for solver in acme.get("solvers") or () for way in ways if way in solver]
    return f"ACME {' + '.join(dict.fromkeys(solvers)) or '?'}"


def room(api: KubeApi, wanted: Wanted) -> Iterator[PreflightRow]:
    """Whether what all landscapes ask for, with their room for roll-outs, fits on the nodes."""
    names = {"cpu": "requests.cpu", "memory": "requests.memory", "pods": "pods"}
    asked = dict.fromkeys(names, 0.0)
    for item in wanted.objects():
        if item.kind == "ResourceQuota":
            for name, key in names.items():
                asked[name] += quantity(item.body["spec"]["hard"][key])
    nodes = [node for node in api.list("v1", "Node") if not (node.get("spec") or {}).get("unschedulable")]
    there = {
        n: sum(quantity(str(((x.get("status") or {}).get("allocatable") or {}).get(n, 0))) for x in nodes)
        for n in names
    }
    short = [name for name in names if there[name] < asked[name]]
    yield PreflightRow(
        "room/nodes",
        t("room on {count} nodes", count=len(nodes)),
        _figures(there),
        t(
            "{figures} for {count} landscapes, roll-outs included",
            figures=_figures(asked),
            count=len(wanted.landscapes),
        ),
        PreflightOutcome.ATTENTION if short else PreflightOutcome.WELL,
        t("Add nodes, or see that the cluster grows by itself.") if short else "",
    )


def quotas(api: KubeApi, wanted: Wanted) -> Iterator[PreflightRow]:
    """Quotas and limits that somebody else put on the namespaces of landscapes."""
    spaces = sorted({landscape.environment.namespace for landscape in wanted.landscapes})
    found = [
        f"{space}/{item['metadata']['name']}"
        for space in spaces
        for kind in ("ResourceQuota", "LimitRange")
        for item in api.list("v1", kind, space)
        if "ggi/stack" not in (item["metadata"].get("labels") or {})
    ]
    yield PreflightRow(
        "room/quotas",
        t("quotas and limits of others"),
        ", ".join(found) or t("none in the namespaces that are there"),
        t("none that is smaller than a landscape's own"),
        PreflightOutcome.ATTENTION if found else PreflightOutcome.WELL,
        t("Compare them with `./ggi render`: ResourceQuota and LimitRange of the landscape.") if found else "",
    )


def condition(item: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    """A condition of an object's status; empty when there is none."""
    found = ((item or {}).get("status") or {}).get("conditions") or ()
    return next((one for one in found if one.get("type") == name), {})


def _figures(figures: Mapping[str, float]) -> str:
    return f"{figures['cpu']:g} CPU, {figures['memory'] / 2**30:.0f} Gi, {figures['pods']:.0f} pods"
