"""The whole preflight of one cluster: what it does, which rights that takes, and the rows that come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ggi.app.preflight import clocks, edges, offers, tries, versions
from ggi.app.preflight.row import PreflightOutcome, PreflightRow
from ggi.app.preflight.wanted import Wanted
from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import ApiError, ForbiddenError, NotFoundError, UnauthorizedError, UnknownKindError
from ggi.errors import GgiError, WorkError
from ggi.messages import t

Report = Callable[[str], None]

SIMULATED = "sandbox.ggi/simulated"
"""Annotation of nodes and objects behind which nothing is; a sandbox writes it."""
RIGHTS = (
    "get, list: namespaces, nodes, pods, services, serviceaccounts, resourcequotas, limitranges",
    "list: deployments.apps, endpointslices.discovery.k8s.io, storageclasses.storage.k8s.io",
    "get: customresourcedefinitions.apiextensions.k8s.io, gatewayclasses.gateway.networking.k8s.io, "
    "clusterissuers.cert-manager.io",
    "list: leases.coordination.k8s.io (kube-node-lease)",
)
"""What reading takes, in RBAC's words."""
RIGHTS_OF_TRIES = (
    "create, delete: namespaces (ggi-preflight-*)",
    "create, get, list, delete: pods, networkpolicies.networking.k8s.io; get: pods/log (in there)",
)
"""What trying takes besides."""
RIGHTS_OF_VOLUMES = ("create: persistentvolumeclaims (in there)",)


@dataclass(frozen=True, slots=True)
class PreflightCheck:
    """A group of rows: what it is called when it can't be read, and the rights that it takes."""

    name: str
    title: str
    rights: str
    rows: Callable[[KubeApi, Wanted], Iterator[PreflightRow]]


def reads() -> Sequence[PreflightCheck]:
    """What is read, in order."""
    return (
        PreflightCheck("version/kubernetes", "Kubernetes", "get /version", versions.kubernetes),
        PreflightCheck("version/gateway-api", "Gateway API", "get customresourcedefinitions", versions.gateway_api),
        PreflightCheck("version/operators", t("operators"), "list deployments", versions.operators),
        PreflightCheck("version/kinds", t("kinds of objects"), "get /apis", versions.served),
        PreflightCheck("account", "ServiceAccounts", "get serviceaccounts, list deployments", versions.accounts),
        PreflightCheck("storage", t("storage classes"), "list storageclasses", offers.storage),
        PreflightCheck("gateway/class", t("gateway class"), "get gatewayclasses", offers.gateway_class),
        PreflightCheck("issuer", t("issuer"), "get clusterissuers", offers.issuer),
        PreflightCheck("edge/apiserver", t("way to the API server"), "list endpointslices (default)", edges.apiserver),
        PreflightCheck("edge/dns", t("way to the DNS"), "list namespaces, pods, services, endpointslices", edges.dns),
        PreflightCheck(
            "edge/operators", t("way of the operators"), "list deployments, get namespaces", edges.operators
        ),
        PreflightCheck("edge/gateway", t("way of the gateway"), "list pods, get namespaces", edges.gateway),
        PreflightCheck("edge/monitoring", t("way of the monitoring"), "list namespaces, pods", edges.monitoring),
        PreflightCheck("room/nodes", t("room on the nodes"), "list nodes", offers.room),
        PreflightCheck(
            "room/quotas", t("quotas and limits of others"), "list resourcequotas, limitranges", offers.quotas
        ),
        PreflightCheck("time", t("clocks"), "list leases (kube-node-lease)", clocks.clocks),
    )


def preflight(
    api: KubeApi,
    wanted: Wanted,
    report: Report,
    *,
    tried: bool = True,
    with_volumes: bool = False,
    registries: Any = None,
) -> list[PreflightRow]:
    """All rows. `tried`: also with pods; `registries` reads from this machine (`ggi.engine.oci.Registries`).

    Raises ApiError when the cluster can't be reached, or does not know who asks.
    """
    simulated = _simulated(api)
    rows: list[PreflightRow] = []
    for check in reads():
        report(check.title)
        rows += [_nobody_behind(row) if simulated else row for row in _read(check, api, wanted)]
    if registries is not None:
        report(t("registries, from this machine"))
        rows += from_here(wanted, registries)
    if not tried:
        return [*rows, _not_tried("tried", t("what only pods can try"), t("--read-only was given"))]
    return [*rows, *_tries(api, wanted, report, simulated, with_volumes)]


def from_here(wanted: Wanted, registries: Any) -> Iterator[PreflightRow]:
    """Whether this machine reads the registries. It is the nodes that must: here it only saves a look."""
    for registry, image in sorted(wanted.registries.items()):
        repository, _, tag = image.partition("@")[0].rpartition(":")
        why = ""
        try:
            found = registries.read(repository, tag)
            seen = f"{repository}:{tag} {found.digest[:19]}"
        except WorkError as error:
            seen = why = error.problems[0].message
        yield PreflightRow(
            f"registry/{registry}",
            t("this machine and the registry {registry}", registry=registry),
            seen,
            t("it answers; the nodes need it, this machine for `./ggi release pin`"),
            PreflightOutcome.ATTENTION if why else PreflightOutcome.WELL,
            t("See docs/en/proxy-and-registries.md: proxy, authority, mirror.") if why else "",
        )


def _tries(api: KubeApi, wanted: Wanted, report: Report, simulated: bool, with_volumes: bool) -> Iterator[PreflightRow]:
    try:
        with tries.own_namespace(api, report) as namespace:
            parts: list[tuple[str, str, Callable[[], Iterable[PreflightRow]]]] = [
                ("tried/pod-security", t("Pod Security"), lambda: tries.pod_security(api, namespace))
            ]
            if simulated:
                why = t("pods are simulated")
                yield from _collected(parts)
                yield _not_tried("tried/network", t("NetworkPolicy"), why)
                yield _not_tried("tried/pull", t("nodes and the registries"), why)
                yield _not_tried("tried/volume", t("volumes"), why)
                return
            parts += [
                ("tried/network", t("NetworkPolicy"), lambda: tries.network(api, namespace, wanted, report)),
                ("tried/pull", t("nodes and the registries"), lambda: tries.pulls(api, namespace, wanted, report)),
            ]
            if with_volumes:
                parts.append(("tried/volume", t("volumes"), lambda: tries.volumes(api, namespace, wanted, report)))
            parts.append(
                (
                    "tried/new-namespace",
                    t("what a new namespace gets by itself"),
                    lambda: tries.by_itself(api, namespace),
                )
            )
            yield from _collected(parts)
            if not with_volumes:
                yield _not_tried("tried/volume", t("volumes"), t("only with --volumes"))
    except ForbiddenError as error:
        yield _not_read("tried", t("what only pods can try"), error, "; ".join(RIGHTS_OF_TRIES))


def _collected(parts: Iterable[tuple[str, str, Callable[[], Iterable[PreflightRow]]]]) -> Iterator[PreflightRow]:
    for name, title, make in parts:
        try:
            yield from [*make()]
        except ForbiddenError as error:
            yield _not_read(name, title, error, "; ".join((*RIGHTS_OF_TRIES, *RIGHTS_OF_VOLUMES)))
        except GgiError as error:
            problem = error.problems[0]
            yield PreflightRow(name, title, problem.message, "", PreflightOutcome.WRONG, problem.fix)


def _read(check: PreflightCheck, api: KubeApi, wanted: Wanted) -> list[PreflightRow]:
    try:
        return [*check.rows(api, wanted)]
    except ForbiddenError as error:
        return [_not_read(check.name, check.title, error, check.rights)]
    except (UnknownKindError, NotFoundError) as error:
        return [PreflightRow(check.name, check.title, error.message, "", PreflightOutcome.WRONG, error.problems[0].fix)]
    except UnauthorizedError:
        raise
    except ApiError as error:
        if error.status == 0:
            raise
        return [PreflightRow(check.name, check.title, error.message, "", PreflightOutcome.NOT_READ, t("Run it again."))]


def _not_read(name: str, title: str, error: ApiError, rights: str) -> PreflightRow:
    todo = t("Ask for the right: {rights}.", rights=rights)
    return PreflightRow(name, title, error.message, "", PreflightOutcome.NOT_READ, todo)


def _not_tried(name: str, title: str, why: str) -> PreflightRow:
    return PreflightRow(name, title, why, "", PreflightOutcome.NOT_TRIED)


_PLAYED = frozenset(
    ("gateway/class", "issuer/ready", "edge/apiserver", "edge/dns", "edge/operators", "edge/monitoring", "time/nodes")
) | {f"version/{name}" for name in ("cloudnative-pg", "cert-manager", "envoy-gateway")}
"""Rows about nodes and about what runs in pods, of which a sandbox with simulated nodes has none."""


def _nobody_behind(row: PreflightRow) -> PreflightRow:
    """On simulated nodes no operator runs: what it would say is not tried."""
    if row.check in _PLAYED and row.outcome is not PreflightOutcome.WELL:
        return PreflightRow(row.check, row.title, t("pods are simulated"), row.needed, PreflightOutcome.NOT_TRIED)
    return row


def _simulated(api: KubeApi) -> bool:
    """Whether every node is played. Without the right to see nodes: no, since only a sandbox plays them."""
    try:
        nodes = api.list("v1", "Node")
    except ForbiddenError:
        return False
    return bool(nodes) and all(SIMULATED in (node["metadata"].get("annotations") or {}) for node in nodes)
