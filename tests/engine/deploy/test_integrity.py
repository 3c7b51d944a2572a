"""Nothing by hand goes unnoticed: each break of a running landscape is found by name with its meaning, and mended."""

from __future__ import annotations

import contextlib
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ggi.app.cleaning import HOLD_NOTHING
from ggi.app.workspace import Workspace
from ggi.controls.integrity.added import load_added
from ggi.controls.integrity.compare import ObjectComparison, pattern
from ggi.controls.integrity.judge import Unplanned, as_planned, judge_live
from ggi.controls.integrity.live import who
from ggi.controls.logical_names import LogicalNames
from ggi.enforcement.cluster_stack import find_installed
from ggi.engine.kubehttp import ApiError
from ggi.engine.live import NOBODY_ASKS, read_live
from ggi.landscape.build import Landscape
from tests.engine.attack import Schemas, changes
from tests.engine.breaks import BREAKS, Changed, Gone, Made
from tests.engine.deploy.place import Place, eventually

pytestmark = pytest.mark.timeout(900)

BINDING = ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding")
SEED = 20261130
LEFT_ALONE = ("/metadata/finalizers", "/metadata/annotations/note")
"""What an update does not take back: it keeps something from being lost, or is how others remember what they did."""
SHARE = 0.04
"""Of all paths of all objects that are tried; the whole takes ten minutes."""
HARMLESS: dict[str, str] = {
    "metadata.annotations.deployment.kubernetes.io/revision": "a number that the controller writes back",
    "metadata.annotations.pulumi.com/waitFor": "for what the engine waits; it writes that back",
}
"""Changes that an audit does not tell, and why they open nothing."""


@pytest.fixture(scope="module")
def built(place: Place, stack: str) -> Landscape:
    return place.landscape(stack)


@pytest.fixture(scope="module")
def protections(place: Place, stack: str) -> dict[str, Any]:
    name = find_installed(place.api)[0]
    wanted = Workspace(place.inventory).desired_cluster(name, shared=True)
    return {item.name: item.body for item in wanted.objects}


@pytest.fixture(scope="module")
def unguarded(place: Place, stack: str) -> Iterator[None]:
    """Whoever can do these things can also switch off what would refuse some of them."""
    named = {one.start for one in BREAKS if isinstance(one, Changed | Gone)}
    for body in place.api.list(*BINDING):
        name = body["metadata"]["name"]
        if not any(name.startswith(start) for start in named if start.startswith("ggi-")):
            place.api.delete(*BINDING, name)
    yield
    place.up(stack)


def findings(place: Place, built: Landscape, protections: dict[str, Any]) -> list[Unplanned]:
    live = read_live(place.api, built.environment.namespace, built.hosts.values(), protections)
    return list(judge_live(built, live).found)


def in_space(one: Made | Changed | Gone, space: str) -> Made | Changed | Gone:
    return replace(one, start=one.start.format(space=space)) if isinstance(one, Changed) else one


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.name)
def test_each_break_is_found_with_what_it_opens(
    place: Place, built: Landscape, protections: dict[str, Any], unguarded: None, one: Made | Changed | Gone
) -> None:
    space = built.environment.namespace
    undo = in_space(one, space).do(place.api, space)
    try:
        found = findings(place, built, protections)
    finally:
        undo()
    told = {(item.subject, item.meaning) for item in found}
    assert any(subject.startswith(one.subject) and meaning is one.meaning for subject, meaning in told), told


def test_all_at_once_are_found_by_the_audit_and_taken_back(
    place: Place, stack: str, built: Landscape, unguarded: None
) -> None:
    space = built.environment.namespace
    done, kept = [], []
    for one in BREAKS:
        try:
            in_space(one, space).do(place.api, space)
        except (ApiError, StopIteration):
            continue  # two breaks of one list
        done.append(one)
        if isinstance(one, Changed) and one.patch[0]["path"].startswith(LEFT_ALONE):
            kept.append(one)
    assert len(done) > len(BREAKS) * 0.8
    audit = place.ggi("audit", stack, "--from", "live", "--sandbox", "--json", code=1).json[0]
    failed = {(f["control"], f["subject"]) for f in audit["findings"] if f["outcome"] == "FAIL"}
    integrity = {subject for control, subject in failed if control.startswith("INT-")}
    missed = [one.name for one in done if not any(subject.startswith(one.subject) for subject in integrity)
              and not (isinstance(one, Made) and one.body["kind"] == "Secret")]  # fmt: skip
    assert missed == []
    assert "canary-of-a-secret" not in str(audit)
    for one in done:
        if isinstance(one, Made) and one.cluster:
            place.api.delete(one.body["apiVersion"], one.body["kind"], one.body["metadata"]["name"])
    place.up(stack)
    data = [f"{one.body['kind']}/{one.body['metadata']['name']}" for one in done
            if isinstance(one, Made) and not one.cluster and one.body["kind"] not in HOLD_NOTHING]  # fmt: skip
    shown = place.ggi("clean", stack, "--sandbox", "--json", code=1).json["strangers"]
    assert {row["object"] for row in shown if row["data"]} == set(data)
    place.ggi("clean", stack, "--sandbox", "--remove", "--yes", code=1)
    for name in data:
        place.ggi("clean", stack, "--sandbox", "--remove", "--yes", "--only", name, code=0 if name == data[-1] else 1)
    place.ggi("up", find_installed(place.api)[0], "--sandbox", "--yes")
    for one in kept:
        for body in place.api.list(*one.kind, space):
            if body["metadata"]["name"].startswith(one.start):
                gone = [{"op": "remove", "path": one.patch[0]["path"]}]
                with contextlib.suppress(ApiError):  # it came anew meanwhile
                    place.api.patch(*one.kind, body["metadata"]["name"], gone, namespace=space, patch_type="json")
    left = place.ggi("audit", stack, "--from", "live", "--sandbox", "--json").json[0]
    assert [f for f in left["findings"] if f["control"].startswith("INT-") and f["outcome"] == "FAIL"] == []


SPECS: dict[str, dict[str, Any]] = {
    "PersistentVolumeClaim": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    },
    "ReplicationController": {
        "spec": {
            "replicas": 0,
            "selector": {"x": "y"},
            "template": {"metadata": {"labels": {"x": "y"}}, "spec": {"containers": [{"name": "it", "image": "x"}]}},
        }
    },
    "Service": {"spec": {"ports": [{"port": 1}]}},
    "ControllerRevision": {"data": {"x": "y"}},
    "HorizontalPodAutoscaler": {
        "spec": {"maxReplicas": 1, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}}
    },
    "Ingress": {"spec": {"defaultBackend": {"service": {"name": "x", "port": {"number": 1}}}}},
    "RoleBinding": {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "x"},
        "subjects": [],
    },
    "Publication": {
        "spec": {"cluster": {"name": "x"}, "dbname": "x", "name": "x", "target": {"allTables": True}},
    },
}
"""What a kind needs beyond what its schema says."""
TARGET = {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "ggi"}]}
ROUTE = {"rules": [{"backendRefs": [{"name": "x", "port": 1}]}]}
SPECS |= {kind: {"spec": TARGET} for kind in ("BackendTrafficPolicy", "EnvoyExtensionPolicy", "SecurityPolicy")}
SPECS |= {kind: {"spec": ROUTE} for kind in ("TCPRoute", "UDPRoute")}
SPECS["TLSRoute"] = {"spec": {**ROUTE, "hostnames": ["attack.example"]}}


def smallest(place: Place, built: Landscape) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of every kind that can be made in a namespace: one of ours under another name, else the smallest valid object."""
    schemas, space = Schemas(place.api), built.environment.namespace
    ours: dict[tuple[str, str], dict[str, Any]] = {}
    for kind in {(item.api_version, item.kind) for item in built.objects} - {("v1", "Namespace")}:
        ours[kind] = place.api.list(*kind, space)[0]
    templates = {"Pod": "spec", "PodTemplate": "template", "DaemonSet": "", "ReplicaSet": "", "CronJob": ""}
    deployment = ours["apps/v1", "Deployment"]
    template = deployment["spec"]["template"]
    for kind in place.api.resource_types():
        if not (kind.namespaced and kind.preferred and {"list", "create"} <= kind.verbs) or kind.kind in NOBODY_ASKS:
            continue
        head = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": "attack", "namespace": space},
        }
        known = ours.get((kind.api_version, kind.kind))
        if known is not None:
            rest = {k: v for k, v in known.items() if k not in ("apiVersion", "kind", "metadata", "status")}
            if kind.kind == "Service":
                rest = SPECS["Service"]
            if kind.kind == "Job":
                rest["spec"] = {**rest["spec"], "suspend": True}
                rest["spec"].pop("selector", None)
                inner = rest["spec"]["template"]
                rest["spec"]["template"] = {**inner, "metadata": {}}
        elif kind.kind in SPECS:
            rest = SPECS[kind.kind]
        elif kind.kind == "Pod":
            rest = {"spec": template["spec"]}
        elif kind.kind == "PodTemplate":
            rest = {"template": template}
        elif kind.kind == "CronJob":
            job = ours["batch/v1", "Job"]["spec"]["template"]["spec"]
            rest = {
                "spec": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": {"template": {"spec": job}}}}
            }
        elif kind.kind in templates:
            rest = {"spec": {"selector": deployment["spec"]["selector"], "template": template}}
        else:
            rest = schemas.instance(schemas.of(kind.api_version, kind.kind), kind.api_version)
        yield kind.kind, {**rest, **head}


def test_no_kind_goes_unnoticed(place: Place, stack: str, built: Landscape, protections: dict[str, Any]) -> None:
    refused, unnoticed, count = {}, [], 0
    for kind, body in smallest(place, built):
        space = built.environment.namespace
        try:
            place.api.create(body)
        except ApiError as error:
            refused[kind] = str(error).splitlines()[0][:200]
            continue
        count += 1
        found = findings(place, built, protections)
        if not any(one.stranger and who(one.body) == (kind, "attack") for one in found):
            unnoticed.append(kind)
        place.api.delete(body["apiVersion"], kind, "attack", space, grace_seconds=0)
    for claim in place.api.list("v1", "PersistentVolumeClaim", built.environment.namespace):
        if "attack" in claim["metadata"]["name"]:  # of the StatefulSet, whose claims stay
            place.api.delete("v1", "PersistentVolumeClaim", claim["metadata"]["name"], built.environment.namespace)
    print(f"{count} kinds made in the namespace, {count - len(unnoticed)} noticed")  # noqa: T201
    assert refused == {}
    assert unnoticed == []


def test_no_field_goes_unnoticed(place: Place, stack: str, built: Landscape) -> None:
    schemas, chooser, added = Schemas(place.api), random.Random(SEED), load_added()  # noqa: S311
    names, planned = LogicalNames(built), {item.name: item.body for item in built.objects}
    tried, survivors = 0, Counter[str]()
    live = read_live(place.api, built.environment.namespace)
    for body in live.objects:
        name, kind = names.of(body), str(body["kind"])
        if name not in planned:
            continue
        for change in changes(schemas, body, chooser, SHARE):
            tried += 1
            wanted = as_planned(name, planned[name], change.body)
            if not ObjectComparison(kind, added).differences(wanted, change.body):
                survivors[re.sub(r"\.\d+", ".*", pattern(change.path))] += 1
    print(f"{tried} changes tried, {tried - survivors.total()} noticed; not: {dict(survivors)}")  # noqa: T201
    assert tried > 30
    assert set(survivors) <= set(HARMLESS)
    assert survivors.total() <= max(1, tried * 0.01)


def test_nothing_is_found_after_the_first_up_an_upgrade_a_rotation_and_a_lost_pod(
    place: Place, stack: str, protections: dict[str, Any]
) -> None:
    steps: tuple[dict[str, Any], ...] = (
        {},
        {"release": "2026.4"},
        {"release": "2026.4", "environment": {"rotation": {"current": 2, "accept": [1]}}},
    )
    for step in steps:
        name = place.tenant("GM9973", **step)
        place.up(name)
        built = place.landscape(name)
        found = ours(findings(place, built, protections))
        assert [(one.subject, one.meaning, [change.text for change in one.changes]) for one in found] == []
    space = built.environment.namespace
    pod = next(p for p in place.api.each("v1", "Pod", space) if p["metadata"]["name"].startswith("openklant-web-"))
    place.api.delete("v1", "Pod", pod["metadata"]["name"], space, grace_seconds=0)
    eventually(
        lambda: place.api.get("apps/v1", "Deployment", "openklant-web", space)["status"].get("readyReplicas") == 2, 120
    )
    assert [(one.subject, one.meaning) for one in ours(findings(place, built, protections))] == []


def ours(found: list[Unplanned]) -> list[Unplanned]:
    """Without what other tests did to the cluster."""
    return [one for one in found if not one.subject.startswith("cluster/")]
