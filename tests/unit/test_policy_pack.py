"""The CrossGuard pack, asked as the engine asks it."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pulumi_policy as sdk
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy.policy import _PolicyAnalyzerServicer

from ggi.app.workspace import Workspace
from ggi.controls.subjects import UNKNOWNS
from ggi.enforcement.policy_pack import (
    _LEVELS,
    ADVISORY,
    DRY_RUN,
    JUDGE,
    Pack,
    PackRun,
    ask_policies,
    hear_of_previews,
    stack_of,
)
from ggi.engine.run_context import RunContext
from ggi.engine.secrets import SecretResolver
from ggi.paths import ROOT

MANDATORY = 1
"""analyzer.proto: EnforcementLevel."""


@cache
def session() -> PackRun:
    return PackRun(Workspace().assessor(), RunContext(ROOT / "inventories"))


@cache
def pack() -> Any:
    return _PolicyAnalyzerServicer("ggi", "0", Pack(session()).policies, sdk.EnforcementLevel.MANDATORY)


def body(name: str, stack: str = "gm9901-prod") -> dict[str, Any]:
    """What the program registers for an object, with the values of its secrets."""
    item = next(o for o in session().stack(stack).assessment.landscape.objects if o.name == name)
    found = copy.deepcopy(item.body)
    if item.secrets:
        found["data"] = SecretResolver(bytes(range(32)), stack, lambda path: path).data(item.secrets)
    return found


def struct(properties: dict[str, Any]) -> Any:
    made = struct_pb2.Struct()
    made.update(json.loads(json.dumps(properties)))
    return made


def urn(name: str, properties: dict[str, Any], stack: str) -> tuple[str, str]:
    kind = f"kubernetes:{properties['apiVersion']}:{properties['kind']}"
    return kind, f"urn:pulumi:{stack}::ggi::ggi:landscape:Component${kind}::{name}"


def analyze(name: str, properties: dict[str, Any], stack: str = "gm9901-prod") -> list[Any]:
    kind, place = urn(name, properties, stack)
    request = analyzer_pb2.AnalyzeRequest(type=kind, properties=struct(properties), urn=place, name=name)
    return list(pack().Analyze(request, None).diagnostics)


def analyze_stack(stack: str, changed: dict[str, dict[str, Any]], gone: tuple[str, ...] = ()) -> list[Any]:
    """What a run says when the program registers the landscape without `gone`, and `changed` is what came of it."""
    run = _PolicyAnalyzerServicer("ggi", "0", Pack(session()).policies, sdk.EnforcementLevel.MANDATORY)
    resources = []
    for item in session().stack(stack).assessment.landscape.objects:
        asked = body(item.name, stack)
        kind, place = urn(item.name, asked, stack)
        if item.name not in gone:
            request = analyzer_pb2.AnalyzeRequest(type=kind, properties=struct(asked), urn=place, name=item.name)
            run.Analyze(request, None)
        properties = struct(changed.get(item.name) or asked)
        resources.append(analyzer_pb2.AnalyzerResource(type=kind, properties=properties, urn=place, name=item.name))
    return list(run.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources), None).diagnostics)


def refused(found: list[Any]) -> list[str]:
    return [d.policyName for d in found if d.enforcementLevel == MANDATORY]


def test_every_control_is_registered_mandatory_and_advisory() -> None:
    names = [p.name for p in Pack(session()).policies if p.name not in JUDGE]
    assert sorted(names) == sorted([i + end for i in session().controls.by_id for end in ("", ADVISORY)])


def test_the_stack_is_read_from_the_urn() -> None:
    assert stack_of("urn:pulumi:gm9901-prod::ggi::a$kubernetes:v1:Pod::x/y/z") == "gm9901-prod"


def test_the_reference_landscape_goes_through_in_silence() -> None:
    for item in session().stack("gm9901-prod").assessment.landscape.objects:
        assert analyze(item.name, body(item.name)) == []


def test_a_violation_is_mandatory_where_the_environment_makes_it_so() -> None:
    for stack, levels in (("gm9901-prod", [MANDATORY]), ("gm9904-test", [0])):
        changed = body("openzaak/Deployment/web", stack)
        changed["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] = False
        changed["spec"]["template"]["spec"]["containers"][0]["securityContext"]["runAsNonRoot"] = False
        found = analyze("openzaak/Deployment/web", changed, stack)
        assert [d.policyName.removesuffix(ADVISORY) for d in found] == ["POD-001"]
        assert [d.enforcementLevel for d in found] == levels
        assert "runAsNonRoot" in found[0].message


def test_no_message_holds_a_value_of_a_property() -> None:
    canary = "canary-of-a-property"
    changed = body("openzaak/ConfigMap/env")
    changed["data"] |= {"DB_PASSWORD": canary, "ALLOWED_HOSTS": f"*.{canary}", "LOG_LEVEL": canary, "DEBUG": canary}
    found = analyze("openzaak/ConfigMap/env", changed)
    assert {"SEC-003", "APP-003", "LOG-002", "APP-001"} <= {d.policyName for d in found}
    assert not [d for d in found if canary in d.message or canary in d.description]


def test_no_value_of_a_secret_is_kept_or_said() -> None:
    changed = body("openzaak/Secret/env")
    changed.pop("immutable")
    found = analyze("openzaak/Secret/env", changed)
    assert [d.policyName for d in found] == ["SEC-001"]
    values = [v for v in changed["data"].values() if len(v) > 12]
    said = "".join(d.message + d.description for d in found)
    findings = session().of_resource(urn("openzaak/Secret/env", changed, "gm9901-prod")[1], changed)
    said += repr(findings)
    assert values
    assert not [v for v in values if v in said]


@pytest.mark.parametrize("sentinel", sorted(UNKNOWNS))
def test_a_value_that_is_not_known_yet_is_said_and_is_no_pass(sentinel: str) -> None:
    changed = body("openzaak/Deployment/web")
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = sentinel
    found = analyze("openzaak/Deployment/web", changed)
    assert {d.policyName for d in found} == {"IMG-001-advisory", "IMG-002-advisory"}
    assert all("not judged" in d.message for d in found)


def test_what_is_not_of_kubernetes_is_left_alone() -> None:
    request = analyzer_pb2.AnalyzeRequest(
        type="ggi:landscape:Component", properties=struct({}), urn="urn:pulumi:gm9901-prod::ggi::x::openzaak", name="x"
    )
    assert list(pack().Analyze(request, None).diagnostics) == []


def test_checks_over_the_stack_refuse_and_say_what_was_waived() -> None:
    clean = analyze_stack("gm9901-prod", {})
    assert [d for d in clean if d.enforcementLevel == MANDATORY] == []
    waived = [d.message for d in clean if d.policyName == "AVL-004-advisory"]
    assert len(waived) == 2
    assert all("accepted by CISO until 2027-09-30" in message for message in waived)
    opened = body("openzaak/NetworkPolicy/web")
    opened["spec"]["ingress"][0]["ports"].append({"port": 5432, "protocol": "TCP"})
    assert refused(analyze_stack("gm9901-prod", {"openzaak/NetworkPolicy/web": opened})) == ["NET-005"]


def test_what_no_change_can_show_is_said_once() -> None:
    said = [d for d in analyze_stack("gm9901-prod", {}) if "this place can't show it" in d.message]
    assert [d.message.splitlines()[-1].partition(":")[0] for d in said] == ["DOM-001..007, INT-001..010, SEC-007"]
    assert said[0].enforcementLevel != MANDATORY


def test_before_an_update_it_counts_what_is_asked_for_and_after_it_what_came_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rule that somebody added by hand is still in a dry run, and the update takes it away."""
    opened = {"openzaak/NetworkPolicy/web": body("openzaak/NetworkPolicy/web")}
    opened["openzaak/NetworkPolicy/web"]["spec"]["ingress"][0]["ports"].append({"port": 5432, "protocol": "TCP"})
    monkeypatch.setattr(_PolicyAnalyzerServicer, "ConfigureStack", _PolicyAnalyzerServicer.ConfigureStack)
    monkeypatch.setenv(DRY_RUN, "")
    hear_of_previews()
    for dry, wanted in ((True, []), (False, ["NET-005"])):
        pack().ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(dry_run=dry), None)
        assert refused(analyze_stack("gm9901-prod", opened)) == wanted


def test_what_the_program_no_longer_registers_is_not_judged() -> None:
    opened = {"openzaak/NetworkPolicy/web": body("openzaak/NetworkPolicy/web")}
    opened["openzaak/NetworkPolicy/web"]["spec"]["ingress"][0]["ports"].append({"port": 5432, "protocol": "TCP"})
    said = refused(analyze_stack("gm9901-prod", opened, gone=("openzaak/NetworkPolicy/web",)))
    assert "GOV-008" in said, "it is missing"
    assert "NET-005" not in said, "and what it allows counts no longer"


def test_configured_by_the_engine_a_clean_resource_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        _PolicyAnalyzerServicer, "_get_enforcement_level", _PolicyAnalyzerServicer._get_enforcement_level
    )
    ask_policies()
    made = Pack(session()).policies
    servicer: Any = _PolicyAnalyzerServicer("ggi", "0", made, sdk.EnforcementLevel.MANDATORY)
    config = {p.name: analyzer_pb2.PolicyConfig(enforcementLevel=int(p._level is _LEVELS[True])) for p in made}
    servicer.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig=config), None)
    decoded = []
    real = json_format.MessageToDict
    monkeypatch.setattr(json_format, "MessageToDict", lambda message: decoded.append(1) or real(message))
    clean = body("openzaak/Deployment/web")
    kind, place = urn("openzaak/Deployment/web", clean, "gm9901-prod")
    request = analyzer_pb2.AnalyzeRequest(type=kind, properties=struct(clean), urn=place, name="x")
    assert list(servicer.Analyze(request, None).diagnostics) == []
    assert len(decoded) == 1


def test_switching_off_who_judges_first_switches_off_no_control() -> None:
    made = Pack(session()).policies
    without = [p for p in made if p.name not in JUDGE]
    servicer: Any = _PolicyAnalyzerServicer("ggi", "0", without, sdk.EnforcementLevel.MANDATORY)
    changed = body("openzaak/Deployment/web")
    changed["spec"]["template"]["spec"]["hostNetwork"] = True
    kind, place = urn("openzaak/Deployment/web", changed, "gm9901-prod")
    request = analyzer_pb2.AnalyzeRequest(type=kind, properties=struct(changed), urn=place, name="x")
    assert [d.policyName for d in servicer.Analyze(request, None).diagnostics] == ["POD-006"]


def test_a_stack_that_the_inventory_does_not_know_is_refused() -> None:
    found = analyze("openzaak/Deployment/web", body("openzaak/Deployment/web"), "gm9999-prod")
    assert [(d.policyName, d.enforcementLevel) for d in found] == [("inventory", MANDATORY)]
    assert "gm9999" in found[0].message


def test_the_pack_in_the_checkout_is_only_a_call() -> None:
    text = (ROOT / "policies" / "__main__.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 10
    assert "virtualenv: ../.venv" in Path(ROOT / "policies" / "PulumiPolicy.yaml").read_text(encoding="utf-8")
