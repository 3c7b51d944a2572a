"""What counts as planned in a live object, who made what is not ours, what it opens, and how it is taken back."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ggi.controls.integrity.added import load_added, spelled
from ggi.controls.integrity.compare import ObjectComparison
from ggi.controls.integrity.judge import IntegrityJudge
from ggi.controls.integrity.live import LiveNamespace
from ggi.controls.integrity.makers import load_makers
from ggi.controls.integrity.meanings import Meaning, load_meanings
from ggi.controls.integrity.rights import by_nature, lets, load_rights
from ggi.controls.logical_names import LogicalNames
from ggi.engine.restoring import MENDED, changed_by_hand, mended_before, take_back
from ggi.landscape.build import Landscape, landscape
from ggi.landscape.objects import Object
from tests.content import catalogue, inventory

DENY = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
OPEN = {**DENY, "egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}]}


def texts(kind: str, wanted: dict[str, Any], live: dict[str, Any]) -> list[str]:
    one, two = ({"metadata": {}, "spec": spec} for spec in (wanted, live))
    return [found.text for found in ObjectComparison(kind, load_added()).differences(one, two)]


def test_no_rules_and_an_empty_list_of_rules_are_the_same() -> None:
    assert texts("NetworkPolicy", {**DENY, "egress": []}, DENY) == []


def test_a_rule_behind_ours_or_where_there_was_none_differs() -> None:
    assert texts("NetworkPolicy", OPEN, {**OPEN, "egress": [*OPEN["egress"], {}]}) == ["spec.egress"]
    assert texts("NetworkPolicy", DENY, {**DENY, "ingress": [{}]}) == ["spec.ingress"]


def test_a_rule_or_a_type_that_was_taken_out_differs() -> None:
    assert texts("NetworkPolicy", OPEN, DENY) == ["spec.egress"]
    assert texts("NetworkPolicy", OPEN, {**OPEN, "policyTypes": ["Egress"]}) == ["spec.policyTypes"]


@pytest.mark.parametrize(
    ("live", "differing"),
    [
        ({"replicas": 2, "progressDeadlineSeconds": 600}, []),
        ({"replicas": 2, "progressDeadlineSeconds": 601}, ["spec.progressDeadlineSeconds"]),
        ({"replicas": 3}, ["spec.replicas"]),
        ({"replicas": 2, "paused": True}, ["spec.paused"]),
        ({"replicas": True}, ["spec.replicas"]),
        ({}, ["spec.replicas"]),
    ],
)
def test_what_the_api_server_adds_is_no_difference_and_all_else_is(live: dict[str, Any], differing: list[str]) -> None:
    assert texts("Deployment", {"replicas": 2}, live) == differing


def test_amounts_are_compared_as_amounts_and_only_where_amounts_stand() -> None:
    assert texts("X", {"limits": {"memory": "1024Mi"}}, {"limits": {"memory": "1Gi"}}) == []
    assert texts("X", {"limits": {"memory": "1024Mi"}}, {"limits": {"memory": "2Gi"}}) == ["spec.limits.memory"]
    assert texts("X", {"value": "1000m"}, {"value": "1"}) == ["spec.value"]


def test_a_container_before_ours_is_found_as_one_more() -> None:
    ours, theirs = {"name": "web", "image": "a"}, {"name": "other", "image": "b"}
    assert texts("X", {"containers": [ours]}, {"containers": [theirs, ours]}) == ["spec.containers"]
    changed = texts("X", {"containers": [ours]}, {"containers": [{**ours, "image": "b"}]})
    assert changed == ["spec.containers[0].image"]


def test_the_choices_in_a_path_are_spelled_out() -> None:
    assert [*spelled("a.{b,c}.{d,}e")] == ["a.b.de", "a.b.e", "a.c.de", "a.c.e"]


# -- a whole namespace -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built() -> Landscape:
    tenant, name = inventory().find("gm9901-accp")
    return landscape(inventory().environment(tenant, name), catalogue())


def alive(built: Landscape) -> list[dict[str, Any]]:
    """The landscape as it would be there, each object with a uid."""
    bodies = [copy.deepcopy(item.body) for item in built.objects]
    for number, body in enumerate(bodies):
        body["metadata"]["uid"] = f"uid-{number}"
    return bodies


def found(built: Landscape, bodies: list[dict[str, Any]], **more: Any) -> list[tuple[str, Meaning]]:
    planned = {item.name: item.body for item in built.objects}
    judge = IntegrityJudge(planned, LiveNamespace(bodies, **more), LogicalNames(built).of)
    return [(one.subject, one.meaning) for one in judge.judge(built.environment.namespace).found]


def one(bodies: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    return next(body for body in bodies if body["kind"] == kind and body["metadata"]["name"] == name)


def test_what_is_planned_is_not_found(built: Landscape) -> None:
    assert found(built, alive(built)) == []


def test_what_is_missing_is_found(built: Landscape) -> None:
    bodies = [body for body in alive(built) if (body["kind"], body["metadata"]["name"]) != ("Service", "openzaak-web")]
    assert found(built, bodies) == [("openzaak/Service/web", Meaning.WAY)]


def pod_of(bodies: list[dict[str, Any]], name: str, **metadata: Any) -> dict[str, Any]:
    """A pod as the template of a Deployment has it, with the ReplicaSet between them."""
    owner = one(bodies, "Deployment", name)
    template = copy.deepcopy(owner["spec"]["template"])
    reference = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": name,
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    labels = template["metadata"]["labels"]
    between = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": f"{name}-1", "uid": f"set-{name}", "labels": labels, "ownerReferences": [reference]},
        "spec": {"replicas": 1, "selector": owner["spec"]["selector"], "template": copy.deepcopy(template)},
    }
    bodies.append(between)
    mine = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": f"{name}-1",
        "uid": f"set-{name}",
        "controller": True,
    }
    made = {"name": f"{name}-1-a", "uid": "pod", "labels": labels, "ownerReferences": [mine], **metadata}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": template["spec"]}


def test_a_pod_of_ours_is_no_stranger_and_one_with_a_forged_owner_is(built: Landscape) -> None:
    bodies = alive(built)
    bodies.append(pod_of(bodies, "openzaak-web"))
    assert found(built, bodies) == []
    forged = copy.deepcopy(bodies[-1])
    forged["metadata"] |= {"name": "forged", "uid": "forged"}
    forged["metadata"]["ownerReferences"][0]["uid"] = "of-nobody"
    assert found(built, [*bodies, forged]) == [("openzaak/Pod/forged", Meaning.CODE)]


def test_a_pod_that_names_our_owner_and_is_another_program_is_found(built: Landscape) -> None:
    bodies = alive(built)
    pod = pod_of(bodies, "openzaak-web")
    pod["spec"]["containers"][0]["image"] = "example.test/other"
    assert found(built, [*bodies, pod]) == [("openzaak/Pod/openzaak-web-1-a", Meaning.CODE)]


def test_addresses_of_nobody_behind_our_service_are_a_way(built: Landscape) -> None:
    bodies = alive(built)
    service = one(bodies, "Service", "openzaak-web")
    reference = {
        "apiVersion": "v1",
        "kind": "Service",
        "name": "openzaak-web",
        "uid": service["metadata"]["uid"],
        "controller": True,
    }
    slice_of_it = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "s", "uid": "s", "ownerReferences": [reference]},
        "endpoints": [{"addresses": ["192.0.2.1"]}],
    }
    assert found(built, [*bodies, slice_of_it]) == [("?/EndpointSlice/s", Meaning.WAY)]


def test_a_kind_that_nobody_knows_may_do_anything(built: Landscape) -> None:
    stranger = {"apiVersion": "example.test/v1", "kind": "Widget", "metadata": {"name": "w", "uid": "w"}}
    assert found(built, [*alive(built), stranger]) == [("?/Widget/w", Meaning.CODE)]


def test_a_webhook_that_calls_another_namespace_is_not_that_of_the_operator(built: Landscape) -> None:
    hook = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "cnpg-mutating-webhook-configuration"},
        "webhooks": [{"clientConfig": {"service": {"namespace": "cnpg-system"}}}],
    }
    assert found(built, alive(built), cluster=[hook]) == []
    hook["webhooks"].append({"clientConfig": {"url": "https://example.test"}})  # type: ignore[attr-defined]
    name = "cluster/MutatingWebhookConfiguration/cnpg-mutating-webhook-configuration"
    assert found(built, alive(built), cluster=[hook]) == [(name, Meaning.CODE)]


# -- what an attacker would try ----------------------------------------------------------------------------------------

CLUSTER = ("postgresql.cnpg.io/v1", "Cluster", "postgresql")


def of_cluster(bodies: list[dict[str, Any]], kind: str, name: str, **more: Any) -> dict[str, Any]:
    """Something that says that the operator of PostgreSQL made it."""
    version, owner, called = CLUSTER
    uid = one(bodies, owner, called)["metadata"]["uid"]
    reference = {"apiVersion": version, "kind": owner, "name": called, "uid": uid, "controller": True}
    versions = {"Job": "batch/v1", "RoleBinding": "rbac.authorization.k8s.io/v1"}
    metadata = {"name": name, "uid": f"of-{name}", "namespace": "rijnstad", "ownerReferences": [reference]}
    return {"apiVersion": versions.get(kind, "v1"), "kind": kind, "metadata": metadata, **more}


CONTAINER = {"name": "postgres", "image": "ghcr.io/cloudnative-pg/postgis:17-3.5", "command": ["/controller/manager"]}
FORGED: dict[str, tuple[str, dict[str, Any]]] = {
    "another program": ("Pod", {"spec": {"containers": [{**CONTAINER, "command": ["sh", "-c", "id"]}]}}),
    "a probe that runs a command": (
        "Pod",
        {"spec": {"containers": [{**CONTAINER, "livenessProbe": {"exec": {"command": ["id"]}}}]}},
    ),
    "a port of the node": (
        "Pod",
        {"spec": {"containers": [{**CONTAINER, "ports": [{"containerPort": 5432, "hostPort": 5432}]}]}},
    ),
    "another Secret": (
        "Pod",
        {"spec": {"volumes": [{"name": "x", "projected": {"sources": [{"secret": {"name": "internal-ca"}}]}}]}},
    ),
    "the disk of somebody else": (
        "Pod",
        {"spec": {"volumes": [{"name": "x", "persistentVolumeClaim": {"claimName": "openzaak-media"}}]}},
    ),
    "the node itself": ("Pod", {"spec": {"volumes": [{"name": "x", "hostPath": {"path": "/"}}]}}),
    "the host's network by a Job": ("Job", {"spec": {"template": {"spec": {"hostNetwork": True}}}}),
    "another program by a Job": (
        "Job",
        {"spec": {"template": {"spec": {"containers": [{**CONTAINER, "image": "example.test/x"}]}}}},
    ),
    "code in a ConfigMap": ("ConfigMap", {"data": {"manager": "#!/bin/sh"}}),
    "everybody": (
        "RoleBinding",
        {
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "postgresql"},
            "subjects": [{"kind": "Group", "name": "system:unauthenticated"}],
        },
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_says_that_the_operator_made_it_is_judged_by_what_that_makes(built: Landscape, name: str) -> None:
    kind, more = FORGED[name]
    bodies = alive(built)
    assert found(built, [*bodies, of_cluster(bodies, kind, "forged", **more)])


def test_labels_of_a_component_on_what_the_operator_made_are_a_way(built: Landscape) -> None:
    bodies = alive(built)
    pod = of_cluster(bodies, "Pod", "postgresql-9", spec={})
    pod["metadata"]["labels"] = {"app.kubernetes.io/name": "openzaak", "app.kubernetes.io/component": "web"}
    assert ("openzaak/Pod/postgresql-9", Meaning.WAY) in found(built, [*bodies, pod])


def test_an_owner_of_another_group_is_none(built: Landscape) -> None:
    bodies = alive(built)
    forged = of_cluster(bodies, "Secret", "x")
    forged["metadata"]["ownerReferences"][0]["apiVersion"] = "example.test/v1"
    assert found(built, [*bodies, forged]) == [("?/Secret/x", Meaning.SETTINGS)]


def test_a_second_object_under_a_name_with_a_tag_is_told(built: Landscape) -> None:
    bodies = alive(built)
    ours = next(body for body in bodies if body["metadata"]["name"].startswith("openzaak-env-r1-"))
    other = copy.deepcopy(ours)
    other["metadata"] |= {"name": "openzaak-env-r1-evilevil", "uid": "evil"}
    ours["metadata"]["name"] = "openzaak-env-r1-00000000"
    assert found(built, [*bodies, other]) == [("openzaak/Secret/env", Meaning.SETTINGS)]


def test_a_label_gives_nobody_one_of_our_names(built: Landscape) -> None:
    labels = {"app.kubernetes.io/name": "openzaak"}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "env", "uid": "e", "labels": labels}}
    assert found(built, [*alive(built), body]) == [("?/Secret/env", Meaning.SETTINGS)]


def test_a_kind_of_another_group_is_not_ours_and_takes_no_place(built: Landscape) -> None:
    bodies = alive(built)
    other = copy.deepcopy(one(bodies, "Cluster", "postgresql"))
    other |= {"apiVersion": "example.test/v1"}
    other["metadata"]["uid"] = "other"
    assert found(built, [*bodies, other]) == [("postgresql/Cluster/postgresql", Meaning.CODE)]


def test_what_could_not_be_read_is_told_where_it_could_matter(built: Landscape) -> None:
    meanings = load_meanings()
    told = {kind: meanings.of_unread(kind) for kind in ("NetworkPolicy.networking.k8s.io", "Pod", "Secret")}
    assert told == {
        "NetworkPolicy.networking.k8s.io": Meaning.WAY,
        "Pod": Meaning.CODE,
        "Secret": Meaning.SETTINGS,
    }
    without = [body for body in alive(built) if body["kind"] != "NetworkPolicy"]
    assert found(built, without, unread=frozenset({"NetworkPolicy.example.test"}))
    assert found(built, without, unread=frozenset({"NetworkPolicy.networking.k8s.io"})) == []


def test_a_pod_that_is_going_or_gone_is_no_finding(built: Landscape) -> None:
    bodies = alive(built)
    pod = pod_of(bodies, "openzaak-web", deletionTimestamp="2026-11-30T12:00:00Z", deletionGracePeriodSeconds=30)
    assert found(built, [*bodies, pod]) == []
    pod["spec"]["containers"][0]["image"] = "example.test/older"
    pod["status"] = {"phase": "Failed"}
    assert found(built, [*bodies, pod]) == []


# -- rights ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}, []),
        ({"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}, ["secrets"]),
        ({"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}, ["changes", "exec"]),
        ({"apiGroups": [""], "resources": ["*/exec"], "verbs": ["create"]}, ["changes", "exec"]),
        ({"apiGroups": ["apps"], "resources": ["*"], "verbs": ["get", "list"]}, []),
        ({"apiGroups": ["authorization.k8s.io"], "resources": ["*"], "verbs": ["create"]}, []),
        (
            {"apiGroups": ["authentication.k8s.io"], "resources": ["*"], "verbs": ["impersonate"]},
            ["escalation", "other rights"],
        ),
        ({"apiGroups": [""], "resources": ["nodes/proxy"], "verbs": ["get"]}, ["exec"]),
        ({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["a"]}, ["secrets by name"]),
        ({"apiGroups": ["example.test"], "resources": ["x"], "verbs": ["use"]}, ["other rights"]),
        (
            {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
            ["changes", "escalation", "exec", "logs", "secrets", "tokens"],
        ),
    ],
)
def test_a_rule_is_told_by_what_it_lets_somebody_do(rule: dict[str, Any], told: list[str]) -> None:
    assert lets([rule]) == told


def test_who_has_rights_by_nature_is_listed_and_nobody_else() -> None:
    assert by_nature("Group:system:masters")
    assert not by_nature("Group:system:authenticated")
    assert not by_nature("ServiceAccount:default/cnpg-manager")
    account = "ServiceAccount:kube-system/x"
    assert by_nature(account, "ClusterRoleBinding/cni", ["changes"])
    assert not by_nature(account, "ClusterRoleBinding/cni", ["changes", "escalation"])
    assert by_nature(account, "ClusterRoleBinding/system:controller:x", ["escalation"])


# -- taking back -----------------------------------------------------------------------------------------------------


class Api:
    """Keeps what it is asked to write."""

    def __init__(self) -> None:
        self.patched: list[Any] = []

    def patch(self, *where: Any, **how: Any) -> None:
        self.patched.append((*where, how))


APPLIED = {"manager": "pulumi-kubernetes", "operation": "Apply"}


def service(item: Object, managers: list[dict[str, Any]], **spec: Any) -> dict[str, Any]:
    body = copy.deepcopy(item.body)
    body["spec"] |= spec
    body["metadata"] |= {"uid": "u", "managedFields": managers}
    return body


def test_what_somebody_added_is_taken_away_and_what_the_engine_applied_is_left_to_it(built: Landscape) -> None:
    item = next(o for o in built.objects if o.name == "openzaak/Service/web")
    added = {"externalIPs": ["192.0.2.1"]}
    ours = {**APPLIED, "fieldsV1": {"f:spec": {"f:externalIPs": {}}}}
    theirs = {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:spec": {"f:externalIPs": {}}}}
    pretending = {**theirs, "manager": "pulumi-kubernetes"}
    for managers, taken in (([theirs], True), ([], True), ([pretending], True), ([ours], False)):
        live = LiveNamespace([service(item, managers, **added)])
        by_hand, counts = changed_by_hand(live, [item])
        assert by_hand.paths == ({item.name: ["spec.externalIPs"]} if taken else {})
        assert counts == ({item.name: 1} if taken else {})
    api = Api()
    live = LiveNamespace([service(item, [theirs], **added)])
    take_back(api, live, [item], changed_by_hand(live, [item])[0])  # type: ignore[arg-type]
    ((_, _, name, patch, how),) = api.patched
    assert (name, patch) == ("openzaak-web", [{"op": "remove", "path": "/spec/externalIPs"}])
    assert how["patch_type"] == "json"


def test_a_changed_value_alone_is_left_to_the_engine_which_sees_it(built: Landscape) -> None:
    item = next(o for o in built.objects if o.name == "openzaak/Deployment/web")
    body = copy.deepcopy(item.body)
    body["spec"]["replicas"] = 9
    body["metadata"]["uid"] = "u"
    assert changed_by_hand(LiveNamespace([body]), [item])[0].changes == {}


def test_what_keeps_something_from_being_lost_is_never_taken_away(built: Landscape) -> None:
    item = next(o for o in built.objects if o.kind == "PersistentVolumeClaim")
    body = copy.deepcopy(item.body)
    body["metadata"] |= {"uid": "u", "finalizers": ["kubernetes.io/pvc-protection", "example.test/held"]}
    assert changed_by_hand(LiveNamespace([body]), [item])[0].changes == {}
    body["spec"]["dataSource"] = {"kind": "PersistentVolumeClaim", "name": "x"}
    assert changed_by_hand(LiveNamespace([body]), [item])[0].paths == {item.name: ["spec.dataSource"]}
    body["metadata"]["deletionTimestamp"] = "2026-11-30T12:00:00Z"
    assert changed_by_hand(LiveNamespace([body]), [item])[0].changes == {}


def test_pods_of_others_are_left_alone_and_one_of_ours_with_another_program_comes_anew(built: Landscape) -> None:
    bodies = alive(built)
    pod = pod_of(bodies, "openzaak-web")
    assert changed_by_hand(LiveNamespace([*bodies, pod]), built.objects)[0].again == []
    pod["spec"]["volumes"] = [*pod["spec"].get("volumes", ()), {"name": "injected", "emptyDir": {}}]
    assert changed_by_hand(LiveNamespace([*bodies, pod]), built.objects)[0].again == []
    pod["spec"]["ephemeralContainers"] = [{"name": "debug"}]
    assert changed_by_hand(LiveNamespace([*bodies, pod]), built.objects)[0].again == [pod]
    without = [item for item in built.objects if item.name != "openzaak/Deployment/web"]
    assert changed_by_hand(LiveNamespace([*bodies, pod]), without)[0].again == []


@pytest.mark.parametrize("text", ["\u00b2", "1" * 5000, "-1", ""])
def test_a_count_that_somebody_wrote_by_hand_does_not_end_an_update(text: str) -> None:
    assert mended_before({"metadata": {"annotations": {MENDED: text}}}) == 0


# -- the files -------------------------------------------------------------------------------------------------------


def test_every_file_reads_and_every_reason_is_a_sentence() -> None:
    reasons = [rule.entry.why for rules in load_added().rules.values() for rule in rules if rule.entry.why]
    reasons += [entry.why for entry in load_makers().makers if entry.why]
    reasons += [entry.why for entry in load_rights().by_nature]
    assert all(reason.endswith(".") and reason[0].isupper() for reason in reasons)
    assert {entry.opens for entry in load_meanings().file.strangers} <= set(Meaning)
    assert all(entry.why for entry in load_makers().makers if entry.judged == "whole")
