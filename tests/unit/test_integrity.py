"""What counts as planned in a live object, who made what is not ours, what it opens, and how it is taken back."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ggi.controls.integrity.added import load_added, spelled
from ggi.controls.integrity.compare import Comparison
from ggi.controls.integrity.judge import Judge
from ggi.controls.integrity.live import Live
from ggi.controls.integrity.makers import load_makers
from ggi.controls.integrity.meanings import Meaning, load_meanings
from ggi.controls.integrity.rights import by_nature, lets, load_rights
from ggi.controls.subjects import LogicalNames
from ggi.engine.restoring import changed_by_hand, take_back
from ggi.landscape.build import Landscape, landscape
from ggi.landscape.objects import Object
from tests.content import catalogue, inventory

DENY = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
OPEN = {**DENY, "egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}]}


def texts(kind: str, wanted: dict[str, Any], live: dict[str, Any]) -> list[str]:
    one, two = ({"metadata": {}, "spec": spec} for spec in (wanted, live))
    return [found.text for found in Comparison(kind, load_added()).differences(one, two)]


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
    judge = Judge(planned, Live(bodies, **more), LogicalNames(built).of)
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
    reference = {"kind": "Deployment", "name": name, "uid": owner["metadata"]["uid"], "controller": True}
    labels = template["metadata"]["labels"]
    between = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": f"{name}-1", "uid": f"set-{name}", "labels": labels, "ownerReferences": [reference]},
        "spec": {"replicas": 1, "selector": owner["spec"]["selector"], "template": copy.deepcopy(template)},
    }
    bodies.append(between)
    mine = {"kind": "ReplicaSet", "name": f"{name}-1", "uid": f"set-{name}", "controller": True}
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
    reference = {"kind": "Service", "name": "openzaak-web", "uid": service["metadata"]["uid"], "controller": True}
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
        live = Live([service(item, managers, **added)])
        by_hand, counts = changed_by_hand(live, [item])
        assert by_hand.paths == ({item.name: ["spec.externalIPs"]} if taken else {})
        assert counts == ({item.name: 1} if taken else {})
    api = Api()
    live = Live([service(item, [theirs], **added)])
    take_back(api, live, [item], changed_by_hand(live, [item])[0])  # type: ignore[arg-type]
    ((_, _, name, patch, how),) = api.patched
    assert (name, patch) == ("openzaak-web", [{"op": "remove", "path": "/spec/externalIPs"}])
    assert how["patch_type"] == "json"


def test_a_changed_value_alone_is_left_to_the_engine_which_sees_it(built: Landscape) -> None:
    item = next(o for o in built.objects if o.name == "openzaak/Deployment/web")
    body = copy.deepcopy(item.body)
    body["spec"]["replicas"] = 9
    body["metadata"]["uid"] = "u"
    assert changed_by_hand(Live([body]), [item])[0].changes == {}


# -- the files -------------------------------------------------------------------------------------------------------


def test_every_file_reads_and_every_reason_is_a_sentence() -> None:
    reasons = [rule.entry.why for rules in load_added().rules.values() for rule in rules if rule.entry.why]
    reasons += [entry.why for entry in load_makers().makers if entry.why]
    reasons += [entry.why for entry in load_rights().by_nature]
    assert all(reason.endswith(".") and reason[0].isupper() for reason in reasons)
    assert {entry.opens for entry in load_meanings().file.strangers} <= set(Meaning)
    assert all(entry.why for entry in load_makers().makers if entry.judged == "whole")
