"""Public names inside the cluster: straight to the pods where the cluster's DNS is ours, else by the gateway."""

from __future__ import annotations

import dataclasses

from ggi.app.workspace import Workspace
from ggi.landscape.build import Landscape, landscape
from ggi.landscape.names import direct_names

WORKSPACE = Workspace()
RIJNSTAD = WORKSPACE.environment("gm9901-prod")


def by_the_gateway() -> Landscape:
    """The same landscape on a cluster whose DNS is not ours."""
    cluster = RIJNSTAD.cluster.model_copy(update={"names": None})
    return landscape(dataclasses.replace(RIJNSTAD, cluster=cluster), WORKSPACE.catalogue)


def test_every_public_address_of_a_relation_has_a_name_that_leads_to_the_provider_s_own_service() -> None:
    built, names = landscape(RIJNSTAD, WORKSPACE.catalogue), direct_names(RIJNSTAD, WORKSPACE.catalogue)
    services = {f"{o.kube_name}.{RIJNSTAD.namespace}.svc": o for o in built.objects if o.kind == "Service"}
    public = [r for r in built.relations if r.public]
    assert public
    for relation in public:
        assert relation.url().startswith(f"https://{relation.host}") and relation.port == 443
        service = services[names[relation.host]]
        assert service.component == relation.provider
        assert 443 in {port["port"] for port in service.body["spec"]["ports"]}


def test_the_stack_of_the_cluster_writes_one_rule_for_each_name_of_its_own_landscapes() -> None:
    body = WORKSPACE.desired_cluster("cluster-midden-prod").objects[-1].body
    assert (body["kind"], body["metadata"]["namespace"], body["metadata"]["name"]) == (
        "ConfigMap",
        "kube-system",
        "coredns-custom",
    )
    lines = [line for line in body["data"]["ggi.override"].splitlines() if not line.startswith("#")]
    # plugin/rewrite/README.md of coredns: rewrite name exact FROM TO answer auto.
    rule = "rewrite name exact openzaak.rijnstad.test openzaak-web.rijnstad.svc.cluster.local answer auto"
    assert rule in lines and len(lines) == len(set(lines))
    assert not [line for line in lines if "accp" in line or "fscinway" in line]


def test_without_rules_of_dns_callers_go_by_the_gateway_and_nobody_straight_to_another_s_pods() -> None:
    flows = by_the_gateway().flows
    caller = [f for f in flows if f.source.component == "openformulieren" and "openzaak" in f.reason]
    assert [(f.target.edge, f.ports) for f in caller] == [("gateway", (10443,))]
    direct = [f for f in landscape(RIJNSTAD, WORKSPACE.catalogue).flows if f.source.component == "openformulieren"]
    assert [f.ports for f in direct if f.target.component == "openzaak"] == [(8443,)]
