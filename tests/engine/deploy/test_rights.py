"""Rights that we work out are those that the API server grants: asked for random subjects, verbs and resources."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest

from ggi.controls.integrity.live import LiveNamespace
from ggi.controls.integrity.rights import allows, rights
from ggi.engine.kubeapi import KubeApi
from ggi.engine.live import read_live
from tests.engine.deploy.place import Place

pytestmark = pytest.mark.timeout(600)

RBAC = "rbac.authorization.k8s.io"
SPACE = "rights-of-somebody"
VERBS = ("get", "list", "create", "delete", "patch", "impersonate", "escalate", "bind", "*")
RESOURCES = (
    ("", "pods"),
    ("", "pods/exec"),
    ("", "secrets"),
    ("", "serviceaccounts/token"),
    ("apps", "deployments"),
    ("apps", "deployments/scale"),
    (RBAC, "roles"),
    ("example.test", "widgets"),
)
SUBJECTS = (
    {"kind": "User", "apiGroup": RBAC, "name": "jan"},
    {"kind": "Group", "apiGroup": RBAC, "name": "menders"},
    {"kind": "ServiceAccount", "name": "robot", "namespace": SPACE},
)
ROLES, ASKED = 12, 250


def rule(chooser: random.Random) -> dict[str, Any]:
    group, resource = chooser.choice(RESOURCES)
    made: dict[str, Any] = {
        "apiGroups": [chooser.choice((group, "*"))],
        "resources": [
            chooser.choice((resource, "*", f"*/{resource.partition('/')[2]}" if "/" in resource else "pods"))
        ],
        "verbs": chooser.sample(VERBS[:-1], 2) if chooser.random() < 0.8 else ["*"],
    }
    if chooser.random() < 0.3:
        made["resourceNames"] = ["one"]
    return made


@pytest.fixture(scope="module")
def live(place: Place) -> Iterator[LiveNamespace]:
    """A namespace with random roles and bindings, some of them of the whole cluster."""
    api, chooser = place.api, random.Random(14)  # noqa: S311
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}, field_manager="tests")
    made = []
    for number in range(ROLES):
        wide = number % 3 == 0
        kind, where = ("ClusterRole", {}) if wide else ("Role", {"namespace": SPACE})
        name = f"rights-{number}"
        head = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": name, **where}}
        made.append({**head, "kind": kind, "rules": [rule(chooser) for _ in range(2)]})
        bound = "ClusterRoleBinding" if wide and number % 2 else "RoleBinding"
        place_of = {} if bound == "ClusterRoleBinding" else {"namespace": SPACE}
        made.append(
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": bound,
                "metadata": {"name": name, **place_of},
                "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name},
                "subjects": [chooser.choice(SUBJECTS)],
            }
        )
    for body in made:
        api.apply(body, field_manager="tests")
    yield read_live(api, SPACE)
    for body in made:
        if "namespace" not in body["metadata"]:
            api.delete(body["apiVersion"], body["kind"], body["metadata"]["name"])
    api.delete("v1", "Namespace", SPACE)


def granted(api: KubeApi, subject: dict[str, str], verb: str, group: str, resource: str, name: str) -> bool:
    """What the API server says."""
    who: dict[str, Any] = {"user": subject["name"]}
    if subject["kind"] == "Group":
        who = {"user": "somebody", "groups": [subject["name"]]}
    if subject["kind"] == "ServiceAccount":
        who = {"user": f"system:serviceaccount:{SPACE}:{subject['name']}"}
    asked = {"namespace": SPACE, "verb": verb, "group": group, "name": name}
    asked["resource"], _, asked["subresource"] = resource.partition("/")
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {**who, "resourceAttributes": asked},
    }
    answer = api.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=review)
    return bool(answer["status"]["allowed"])


def test_rights_are_those_that_the_api_server_grants(place: Place, live: LiveNamespace) -> None:
    names = {f"User:{SUBJECTS[0]['name']}": 0, f"Group:{SUBJECTS[1]['name']}": 1, f"ServiceAccount:{SPACE}/robot": 2}
    found = rights(live, SPACE)
    every = [*itertools.product(names, VERBS[:-1], RESOURCES, ("", "one", "other"))]
    chosen = random.Random(15).sample(every, ASKED)  # noqa: S311
    differing, allowed = [], 0
    for subject, verb, (group, resource), name in chosen:
        ours = any(allows(r.rules, verb, group, resource, name) for r in found if r.subject == subject)
        theirs = granted(place.api, SUBJECTS[names[subject]], verb, group, resource, name)
        allowed += theirs
        if ours != theirs:
            differing.append((subject, verb, group, resource, name, theirs))
    assert differing == []
    assert 10 < allowed < ASKED - 10
