"""The controls as admission policies of a real API server: it judges as we do, and refuses what we refuse.

For the comparison every policy gets a second binding that warns in a namespace of the test's own: of what is refused
the API server names one policy alone, of what is warned of all.
"""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from ggi.audit.judge import FAILS
from ggi.controls import cel
from ggi.controls.control import Control, mandatory_environments
from ggi.controls.examples import ExampleFile, about, load_examples, seen
from ggi.controls.observation import Subject
from ggi.enforcement.admission import API, policy_name
from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import ForbiddenError, InvalidError
from tests.content import catalogue, controls, inventory
from tests.engine.deploy.place import eventually
from tests.engine.policy.conftest import Policed

pytestmark = pytest.mark.timeout(900)

NAMESPACE = "compared"
MARK = "ggi-test/compared"
LABELS = {MARK: "yes", "ggi/environment": "prod"}
"""Not `ggi/stack`: by that the shipped bindings choose, and they must not refuse what is only compared."""


def rules() -> list[Control]:
    return [control for control in controls() if control.rule is not None]


@dataclass
class Judging:
    """A client that collects the server's warnings."""

    api: KubeApi
    warnings: list[str] = field(default_factory=list)

    def ids(self, body: dict[str, Any]) -> tuple[set[str], dict[str, Any]]:
        """The controls that the server says are not met, and the object as it would be stored."""
        self.warnings.clear()
        stored = self.api.apply(body, field_manager="tests", force=True, dry_run=True)
        return {found[1] for w in self.warnings if (found := re.search(r": ([A-Z]{3}-[0-9]{3}): ", w))}, stored


def placed(subject: Subject) -> dict[str, Any]:
    """The object as it can be sent: in the test's namespace, a Secret with values."""
    body: dict[str, Any] = copy.deepcopy(dict(subject.body))
    if body["kind"] == "Namespace":
        body["metadata"]["name"] = NAMESPACE
        labels = {k: v for k, v in body["metadata"].get("labels", {}).items() if k != "ggi/stack"}
        body["metadata"]["labels"] = labels | {MARK: "yes"}
        return body
    body["metadata"]["namespace"] = NAMESPACE
    if body["kind"] == "Secret":
        body["data"] = {key: base64.b64encode(b"a value").decode() for key in body.get("data") or {}}
    return body


CANARY = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "canary", "namespace": NAMESPACE},
    "spec": {"type": "NodePort", "ports": [{"port": 80}]},
}


def judged(body: dict[str, Any], namespace: dict[str, Any]) -> set[str]:
    """The controls over single objects that this object does not meet, by our own judgement."""
    subject = Subject("x", body)
    view = cel.activation(body, None if subject.kind == "Namespace" else namespace)
    found = set()
    for control in rules():
        if subject.kind in control.kinds and not subject.owned:
            try:
                fails = cel.evaluate(control.rule, view) == FAILS
            except cel.CelError:
                fails = True
            found |= {control.id} if fails else set()
    return found


@pytest.fixture(scope="module")
def judging(policed: Policed) -> Iterator[Judging]:
    api = policed.place.api
    # The server takes up bindings in the order in which they were made: those that judge the canary come last.
    last = judged(CANARY, {"metadata": {"name": NAMESPACE, "labels": LABELS}})
    assert last, "no control minds a Service of type NodePort"
    names = [policy_name(control) for control in sorted(rules(), key=lambda control: control.id in last)]
    api.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": LABELS}},
        field_manager="tests",
        force=True,
    )
    for name in names:
        selector = {"namespaceSelector": {"matchLabels": {MARK: "yes"}}}
        spec = {"policyName": name, "validationActions": ["Warn"], "matchResources": selector}
        body = {"apiVersion": API, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": f"{name}-compared"}}
        api.apply({**body, "spec": spec}, field_manager="tests", force=True)
    found = Judging(KubeApi.from_kubeconfig(policed.place.kubeconfig))
    found.api._connection._on_warning = found.warnings.append
    eventually(lambda: found.ids(CANARY)[0] == last)
    yield found
    for name in names:
        api.delete(API, "ValidatingAdmissionPolicyBinding", f"{name}-compared")
    api.delete("v1", "Namespace", NAMESPACE)
    found.api.close()


def examples(control: Control) -> list[ExampleFile]:
    return load_examples(controls().folders[control.id])


@pytest.mark.parametrize("control", rules(), ids=lambda control: control.id)
def test_the_api_server_judges_every_example_as_we_do(judging: Judging, control: Control) -> None:
    namespace = judging.api.get("v1", "Namespace", NAMESPACE)
    compared = 0
    for file in examples(control):
        subject = about(file.example)
        found = [s for s in seen(file.example, inventory(), catalogue()).subjects if s.name == subject]
        for item in found:
            body = placed(item)
            wanted = judged(body, namespace)
            assert (control.id in wanted) is not file.good, (
                f"{file.path.name}: moved to {NAMESPACE} it is judged otherwise"
            )
            try:
                ids, stored = judging.ids(body)
            except InvalidError as error:
                # Kubernetes' own rules come first, and refuse some bad examples before any policy sees them.
                assert not file.good, f"{file.path.name}: {error}"
                compared += 1
                continue
            assert ids == wanted, file.path.name
            assert judged(stored, namespace) == wanted, (
                f"{file.path.name}: with the server's defaults it is judged otherwise"
            )
            compared += 1
    assert compared


def test_no_policy_has_a_warning_of_the_type_checker(policed: Policed) -> None:
    def checked() -> list[dict[str, Any]]:
        listed = policed.place.api.list(API, "ValidatingAdmissionPolicy")
        assert len(listed) == len(rules())
        return [p for p in listed if (p.get("status") or {}).get("observedGeneration") == p["metadata"]["generation"]]

    eventually(lambda: len(checked()) == len(rules()))
    found = {p["metadata"]["name"]: p["status"].get("typeChecking", {}).get("expressionWarnings") for p in checked()}
    assert {name: warnings for name, warnings in found.items() if warnings} == {}


def test_a_policy_refuses_where_its_control_is_mandatory_and_warns_elsewhere(policed: Policed) -> None:
    """By the shipped bindings, with id and remedy in both languages."""
    bad = {"apiVersion": "v1", "kind": "Service", "spec": {"type": "NodePort", "ports": [{"port": 80}]}}
    for environment in ("prod", "test"):
        name = f"bound-{environment}"
        profile = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
        labels = {**profile, "ggi/stack": name, "ggi/environment": environment}
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        policed.place.api.apply(space, field_manager="tests", force=True)
        body = {**bad, "metadata": {"name": "open", "namespace": name}}
        broken = judged(body, space)
        refusing = [
            controls().by_id[i]
            for i in broken
            if environment in mandatory_environments(controls().by_id[i].file.severity)
        ]
        warnings: list[str] = []
        api = KubeApi.from_kubeconfig(policed.place.kubeconfig, on_warning=warnings.append)
        try:
            api.apply(body, field_manager="tests", dry_run=True)
            assert not refusing
            assert {i for i in broken if any(f": {i}: " in w for w in warnings)} == broken
        except ForbiddenError as error:
            told = [c for c in refusing if f"{c.id}: " in str(error)]
            assert told and all(
                str(x) in str(error) for x in (told[0].file.remediation.nl, told[0].file.remediation.en)
            )
        finally:
            api.close()
            policed.place.api.delete("v1", "Namespace", name)
