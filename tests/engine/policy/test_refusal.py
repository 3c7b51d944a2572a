"""Who is stopped, where, with which words; and what a waiver lets through, in the engine and in the cluster."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ggi.controls import cel
from ggi.controls.load import load_controls
from ggi.enforcement.cluster_stack import FINGERPRINT, RBAC, ROLE
from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import ForbiddenError
from ggi.inventory.waivers import ACCEPTED
from ggi.paths import ROOT
from tests.engine.deploy.place import Place, eventually
from tests.engine.policy.conftest import CLUSTER, Policed
from tests.engine.policy.plants import HERINDELING

pytestmark = pytest.mark.timeout(900)

CONTROLS = load_controls([ROOT]).by_id
SEEN = "active, into GM9902 on 2026-01-01"
EVIDENCE = "state=active; into=GM9902 2026-01-01"
WEB, WORKER = "openklant-web", "openklant-worker"


def as_root(deployment: dict[str, Any]) -> dict[str, Any]:
    """A patch after which the pods may run as root."""
    pod = copy.deepcopy(deployment["spec"]["template"]["spec"])
    pod["securityContext"]["runAsNonRoot"] = False
    for container in pod["containers"]:
        container["securityContext"]["runAsNonRoot"] = False
    return {"spec": {"template": {"spec": pod}}}


def deployment(place: Place, stack: str, name: str) -> dict[str, Any]:
    return place.api.get("apps/v1", "Deployment", name, stack)


def change(place: Place, stack: str, name: str, patch: dict[str, Any], *, dry_run: bool = True) -> None:
    place.api.patch(
        "apps/v1", "Deployment", name, patch, namespace=stack, field_manager="kubectl-edit", dry_run=dry_run
    )


def root_as_seen(place: Place, stack: str) -> str:
    """What the control sees of the changed Deployment: what a waiver accepts."""
    live = deployment(place, stack, WEB)
    live["spec"]["template"]["spec"] = as_root(live)["spec"]["template"]["spec"]
    return str(cel.evaluate(CONTROLS["POD-001"].evidence, cel.activation(live)))


def waiver(control: str, resource: str, value: str) -> dict[str, Any]:
    return {
        "control": control,
        "resource": resource,
        "value": value,
        "reason": "Alleen voor deze proef.",
        "owner": "proceseigenaar",
        "approver": "CISO",
        "granted": "2026-11-01",
        "expires": "2027-10-01",
        "compensating": "Er draait hier niets echts.",
    }


@pytest.fixture
def content(policed: Policed, tmp_path: Path) -> Path:
    """A content root with the waivers of the tenant: of its past herindeling, and of one Deployment as root."""
    folder = tmp_path / "our content"
    (folder / "stacks").mkdir(parents=True)
    (folder / "policies" / "waivers").mkdir(parents=True)
    listed = [
        waiver("GOV-002", policed.stack, EVIDENCE),
        waiver("POD-001", "openklant/Deployment/web", root_as_seen(policed.place, policed.stack)),
    ]
    lines = "\n".join(
        "  - " + "\n    ".join(f"{k}: {v if k in ('granted', 'expires') else json.dumps(v)}" for k, v in item.items())
        for item in listed
    )
    (folder / "policies" / "waivers" / "gm9971.yaml").write_text(f"waivers:\n{lines}\n", encoding="utf-8")
    return folder


@pytest.fixture
def herindeling(policed: Policed) -> Iterator[Place]:
    """The tenant's file has a violation: its herindeling is past, and it is still active."""
    policed.place.tenant("GM9971", herindeling=HERINDELING)
    yield policed.place
    policed.place.tenant("GM9971")


def test_a_tenant_with_a_violation_is_refused_before_anything_is_written(policed: Policed, herindeling: Place) -> None:
    place, stack, control = herindeling, policed.stack, CONTROLS["GOV-002"].file
    before = place.generations(stack)
    for ran in (place.up(stack, code=1), place.ggi("preview", stack, "--sandbox", code=1)):
        assert "nothing was changed" in ran.err
        (line,) = [line for line in ran.err.splitlines() if "GOV-002" in line]
        assert control.message.en in line and SEEN in line and "gm9971.yaml" in line
        assert control.remediation.en in ran.err
        assert not [word for word in ("plugin", "pulumi:", "CrossGuard", "preview failed") if word in ran.err]
    assert place.generations(stack) == before


def test_plain_pulumi_is_refused_by_the_pack_with_id_evidence_and_remedy(policed: Policed, herindeling: Place) -> None:
    ran = herindeling.plain(herindeling.exports(policed.stack), "preview", "-s", policed.stack)
    control = CONTROLS["GOV-002"].file
    assert ran.code != 0
    assert f"GOV-002 {policed.stack}: {control.message.en} ({SEEN})" in ran.text
    assert control.remediation.en in ran.text


def test_a_waiver_lets_it_go_on_in_the_engine_and_in_the_cluster(
    policed: Policed, herindeling: Place, content: Path
) -> None:
    place, stack = herindeling, policed.stack
    with pytest.raises(ForbiddenError, match="POD-001"):
        change(place, stack, WEB, as_root(deployment(place, stack, WEB)))
    try:
        ran = place.up(stack, "--content", str(content))
        (line,) = [line for line in ran.err.splitlines() if "GOV-002" in line]
        assert "accepted by CISO until 2027-10-01" in line
        notes = place.api.get("v1", "Namespace", stack)["metadata"]["annotations"]
        assert [text.split(" ")[0] for text in notes[ACCEPTED].splitlines()] == ["POD-001"]

        def passes() -> bool:
            try:
                change(place, stack, WEB, as_root(deployment(place, stack, WEB)))
            except ForbiddenError:
                return False
            return True

        eventually(passes)
        with pytest.raises(ForbiddenError, match="POD-001"):
            change(place, stack, WORKER, as_root(deployment(place, stack, WORKER)))
        # Worse than what was accepted: a second control, of which nobody accepted anything.
        worse = as_root(deployment(place, stack, WEB))
        worse["spec"]["template"]["spec"]["hostNetwork"] = True
        with pytest.raises(ForbiddenError, match="POD-006"):
            change(place, stack, WEB, worse)
    finally:
        place.tenant("GM9971")
        place.up(stack)
    assert ACCEPTED not in place.api.get("v1", "Namespace", stack)["metadata"]["annotations"]


def test_a_change_by_hand_that_breaks_a_rule_is_refused_with_id_and_remedy(policed: Policed) -> None:
    place, control = policed.place, CONTROLS["POD-001"].file
    with pytest.raises(ForbiddenError) as refused:
        change(place, policed.stack, WORKER, as_root(deployment(place, policed.stack, WORKER)), dry_run=False)
    said = str(refused.value)
    assert f"POD-001: {control.message.nl}. {control.remediation.nl} / {control.message.en}" in said


def test_an_update_in_a_sandbox_first_brings_the_policies_up_to_date_and_the_next_does_not(policed: Policed) -> None:
    place, role = policed.place, (f"{RBAC}/v1", "ClusterRole", ROLE)
    fresh = place.api.get(*role)["metadata"]["annotations"][FINGERPRINT]
    place.api.patch(*role, {"metadata": {"annotations": {FINGERPRINT: "of an older checkout"}}})
    assert place.up(policed.stack).text.count(f"First {CLUSTER}: ") == 1
    assert place.api.get(*role)["metadata"]["annotations"][FINGERPRINT] == fresh
    assert "First cluster-" not in place.up(policed.stack).text


def test_every_policy_of_the_cluster_is_in_force(policed: Policed) -> None:
    status = policed.place.ggi("status", "cluster-midden-accp", "--sandbox", "--json").json
    assert status["ready"] is True
    assert status["kinds"]["ValidatingAdmissionPolicy"]["there"] == sum(c.rule is not None for c in CONTROLS.values())


def test_another_cluster_s_stack_does_not_take_over_what_is_there(policed: Policed) -> None:
    ran = policed.place.up("cluster-midden-prod", code=1)
    assert "is not of this stack (it belongs to cluster-midden-accp)" in ran.err
    assert "more objects that are not of this stack" in ran.err


def test_nobody_s_login_reads_or_writes_more_than_an_audit_needs(policed: Policed) -> None:
    from ggi.controls.kinds import known_kinds
    from ggi.engine.live import as_auditor

    api = KubeApi.from_kubeconfig(policed.place.kubeconfig)
    as_auditor(api)

    def may(verb: str, group: str, resource: str, subresource: str = "") -> bool:
        asked = {"verb": verb, "group": group, "resource": resource, "subresource": subresource}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "metadata": {},
            "spec": {"resourceAttributes": {**asked, "namespace": policed.stack}},
        }
        return bool(api.create(body)["status"]["allowed"])

    for kind in known_kinds().values():
        assert may("list", kind.group, kind.plural) is (kind.name != "Secret"), kind.name
        for verb in ("create", "update", "patch", "delete", "deletecollection"):
            assert not may(verb, kind.group, kind.plural), f"{verb} {kind.plural}"
    assert not may("get", "", "secrets")
    assert not may("create", "", "pods", "exec") and not may("get", "", "pods", "log")
    assert not may("create", "", "serviceaccounts", "token") and not may("impersonate", "", "users")
    with pytest.raises(ForbiddenError):
        api.list("v1", "Secret", policed.stack)
    with pytest.raises(ForbiddenError):
        api.patch("v1", "Namespace", policed.stack, {"metadata": {"labels": {"x": "y"}}}, dry_run=True)
    api.close()


def test_a_live_audit_does_not_judge_what_auditors_may_not_read(policed: Policed) -> None:
    found = policed.place.ggi("audit", policed.stack, "--from", "live", "--sandbox", "--json").json[0]["findings"]
    for control in (c for c in CONTROLS.values() if "Secret" in c.kinds):
        outcomes = {f["outcome"] for f in found if f["control"] == control.id}
        assert outcomes == {"UNKNOWN"}, control.id
    assert {f["outcome"] for f in found if f["control"] == "POD-001"} == {"PASS"}
