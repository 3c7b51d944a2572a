"""When an object counts as ready, and what a person may ask to wait for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.plugins.kubernetes.objects import WAIT_FOR
from sandbox.plugins.kubernetes.readiness import ON_WRITE, Readiness, rule_for
from sandbox.plugins.kubernetes.reasons import event_reasons, pod_reasons
from sandbox.plugins.kubernetes.wait_for import conditions_of, parse
from sandbox.plugins.kubernetes.waiting import propagation, seconds_for


def judge(api_version: str, kind: str, endpoints: dict[str, Any] | None = None, **content: Any) -> Readiness:
    obj = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "n", "generation": 2}, **content}
    rule = rule_for(obj)
    assert rule is not None
    return rule(obj, lambda name: (endpoints or {}).get(name))


AVAILABLE = [{"type": "Available", "status": "True"}, {"type": "Progressing", "status": "True"}]
ROLLED_OUT = {
    "observedGeneration": 2,
    "replicas": 3,
    "updatedReplicas": 3,
    "availableReplicas": 3,
    "conditions": AVAILABLE,
}


def test_a_deployment_is_ready_when_the_newest_generation_is_out() -> None:
    assert judge("apps/v1", "Deployment", spec={"replicas": 3}, status=ROLLED_OUT).ready


@pytest.mark.parametrize(
    "missing",
    [
        {"observedGeneration": 1},
        {"updatedReplicas": 2},
        {"availableReplicas": 2},
        {"replicas": 4},
        {"conditions": []},
        {"conditions": [{"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"}]},
        {
            "conditions": [
                *AVAILABLE[:1],
                {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"},
            ]
        },
    ],
)
def test_a_deployment_is_not_ready_when_any_part_of_that_is_missing(missing: dict[str, Any]) -> None:
    found = judge("apps/v1", "Deployment", spec={"replicas": 3}, status=ROLLED_OUT | missing)
    assert not found.ready
    assert not found.failed
    assert found.message


def test_a_deployment_without_replicas_is_ready() -> None:
    status = {"observedGeneration": 2, "conditions": AVAILABLE}
    assert judge("apps/v1", "Deployment", spec={"replicas": 0}, status=status).ready


def test_a_stateful_set_waits_for_its_revision() -> None:
    status = {"observedGeneration": 2, "replicas": 2, "readyReplicas": 2, "currentReplicas": 2, "currentRevision": "a"}
    spec = {"replicas": 2}
    assert judge("apps/v1", "StatefulSet", spec=spec, status=status | {"updateRevision": "a"}).ready
    assert not judge("apps/v1", "StatefulSet", spec=spec, status=status | {"updateRevision": "b"}).ready
    on_delete = spec | {"updateStrategy": {"type": "OnDelete"}}
    assert judge("apps/v1", "StatefulSet", spec=on_delete, status=status | {"updateRevision": "b"}).ready


def test_a_daemon_set_is_ready_when_every_node_has_it() -> None:
    counts = dict.fromkeys(("currentNumberScheduled", "numberAvailable", "numberReady", "updatedNumberScheduled"), 3)
    status = counts | {"observedGeneration": 2, "desiredNumberScheduled": 3}
    assert judge("apps/v1", "DaemonSet", status=status).ready
    assert not judge("apps/v1", "DaemonSet", status=status | {"numberReady": 2}).ready


def test_a_job_is_ready_when_complete_and_failed_at_once_when_failed() -> None:
    complete = [{"type": "Complete", "status": "True"}]
    failed = [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "6 times"}]
    assert judge("batch/v1", "Job", status={"conditions": complete}).ready
    assert judge("batch/v1", "Job", status={"conditions": failed}) == Readiness(
        False, "[BackoffLimitExceeded] 6 times", True
    )
    assert not judge("batch/v1", "Job", status={}).failed


def test_a_service_waits_for_pods_that_are_not_ready_and_for_its_load_balancer() -> None:
    pending = {"n": {"subsets": [{"notReadyAddresses": [{"ip": "10.0.0.1"}]}]}}
    spec = {"selector": {"app": "x"}, "type": "ClusterIP"}
    assert not judge("v1", "Service", pending, spec=spec).ready
    assert judge("v1", "Service", {"n": {"subsets": [{"addresses": [{"ip": "10.0.0.1"}]}]}}, spec=spec).ready
    assert judge("v1", "Service", pending, spec=spec | {"clusterIP": "None"}).ready
    assert judge("v1", "Service", pending, spec={"type": "ExternalName"}).ready
    assert not judge("v1", "Service", spec=spec | {"type": "LoadBalancer"}).ready


def test_a_kind_without_a_rule_is_not_waited_for() -> None:
    assert rule_for({"apiVersion": "v1", "kind": "ConfigMap"}) is None
    assert rule_for({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute"}) is None
    assert ("apps/v1", "Deployment") in ON_WRITE


OBJECT = {
    "metadata": {"generation": 3},
    "spec": {"paused": False, "replicas": 2},
    "status": {
        "phase": "Ready",
        "conditions": [
            {"type": "Ready", "status": "True", "observedGeneration": 3},
            {"type": "Old", "status": "True", "observedGeneration": 2},
            {"type": "Bad", "status": "False", "reason": "Broken", "message": "it broke"},
        ],
        "addresses": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2", "a.b": "c"}],
    },
}


@pytest.mark.parametrize(
    "expression",
    [
        "condition=Ready",
        "condition=ready=true",
        "condition=Bad=False",
        "jsonpath={.status.phase}",
        "jsonpath={.status.phase}=Ready",
        "jsonpath={ $.spec.replicas }=2",
        "jsonpath={.spec.paused}=false",
        'jsonpath={.status.conditions[?(@.type=="Ready")].status}=True',
        "jsonpath={.status.conditions[?(@.type == 'Bad')].reason}=Broken",
        "jsonpath={.status.addresses[-1].ip}=10.0.0.2",
        "jsonpath={.status.addresses[*].ip}=10.0.0.1",
        "jsonpath={.status.addresses[1]['a.b']}=c",
        "jsonpath={.status['addresses']}",
        'jsonpath={.status.conditions[?(@.type!="Ready")].type}=Old',
    ],
)
def test_a_condition_that_holds_is_met(expression: str) -> None:
    assert parse(expression)(OBJECT).ready


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("condition=Missing", "no condition Missing"),
        ("condition=Old", "older generation"),
        ("condition=Bad", "Broken it broke"),
        ("jsonpath={.status.nothing}", "selects nothing"),
        ("jsonpath={.status.phase}=Gone", "is Ready, not Gone"),
        ("jsonpath={.status.addresses[7].ip}", "selects nothing"),
    ],
)
def test_a_condition_that_does_not_hold_says_why(expression: str, why: str) -> None:
    found = parse(expression)(OBJECT)
    assert not found.ready
    assert why in found.message


@pytest.mark.parametrize(
    "expression",
    ["Ready", "condition=", "jsonpath=.status", "jsonpath={.status", "jsonpath='{.a}'", "jsonpath={.a[?(@.b>1)]}"],
)
def test_a_condition_of_a_wrong_form_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=WAIT_FOR):
        parse(expression)


def test_comparing_a_whole_structure_fails_at_once() -> None:
    assert parse("jsonpath={.status.conditions}=x")(OBJECT).failed
    assert parse("jsonpath={.status.conditions}")(OBJECT).ready


def test_several_conditions_are_a_json_list() -> None:
    both = json.dumps(["condition=Ready", "jsonpath={.a}"])
    assert len(conditions_of({"metadata": {"annotations": {WAIT_FOR: both}}})) == 2
    assert conditions_of({"metadata": {}}) == []
    with pytest.raises(ValueError, match="empty"):
        conditions_of({"metadata": {"annotations": {WAIT_FOR: "[]"}}})


def test_the_programs_time_out_comes_before_the_annotation() -> None:
    annotated = {"metadata": {"annotations": {"pulumi.com/timeoutSeconds": "7"}}}
    assert seconds_for(annotated, 5, 600) == 5
    assert seconds_for(annotated, 0, 600) == 7
    assert seconds_for({}, 0, 600) == 600


def test_dependents_are_deleted_first_unless_the_annotation_says_otherwise() -> None:
    key = "pulumi.com/deletionPropagationPolicy"
    assert propagation({}) == "Foreground"
    assert propagation({"metadata": {"annotations": {key: "orphan"}}}) == "Orphan"


def test_reasons_name_the_pod_the_container_and_the_word_of_kubernetes() -> None:
    pod = {
        "metadata": {"name": "web-1"},
        "status": {
            "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
            ],
            "containerStatuses": [
                {"name": "a", "state": {"waiting": {"reason": "ContainerCreating"}}},
                {"name": "b", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}},
                {
                    "name": "c",
                    "state": {"running": {}},
                    "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}},
                },
            ],
        },
    }
    assert pod_reasons(pod) == [
        "Pod web-1: [Unschedulable] 0/3 nodes",
        "Pod web-1, container b: [ImagePullBackOff] no such image",
        "Pod web-1, container c: [Error] exit code 3",
    ]


def test_only_events_about_the_object_and_what_it_made_are_reasons() -> None:
    def event(name: str, reason: str, when: str) -> dict[str, Any]:
        about = {"kind": "ReplicaSet", "name": name}
        return {"involvedObject": about, "reason": reason, "message": "m", "lastTimestamp": when}

    events = [
        event("web-5f", "Old", "2026-01-01"),
        event("other", "Not", "2026-01-03"),
        event("web", "New", "2026-01-02"),
    ]
    assert event_reasons(events, {"web"}, "web") == ["ReplicaSet web: [New] m", "ReplicaSet web-5f: [Old] m"]
