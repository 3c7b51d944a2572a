"""What a preflight makes of a cluster: versions, edges, issuers, clocks, and what the probe pods said.

The objects are as the programs themselves write them; each test says where that was read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, cast

import pytest

from ggi.app.preflight import edges, offers, tries, versions
from ggi.app.preflight.clocks import LATEST_RENEWAL, out_of_step
from ggi.app.preflight.row import PreflightOutcome, PreflightRow
from ggi.app.preflight.run import preflight, reads
from ggi.app.preflight.wanted import Wanted, wanted
from ggi.app.workspace import Workspace
from ggi.catalogue.needs import at_least, load_needs, numbers
from ggi.engine.kubeapi import KubeApi, ResourceType
from ggi.engine.kubehttp import ForbiddenError
from ggi.errors import InputError
from ggi.inventory.models import Peer
from ggi.paths import ROOT

Manifest = dict[str, Any]


class Played:
    """An API server with these objects; what is `forbidden` (kinds) it refuses."""

    def __init__(
        self, *objects: Manifest, forbidden: frozenset[str] = frozenset(), kinds: frozenset[str] = frozenset()
    ):
        self.objects = objects
        self.forbidden = forbidden
        self.kinds = kinds

    @property
    def api(self) -> KubeApi:
        return cast("KubeApi", self)

    def version(self) -> str:
        return "v1.36.3"

    def resource_types(self) -> list[ResourceType]:
        split = [name.rpartition("/") for name in self.kinds]
        return [ResourceType(version, kind, kind, True, frozenset(), frozenset(), True) for version, _, kind in split]

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> list[Manifest]:
        if kind in self.forbidden:
            raise ForbiddenError(403, "Forbidden", f"{kind} is forbidden")
        asked = [part.partition("=") for part in labels.split(",") if part]
        return [
            item
            for item in self.objects
            if item["kind"] == kind
            and namespace in (None, item["metadata"].get("namespace"))
            and all(
                key in (own := item["metadata"].get("labels") or {}) and (not sign or own[key] == value)
                for key, sign, value in asked
            )
        ]

    def find(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Manifest | None:
        return next((x for x in self.list(api_version, kind, namespace) if x["metadata"]["name"] == name), None)


@pytest.fixture(scope="module")
def asked() -> Wanted:
    return wanted(Workspace(), "midden-prod")


def named(kind: str, name: str, namespace: str | None = None, labels: Manifest | None = None, **more: Any) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": labels or {}}
    return {"kind": kind, "metadata": metadata, **more}


def deployment(image: str, namespace: str, labels: Manifest | None = None, pods: Manifest | None = None) -> Manifest:
    template = {"metadata": {"labels": pods or {}}, "spec": {"containers": [{"image": image}]}}
    return named("Deployment", "it", namespace, labels, spec={"template": template})


def one(rows: Iterator[PreflightRow]) -> PreflightRow:
    (row,) = rows
    return row


@pytest.mark.parametrize(
    ("version", "least", "expected"),
    [
        ("v1.30.0", "1.30", True),
        ("v1.29.14-gke.1018000", "1.30", False),
        ("v1.100.1", "1.99", True),
        ("v1.33.4+k3s1", "1.33.5", False),
        ("v1.5.0-rc.1", "1.5", True),
        ("2", "1.5", None),
        ("latest", "1.5", None),
    ],
)
def test_versions_compare_by_their_numbers(version: str, least: str, expected: bool | None) -> None:
    assert at_least(version, least) is expected


def test_every_need_names_a_program_and_its_source() -> None:
    found = load_needs([ROOT])
    assert {need.program for need in found.needs} == {program.name for program in found.programs}
    assert all(len(need.source) > 10 for need in (*found.needs, *found.accounts))


def test_only_what_a_landscape_has_is_needed() -> None:
    found = load_needs([ROOT])
    assert set(found.of(frozenset())) == {"kubernetes"}
    with_policy = found.of({"gateway.networking.k8s.io/v1/BackendTLSPolicy"})
    both = found.of({"gateway.networking.k8s.io/v1/BackendTLSPolicy", "gateway.networking.k8s.io/v1/TLSRoute"})
    assert (with_policy["envoy-gateway"].least, both["envoy-gateway"].least) == ("1.6", "1.8")


def test_a_need_of_an_unknown_program_is_refused(tmp_path: Any) -> None:
    (tmp_path / "stacks").mkdir()
    text = "programs: []\nneeds: [{program: nothing, least: '1.0', why: because, source: somewhere}]\n"
    (tmp_path / "stacks" / "needs.yaml").write_text(text)
    with pytest.raises(InputError, match="no program nothing"):
        load_needs([tmp_path])


@pytest.mark.parametrize(
    ("image", "label", "outcome", "shown"),
    [
        ("docker.io/envoyproxy/gateway:v1.9.1", "", PreflightOutcome.WELL, "v1.9.1"),
        ("harbor.test:5000/hub/envoyproxy/gateway:v1.7.2", "", PreflightOutcome.WRONG, "v1.7.2"),
        (f"docker.io/envoyproxy/gateway@sha256:{'0' * 64}", "v1.8.0", PreflightOutcome.WELL, "v1.8.0"),
        (f"docker.io/envoyproxy/gateway@sha256:{'0' * 64}", "", PreflightOutcome.NOT_READ, "nothing tells"),
        ("docker.io/envoyproxy/gateway-dev:v1.9.1", "", PreflightOutcome.WRONG, "not there"),
    ],
)
def test_an_operator_is_known_by_its_image(
    asked: Wanted, image: str, label: str, outcome: PreflightOutcome, shown: str
) -> None:
    labels = {"app.kubernetes.io/version": label} if label else {}
    played = Played(deployment(image, "somewhere", labels))
    row = next(row for row in versions.operators(played.api, asked) if row.check == "version/envoy-gateway")
    assert (row.outcome, shown in row.found) == (outcome, True)


def test_the_oldest_of_two_operators_counts(asked: Wanted) -> None:
    images = ("ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0", "ghcr.io/cloudnative-pg/cloudnative-pg:1.9.0")
    played = Played(*(deployment(image, f"n{number}") for number, image in enumerate(images)))
    row = next(row for row in versions.operators(played.api, asked) if row.check == "version/cloudnative-pg")
    assert (row.outcome, row.found) == (PreflightOutcome.WRONG, "1.9.0 (n0, n1)")


def test_gateway_api_is_known_by_what_is_written_on_its_crds(asked: Wanted) -> None:
    # kubernetes-sigs/gateway-api v1.4.0, config/crd/standard
    notes = {"gateway.networking.k8s.io/bundle-version": "v1.4.0", "gateway.networking.k8s.io/channel": "standard"}
    crd = named("CustomResourceDefinition", versions.GATEWAY_CRD)
    crd["metadata"]["annotations"] = notes
    row = one(versions.gateway_api(Played(crd).api, asked))
    assert (row.outcome, row.found) == (PreflightOutcome.WRONG, "v1.4.0 (standard)")
    assert one(versions.gateway_api(Played().api, asked)).outcome is PreflightOutcome.WRONG


def test_a_kind_that_the_server_lacks_is_named(asked: Wanted) -> None:
    route = "gateway.networking.k8s.io/v1/TLSRoute"
    row = one(versions.served(Played(kinds=asked.kinds - {route}).api, asked))
    assert (row.outcome, route in row.found) == (PreflightOutcome.WRONG, True)
    assert one(versions.served(Played(kinds=asked.kinds).api, asked)).outcome is PreflightOutcome.WELL


@pytest.mark.parametrize(
    ("operator", "token", "outcome"),
    [
        ("1.30.0", False, PreflightOutcome.WRONG),
        ("1.30.0", None, PreflightOutcome.WELL),
        ("1.31.0", False, PreflightOutcome.WELL),
    ],
)
def test_an_account_without_token_is_in_the_way_of_an_older_operator(
    asked: Wanted, operator: str, token: bool | None, outcome: PreflightOutcome
) -> None:
    space = next(built.environment.namespace for built in asked.landscapes if built.of("postgresql"))
    account = named("ServiceAccount", "postgresql", space)
    if token is not None:
        account["automountServiceAccountToken"] = token
    played = Played(account, deployment(f"ghcr.io/cloudnative-pg/cloudnative-pg:{operator}", "cnpg-system"))
    assert one(versions.accounts(played.api, asked)).outcome is outcome


def endpoint_slice(address: str, port: int, **more: Any) -> Manifest:
    labels = {edges.SERVICE_OF_SLICE: more.pop("service", "kubernetes")}
    endpoints = [{"addresses": [address], **more}]
    return named("EndpointSlice", "it", "default", labels, endpoints=endpoints, ports=[{"name": "https", "port": port}])


@pytest.mark.parametrize(
    ("address", "port", "outcome"),
    [
        ("10.20.0.3", 6443, PreflightOutcome.WELL),
        ("10.20.0.3", 16443, PreflightOutcome.WRONG),
        ("192.0.2.1", 6443, PreflightOutcome.WRONG),
        ("2001:db8::1", 6443, PreflightOutcome.WRONG),
    ],
)
def test_the_edge_of_the_api_server_must_hold_its_endpoints(
    asked: Wanted, address: str, port: int, outcome: PreflightOutcome
) -> None:
    assert one(edges.apiserver(Played(endpoint_slice(address, port)).api, asked)).outcome is outcome


def test_no_endpoint_at_all_is_wrong(asked: Wanted) -> None:
    assert one(edges.apiserver(Played().api, asked)).outcome is PreflightOutcome.WRONG


@pytest.mark.parametrize(("port", "outcome"), [(53, PreflightOutcome.WELL), (5353, PreflightOutcome.WRONG)])
def test_the_edge_of_the_dns_must_name_the_port_of_its_pods(
    asked: Wanted, port: int, outcome: PreflightOutcome
) -> None:
    # OpenShift's DNS pods listen on 5353 (openshift/cluster-dns-operator, assets/dns/daemonset.yaml, 03223f1).
    system = "kube-system"
    pod = named("Pod", "coredns-1", system, {"k8s-app": "kube-dns"}, status={"phase": "Running"})
    service = named(
        "Service", "kube-dns", system, spec={"ports": [{"name": "dns", "port": 53}, {"name": "metrics", "port": 9153}]}
    )
    ports = [{"name": "dns", "port": port}, {"name": "metrics", "port": 9153}]
    found = named(
        "EndpointSlice",
        "kube-dns-x",
        system,
        {edges.SERVICE_OF_SLICE: "kube-dns"},
        endpoints=[{"addresses": ["10.1.1.1"], "targetRef": {"name": "coredns-1"}}],
        ports=ports,
    )
    space = named("Namespace", system, None, {"kubernetes.io/metadata.name": system})
    assert one(edges.dns(Played(space, pod, service, found).api, asked)).outcome is outcome


def test_labels_that_find_no_pod_are_wrong(asked: Wanted) -> None:
    assert one(edges.dns(Played().api, asked)).outcome is PreflightOutcome.WRONG


def test_the_edge_of_the_operators_must_be_where_the_operator_runs(asked: Wanted) -> None:
    image = "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0"
    labels = {"app.kubernetes.io/name": "cloudnative-pg"}
    for space, outcome in (("cnpg-system", PreflightOutcome.WELL), ("operators", PreflightOutcome.WRONG)):
        namespace = named("Namespace", space, None, {"kubernetes.io/metadata.name": space})
        played = Played(namespace, deployment(image, space, pods=labels))
        assert one(edges.operators(played.api, asked)).outcome is outcome


def test_the_gateways_edge_is_looked_at_once_there_is_a_gateway(asked: Wanted) -> None:
    assert one(edges.gateway(Played().api, asked)).outcome is PreflightOutcome.NOT_TRIED
    labels = {edges.OWNING_GATEWAY: "ggi", "app.kubernetes.io/managed-by": "envoy-gateway"}
    for space, outcome in (("envoy-gateway-system", PreflightOutcome.WELL), ("rijnstad", PreflightOutcome.WRONG)):
        namespace = named("Namespace", space, None, {"kubernetes.io/metadata.name": space})
        played = Played(namespace, named("Pod", "envoy", space, labels))
        assert one(edges.gateway(played.api, asked)).outcome is outcome


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ({"acme": {"solvers": [{"http01": {}}]}}, "ACME HTTP-01"),
        ({"acme": {"solvers": [{"dns01": {}}, {"http01": {}}]}}, "ACME DNS-01 + HTTP-01"),
        ({"acme": {"solvers": [{"dns01": {}}]}}, "ACME DNS-01"),
        ({"ca": {}}, "ca"),
        ({}, "?"),
    ],
)
def test_an_issuer_tells_how_it_issues(spec: Manifest, kind: str) -> None:
    assert offers.kind_of_issuer({"spec": spec}) == kind


def test_http_01_needs_the_way_to_its_solver(asked: Wanted) -> None:
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    issuer = named("ClusterIssuer", "publiek", spec={"acme": {"solvers": [{"http01": {}}]}}, status=ready)
    rows = {row.check: row.outcome for row in offers.issuer(Played(issuer).api, asked)}
    assert rows == {"issuer/ready": PreflightOutcome.WELL, "issuer/solver": PreflightOutcome.WRONG}


def test_a_private_authority_is_told(asked: Wanted) -> None:
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    issuer = named("ClusterIssuer", "publiek", spec={"ca": {}}, status=ready)
    rows = {row.check: row.outcome for row in offers.issuer(Played(issuer).api, asked)}
    assert rows["issuer/public"] is PreflightOutcome.ATTENTION


def test_a_class_that_nobody_took_on_is_wrong(asked: Wanted) -> None:
    pending = {"conditions": [{"type": "Accepted", "status": "Unknown", "reason": "Pending"}]}
    item = named("GatewayClass", "envoy", spec={"controllerName": "x"}, status=pending)
    row = one(offers.gateway_class(Played(item).api, asked))
    assert (row.outcome, "Pending" in row.found) == (PreflightOutcome.WRONG, True)


def test_storage_classes_must_exist(asked: Wanted) -> None:
    rows = {
        row.check: row.outcome
        for row in offers.storage(Played(named("StorageClass", "blok", provisioner="x")).api, asked)
    }
    assert rows == {"storage/block": PreflightOutcome.WELL, "storage/shared": PreflightOutcome.WRONG}


def test_a_node_ahead_or_silent_is_out_of_step() -> None:
    now = dt.datetime(2026, 11, 30, 12, 0, tzinfo=dt.UTC)
    ages = {"well": 10.0, "late": LATEST_RENEWAL + 1, "ahead": -30.0}
    found = out_of_step({name: now - dt.timedelta(seconds=age) for name, age in ages.items()}, now)
    assert [text.partition(" ")[0] for text in found] == ["ahead", "late"]


def said(**steps: str) -> dict[str, dict[str, str]]:
    return {name: {"step": step} for name, step in steps.items()}


OPEN = said(asked="done", allowed="done", asking="done", edges="done")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (OPEN, said(asked="tcp", allowed="done", asking="tcp", edges="done"), "well well well"),
        (OPEN, OPEN, "wrong wrong well"),
        (OPEN, said(asked="tcp", allowed="done", asking="done", edges="done"), "well wrong well"),
        (OPEN, said(asked="tcp", allowed="tcp", asking="tcp", edges="done"), "wrong wrong well"),
        (OPEN, said(asked="tcp", allowed="done", asking="tcp", edges="dns"), "well well wrong"),
        (OPEN, said(asked="tcp", allowed="done", asking="tcp"), "well well wrong"),
        (said(asked="tcp", allowed="tcp", asking="tcp", edges="dns"), OPEN, "wrong wrong wrong"),
        ({}, {}, "wrong wrong wrong"),
    ],
)
def test_a_policy_holds_only_when_requests_passed_before(before: Any, after: Any, expected: str) -> None:
    assert " ".join(row.outcome.value for row in tries.judged(before, after)) == expected


def test_the_policies_are_those_of_a_landscape_for_its_edges() -> None:
    dns = Peer(namespace={"a": "b"}, pods={"c": "d"}, cidrs=["169.254.20.10/32"], ports=[53], protocols=["UDP", "TCP"])
    found = {
        item["metadata"]["name"]: item["spec"] for item in tries.policies(dns, Peer(cidrs=["10.0.0.1/32"], ports=[443]))
    }
    assert found["shut"] == {
        "podSelector": {"matchLabels": {tries.ROLE: "shut"}},
        "policyTypes": ["Egress"],
        "egress": [],
    }
    assert [len(way["to"]) for way in found["edges"]["egress"]] == [2, 1]
    assert {port["protocol"] for port in found["edges"]["egress"][0]["ports"]} == {"UDP", "TCP"}


def test_a_missing_right_is_a_row_and_never_well(asked: Wanted) -> None:
    kinds = frozenset(
        {"Deployment", "StorageClass", "Pod", "Namespace", "EndpointSlice", "ClusterIssuer", "Node", "Lease"}
    )
    kinds |= {"GatewayClass", "CustomResourceDefinition", "ResourceQuota", "ServiceAccount"}
    played = Played(forbidden=kinds)
    silent = [check for check in reads() if check.name not in ("version/kubernetes", "version/kinds", "time")]
    for check in silent:
        with pytest.raises(ForbiddenError):
            [*check.rows(played.api, asked)]


def test_what_a_run_may_not_read_is_said_with_the_right_that_it_takes(
    asked: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ggi.app.preflight import run

    only = [check for check in reads() if check.name in ("storage", "version/kubernetes")]
    monkeypatch.setattr(run, "reads", lambda: only)
    played = Played(forbidden=frozenset({"StorageClass", "Node"}))
    rows = {row.check: row for row in preflight(played.api, asked, lambda line: None, tried=False)}
    assert rows["version/kubernetes"].outcome is PreflightOutcome.WELL
    assert (rows["storage"].outcome, "storageclasses" in rows["storage"].todo) == (PreflightOutcome.NOT_READ, True)
    assert rows["tried"].outcome is PreflightOutcome.NOT_TRIED


def test_numbers_of_what_is_no_version_are_none() -> None:
    assert (numbers("17-3.5"), numbers("bookworm")) == ((17,), ())


def test_a_cluster_is_found_by_its_name_and_by_its_stack(asked: Wanted) -> None:
    assert wanted(Workspace(), "cluster-midden-prod").owner == asked.owner
    with pytest.raises(InputError, match="there is no cluster"):
        wanted(Workspace(), "midden-nothing")
