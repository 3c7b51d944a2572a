"""Controls as admission policies: the same rule, bound by severity, with waivers, and never for what it can't judge."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from typing import Any

from ggi import messages
from ggi.controls import cel
from ggi.controls.control import mandatory_environments
from ggi.enforcement.admission import NOT_OURS, manifests, policy_name
from tests.content import controls

DATE = dt.date(2026, 11, 22)


@cache
def exported() -> dict[str, dict[str, Any]]:
    return {f"{m['kind']}/{m['metadata']['name']}": m for m in manifests(controls(), DATE)}


def policies() -> list[dict[str, Any]]:
    return [m for name, m in exported().items() if name.startswith("ValidatingAdmissionPolicy/")]


def bindings() -> list[dict[str, Any]]:
    return [m for name, m in exported().items() if name.startswith("ValidatingAdmissionPolicyBinding/")]


def test_every_rule_over_single_objects_is_exported_and_no_other() -> None:
    wanted = {policy_name(c) for c in controls() if c.rule is not None}
    assert {p["metadata"]["name"] for p in policies()} == wanted
    assert len(wanted) > 40


def test_every_binding_has_its_policy_and_every_policy_a_binding() -> None:
    assert {b["spec"]["policyName"] for b in bindings()} == {p["metadata"]["name"] for p in policies()}


def test_a_binding_refuses_where_the_control_is_mandatory_and_warns_elsewhere() -> None:
    for control in controls():
        if control.rule is None:
            continue
        mine = [b["spec"] for b in bindings() if b["spec"]["policyName"] == policy_name(control)]
        places: dict[str, set[str]] = {"Deny": set(), "Warn": set()}
        for spec in mine:
            exists, values = spec["matchResources"]["namespaceSelector"]["matchExpressions"]
            assert exists == {"key": "ggi/stack", "operator": "Exists"}
            places[spec["validationActions"][0]] |= set(values["values"])
            assert "Audit" in spec["validationActions"]
        assert places["Deny"] == set(mandatory_environments(control.file.severity))
        assert places["Deny"] | places["Warn"] == {"ontw", "test", "accp", "prod"}
        assert not places["Deny"] & places["Warn"]


def test_no_policy_needs_a_parameter_that_could_be_missing_or_be_written_by_who_is_judged() -> None:
    assert not [m for m in exported().values() if {"paramKind", "paramRef"} & m["spec"].keys()]


def test_a_config_map_that_the_cluster_itself_makes_is_not_judged() -> None:
    for found in policies():
        match = found["spec"]["matchConstraints"]
        judged = {name for rule in match["resourceRules"] for name in rule["resources"]}
        if "configmaps" in judged:
            (excluded,) = match["excludeResourceRules"]
            assert excluded["resourceNames"] == list(NOT_OURS)


def test_what_is_being_deleted_is_not_judged() -> None:
    for found in policies():
        assert "!has(object.metadata.deletionTimestamp)" in [c["expression"] for c in found["spec"]["matchConditions"]]


def test_the_cluster_is_told_the_same_whatever_the_language() -> None:
    told = []
    for language in messages.LANGUAGES:
        messages.set_language(language)
        told.append(manifests(controls(), DATE))
    messages.set_language("en")
    assert told[0] == told[1]


def test_every_expression_of_a_policy_compiles_with_its_own_variables_alone() -> None:
    for found in policies():
        declared: dict[str, str] = {}
        for variable in found["spec"]["variables"]:
            assert cel.unknown_variables(variable["expression"], declared) == []
            declared[variable["name"]] = variable["expression"]
        for validation in found["spec"]["validations"]:
            assert cel.unknown_variables(validation["expression"], declared) == []
            cel.compiled(cel.inlined(validation["expression"], declared))


def test_a_message_is_one_line_with_the_id_and_holds_no_expression() -> None:
    for found in policies():
        for validation in found["spec"]["validations"]:
            assert re.match(r"[A-Z]{3}-[0-9]{3}: ", validation["message"])
            assert "\n" not in validation["message"]
            assert "messageExpression" not in validation


def test_a_control_that_is_not_in_force_is_not_exported() -> None:
    assert manifests(controls(), dt.date(2026, 1, 1)) == []
