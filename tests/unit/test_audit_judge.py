"""The judge: one verdict for plan, state and live; unknown is never a pass; a secret's value never arrives."""

from __future__ import annotations

import base64
import copy
import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from ggi.audit.audit import Audit, Place, run_audit
from ggi.audit.deviations import Deviations
from ggi.audit.judge import Judge, count_outcomes
from ggi.audit.summary import audit_data, audit_rows, closing
from ggi.catalogue.content import load_catalogue
from ggi.controls.allowed_flows import AllowedFlow, Selected, allowed_flows_of, matches
from ggi.controls.control import Severity, mandatory_environments
from ggi.controls.observation import UNKNOWN, Facts, Observation, Subject
from ggi.controls.subjects import (
    SECRET_MARK,
    SECRET_SIGNATURE,
    UNKNOWNS,
    LogicalNames,
    of_landscape,
    of_objects,
    of_state,
)
from ggi.controls.verdict import Enforcement, Finding, Outcome
from ggi.engine.live import _outline
from ggi.inventory.load import Inventory
from ggi.inventory.waivers import RemediationPlan, WaiverFile
from ggi.landscape.build import landscape
from ggi.paths import ROOT
from tests.content import controls

DATE = dt.date(2026, 11, 22)
CANARY = "canary-of-a-password"


@cache
def facts(stack: str = "gm9901-prod") -> Facts:
    catalogue = load_catalogue()
    inventory = Inventory(ROOT / "inventories", catalogue.known)
    return Facts(landscape(inventory.environment(*inventory.find(stack)), catalogue), catalogue, inventory.registry)


def body(name: str) -> dict[str, Any]:
    return copy.deepcopy(next(dict(s.body) for s in of_landscape(facts().landscape) if s.name == name))


def judged(
    *subjects: Subject, only: str = "", waivers: WaiverFile | None = None, date: dt.date = DATE
) -> list[Finding]:
    chosen = [c for c in controls() if not only or c.id == only]
    seen = Observation(subjects, date, facts(), waivers or WaiverFile())
    return list(Judge(chosen, seen, full=True).findings())


def one(control: str, subject: Subject) -> Finding:
    return next(f for f in judged(subject, only=control) if f.subject == subject.name)


# -- outcomes ----------------------------------------------------------------------------------------------------------


def test_a_control_that_is_about_nothing_here_says_so_once() -> None:
    found = judged(Subject("openzaak/ServiceAccount/main", body("openzaak/ServiceAccount/main")), only="TLS-001")
    assert [(f.outcome, f.subject) for f in found] == [(Outcome.NOT_APPLICABLE, "gm9901-prod")]


def test_what_another_object_keeps_is_judged_there() -> None:
    pod = body("openzaak/Deployment/web")
    pod["spec"]["template"]["spec"]["hostNetwork"] = True
    assert one("POD-006", Subject("openzaak/Deployment/web", pod)).outcome is Outcome.FAIL
    pod["metadata"]["ownerReferences"] = [{"kind": "Cluster", "name": "postgresql", "controller": True}]
    found = judged(Subject("openzaak/Deployment/web", pod), only="POD-006")
    assert [f.outcome for f in found] == [Outcome.NOT_APPLICABLE]


def test_a_kind_of_the_same_name_in_another_group_is_not_judged() -> None:
    other = {"apiVersion": "cluster.x-k8s.io/v1beta1", "kind": "Cluster", "metadata": {"name": "x"}, "spec": {}}
    assert [f.outcome for f in judged(Subject("x/Cluster/x", other), only="DAT-002")] == [Outcome.NOT_APPLICABLE]


def test_a_rule_that_can_not_be_evaluated_is_no_pass() -> None:
    broken = body("openzaak/Deployment/web")
    broken["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = "a lot"
    found = one("POD-009", Subject("openzaak/Deployment/web", broken))
    assert found.outcome is Outcome.FAIL
    assert found.note
    assert "a lot" not in found.note


def test_a_control_that_is_not_in_force_yet_says_nothing() -> None:
    subject = Subject("openzaak/Deployment/web", body("openzaak/Deployment/web"))
    assert judged(subject, only="POD-001", date=dt.date(2026, 1, 1)) == []


@pytest.mark.parametrize("environment", ["ontw", "test", "accp", "prod"])
def test_severity_and_environment_decide_what_a_finding_does(environment: str) -> None:
    table = {
        Severity.CRITICAL: {"ontw", "test", "accp", "prod"},
        Severity.HIGH: {"accp", "prod"},
        Severity.MEDIUM: {"prod"},
        Severity.LOW: set[str](),
    }
    for control in controls():
        mandatory = environment in table[control.file.severity]
        assert (control.enforcement(environment, DATE) is Enforcement.MANDATORY) is mandatory
        assert set(mandatory_environments(control.file.severity)) == table[control.file.severity]


def test_a_finding_with_a_plan_stays_a_failure_and_does_not_block() -> None:
    pod = body("openzaak/Deployment/web")
    pod["spec"]["template"]["spec"]["hostNetwork"] = True
    subject = Subject("openzaak/Deployment/web", pod)
    plan = RemediationPlan(
        control="POD-006",
        resource="openzaak/*",
        reason="reason enough",
        owner="beheer",
        granted=DATE,
        value=judged(subject, only="POD-006")[0].evidence,
        plan="will be mended",
        due=DATE,
    )
    without = judged(subject, only="POD-006")[0]
    planned = judged(subject, only="POD-006", waivers=WaiverFile(plans=[plan]))[0]
    assert (without.outcome, without.blocks) == (Outcome.FAIL, True)
    assert (planned.outcome, planned.blocks) == (Outcome.FAIL, False)


def test_a_finding_names_the_line_of_the_inventory_that_causes_it() -> None:
    pod = body("openzaak/Deployment/web")
    pod["spec"]["template"]["spec"]["hostNetwork"] = True
    origin = one("POD-006", Subject("openzaak/Deployment/web", pod)).origin
    assert origin is not None
    assert origin.file.startswith("inventories/")
    assert origin.line > 0


# -- unknown -----------------------------------------------------------------------------------------------------------


def with_unknown(*path: str | int) -> Subject:
    changed = body("openzaak/Deployment/web")
    inner: Any = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = UNKNOWN
    return Subject("openzaak/Deployment/web", changed, (path,))


CONTAINER = ("spec", "template", "spec", "containers", 0)


def test_a_value_that_is_not_known_yet_gives_unknown_and_never_a_pass() -> None:
    assert one("IMG-001", with_unknown(*CONTAINER, "image")).outcome is Outcome.UNKNOWN
    assert one("POD-001", with_unknown("spec", "template", "spec", "securityContext")).outcome is Outcome.UNKNOWN
    assert one("POD-009", with_unknown(*CONTAINER, "resources", "limits", "memory")).outcome is Outcome.UNKNOWN
    assert one("POD-006", with_unknown("spec", "template", "spec")).outcome is Outcome.UNKNOWN


def test_a_value_that_a_rule_does_not_read_does_not_hinder_it() -> None:
    subject = with_unknown(*CONTAINER, "image")
    assert one("POD-001", subject).outcome is Outcome.PASS
    assert one("AVL-001", subject).outcome is Outcome.PASS


def test_an_unknown_entry_of_a_mapping_with_free_names_hinders_who_reads_the_mapping() -> None:
    changed = body("openzaak/ConfigMap/env")
    changed["data"]["ANYTHING"] = UNKNOWN
    subject = Subject("openzaak/ConfigMap/env", changed, (("data", "ANYTHING"),))
    assert one("SEC-003", subject).outcome is Outcome.UNKNOWN


def test_a_check_waits_until_everything_that_it_is_about_is_known() -> None:
    subject = with_unknown("spec", "replicas")
    assert {f.outcome for f in judged(subject, only="AVL-002")} == {Outcome.UNKNOWN}


def test_kinds_that_may_not_be_read_give_unknown() -> None:
    seen = Observation([], DATE, facts(), WaiverFile(), frozenset({"ConfigMap", "NetworkPolicy"}))
    found = {f.control: f.outcome for f in Judge(controls(), seen).findings()}
    assert found["APP-001"] is Outcome.UNKNOWN
    assert found["NET-005"] is Outcome.UNKNOWN
    assert found["POD-001"] is Outcome.NOT_APPLICABLE


# -- secrets -----------------------------------------------------------------------------------------------------------


def secret(key: str, text: str) -> dict[str, Any]:
    note = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"stringData": {key: text}})}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "openzaak-env-r1-0a1b2c3d", "annotations": note, "labels": {"ggi/stack": "gm9901-prod"}},
        "immutable": True,
        "data": {key: base64.b64encode(text.encode()).decode()},
        "stringData": {f"{key}_TOO": text},
    }


def everything(findings: list[Finding], subjects: list[Subject]) -> str:
    return repr(findings) + repr([s.body for s in subjects])


def test_no_value_of_a_secret_in_a_cluster_reaches_the_judge() -> None:
    subjects = of_objects([secret("DB_PASSWORD", CANARY)], facts().landscape)
    shown = everything(judged(*subjects), subjects)
    assert CANARY not in shown
    assert base64.b64encode(CANARY.encode()).decode() not in shown
    assert subjects[0].name == "openzaak/Secret/env"
    assert subjects[0].body["data"] == {"DB_PASSWORD": "hidden", "DB_PASSWORD_TOO": "hidden"}


@pytest.mark.parametrize("text", ["changeme", "admin", "Welkom01", "short", ""])
def test_a_password_that_everybody_knows_is_found_without_showing_it(text: str) -> None:
    subjects = of_objects([secret("DB_PASSWORD", text)], facts().landscape)
    found = [f for f in judged(*subjects, only="SEC-002") if f.subject == "openzaak/Secret/env"]
    assert [f.outcome for f in found] == [Outcome.FAIL]
    assert found[0].evidence == "key=DB_PASSWORD"


def test_of_a_secret_in_a_cluster_only_metadata_is_asked_for() -> None:
    fields: dict[str, Any] = {"f:data": {".": {}, "f:DB_PASSWORD": {}}, "f:immutable": {}}
    metadata = {"name": "x", "managedFields": [{"manager": "pulumi", "fieldsV1": fields}]}
    assert _outline({"metadata": metadata}) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "x"},
        "data": {"DB_PASSWORD": "hidden"},
        "immutable": True,
    }


def resource(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    kind = f"kubernetes:{properties['apiVersion']}:{properties['kind']}"
    return {"urn": f"urn:pulumi:gm9901-prod::ggi::{kind}::{name}", "type": kind, "outputs": properties}


def test_state_is_judged_as_the_plan_is_and_its_secrets_stay_closed() -> None:
    hidden = {SECRET_MARK: SECRET_SIGNATURE, "ciphertext": CANARY}
    mine = {**secret("DB_PASSWORD", "x"), "data": hidden, "__inputs": {"data": CANARY}}
    mine.pop("stringData")
    exported = {
        "deployment": {
            "resources": [
                {"urn": "urn:pulumi:gm9901-prod::ggi::pulumi:pulumi:Stack::x", "type": "pulumi:pulumi:Stack"},
                resource("openzaak/Secret/env", mine),
                {**resource("openzaak/Job/old", body("openzaak/Job/migrate")), "delete": True},
                resource("openzaak/Deployment/web", {**body("openzaak/Deployment/web"), "__fieldManager": "pulumi"}),
            ]
        }
    }
    subjects = list(of_state(exported))
    assert [s.name for s in subjects] == ["openzaak/Secret/env", "openzaak/Deployment/web"]
    assert CANARY not in everything(judged(*subjects), subjects)
    assert subjects[1].body == body("openzaak/Deployment/web")


def test_numbers_and_unknowns_of_the_engine_become_plain() -> None:
    changed = body("openzaak/Deployment/web")
    changed["spec"]["replicas"] = 3.0
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = sorted(UNKNOWNS)[0]
    (subject,) = of_state({"deployment": {"resources": [resource("openzaak/Deployment/web", changed)]}})
    assert subject.body["spec"]["replicas"] == 3
    assert isinstance(subject.body["spec"]["replicas"], int)
    assert subject.unknown == (("spec", "template", "spec", "containers", 0, "image"),)


def test_live_objects_get_the_logical_names_of_the_landscape() -> None:
    names = LogicalNames(facts().landscape)
    for item in facts().landscape.objects:
        live = copy.deepcopy(item.body)
        live["metadata"]["name"] = live["metadata"]["name"].replace("xxxxxxxx", "0a1b2c3d")
        assert names.of(live) == item.name
    stranger = {"kind": "Deployment", "metadata": {"name": "shell"}}
    assert names.of(stranger) == "?/Deployment/shell"


# -- network -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "1", "c": "3"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["1"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_label_selectors_select_as_in_kubernetes(selector: dict[str, Any], wanted: bool) -> None:
    assert matches(selector, {"a": "1", "b": "2"}) is wanted


def test_a_rule_without_peers_or_ports_opens_everything() -> None:
    known = {"a/web": {"app": "a"}, "b/web": {"app": "b"}}
    spec = {"podSelector": {"matchLabels": {"app": "a"}}, "egress": [{}], "ingress": [{"from": [{"podSelector": {}}]}]}
    assert set(allowed_flows_of(spec, Selected(known))) == {
        AllowedFlow("a/web", "everywhere", "all ports", False),
        AllowedFlow("a/web", "a/web", "all ports", True),
        AllowedFlow("a/web", "b/web", "all ports", True),
    }


# -- audits ------------------------------------------------------------------------------------------------------------


def an_audit(stack: str = "gm9901-prod") -> Audit:
    found = facts(stack)
    return run_audit(found, of_landscape(found.landscape), controls(), Place.PLAN, DATE)


def test_two_audits_of_the_same_thing_are_equal_to_the_byte() -> None:
    one_, two = an_audit(), an_audit()
    assert json.dumps(audit_data([one_])) == json.dumps(audit_data([two]))
    assert json.loads(json.dumps(audit_data([one_])))[0]["counts"]["PASS"] == one_.counts[Outcome.PASS]


def test_what_was_not_judged_is_never_counted_as_complying() -> None:
    audit = an_audit()
    unknown = [f for f in audit.findings if f.outcome is Outcome.UNKNOWN]
    assert unknown
    turned = dataclasses.replace(
        audit, findings=tuple(dataclasses.replace(f, outcome=Outcome.UNKNOWN) for f in audit.findings)
    )
    assert turned.counts[Outcome.PASS] == 0
    assert count_outcomes(audit.findings)[Outcome.UNKNOWN] == len(unknown)
    assert str(len(unknown)) in closing(audit)


def test_the_table_shows_what_stops_a_change_first_and_says_a_lack_of_proof_once() -> None:
    found = facts()
    subjects = of_landscape(found.landscape)
    broken = body("openzaak/Deployment/web")
    broken["spec"]["template"]["spec"]["hostNetwork"] = True
    broken["spec"]["template"]["spec"]["enableServiceLinks"] = True
    changed = [Subject(s.name, broken) if s.name == "openzaak/Deployment/web" else s for s in subjects]
    audit = run_audit(found, changed, controls(), Place.LIVE, DATE)
    listed = audit_rows(audit)
    ids = [row[0] for row in listed]
    assert ids[0] == "POD-006"
    assert ids.index("POD-006") < ids.index("POD-008") < ids.index("IMG-003")
    assert ids.count("IMG-003") == 1
    assert audit.failed
    assert all(f.outcome is Outcome.FAIL for f in audit.failed)


def test_a_deviation_in_use_is_not_reported_as_unused() -> None:
    deviations = Deviations(WaiverFile(), "prod", DATE)
    assert deviations.unused() == []
