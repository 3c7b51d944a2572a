"""Controls as ValidatingAdmissionPolicies: the cluster itself refuses what preview refuses, with the same rule.

One policy per control and at most two bindings: Deny where its severity makes it mandatory, Warn elsewhere. They hold
for namespaces that carry our labels. Waivers come from the ConfigMap `ggi-waivers` of the namespace; without it every
object that a policy is about is refused, so it is created first and is itself never judged.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from ggi.audit import cel
from ggi.audit.control import Control, mandatory_environments
from ggi.audit.kinds import KINDS

API = "admissionregistration.k8s.io/v1"
WAIVERS = "ggi-waivers"
STACK_LABEL, ENVIRONMENT_LABEL = "ggi/stack", "ggi/environment"
ENVIRONMENTS = ("ontw", "test", "accp", "prod")
NOT_OURS = ("kube-root-ca.crt", WAIVERS)
"""ConfigMaps that the cluster itself, or the engine, makes before anything else can be judged."""
LABELS = {"app.kubernetes.io/part-of": "ggi", "app.kubernetes.io/managed-by": "pulumi"}

Manifest = dict[str, Any]


def policy_name(control: Control) -> str:
    """Name of a control's policy: `ggi-pod-001`."""
    return f"ggi-{control.id.lower()}"


def exportable(control: Control) -> bool:
    """Whether the cluster can judge it: a rule in CEL over single objects."""
    return control.rule is not None


def _waivable(control: Control) -> bool:
    """Whether deviations of single objects can be looked up: an object outside a namespace has no ConfigMap."""
    return all(KINDS[kind].namespaced for kind in control.kinds)


def _resource_rules(control: Control) -> list[Manifest]:
    groups: dict[tuple[str, str], list[str]] = {}
    for name in sorted(control.kinds):
        kind = KINDS[name]
        groups.setdefault((kind.group, kind.version), []).append(kind.plural)
    return [
        {"apiGroups": [group], "apiVersions": [version], "operations": ["CREATE", "UPDATE"], "resources": names}
        for (group, version), names in groups.items()
    ]


def _waived(control: Control) -> str:
    return (
        f"params.?data[?'{control.id}'].orValue('').split('\\n').exists(line, line != '' && "
        "(object.kind + '/' + object.metadata.?name.orValue('') + '=' + variables.evidence).matches(line))"
    )


def policy(control: Control) -> Manifest:
    """The ValidatingAdmissionPolicy of a control. Its message names no value."""
    file = control.file
    declared = cel.used(" ".join((file.cel, file.when, file.evidence)), control.variables)
    variables = [{"name": name, "expression": control.variables[name]} for name in declared]
    expression = f"({file.cel})"
    if file.when:
        expression = f"!({file.when}) || {expression}"
    spec: Manifest = {"failurePolicy": "Fail"}
    if _waivable(control):
        spec["paramKind"] = {"apiVersion": "v1", "kind": "ConfigMap"}
        variables += [
            {"name": "evidence", "expression": file.evidence},
            {"name": "waived", "expression": _waived(control)},
        ]
        expression = f"{expression} || variables.waived"
    match: Manifest = {"matchPolicy": "Equivalent", "resourceRules": _resource_rules(control)}
    if "ConfigMap" in control.kinds:
        match["excludeResourceRules"] = [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE"],
                "resources": ["configmaps"],
                "resourceNames": list(NOT_OURS),
            }
        ]
    spec |= {
        "matchConstraints": match,
        "matchConditions": [{"name": "nobody-else-keeps-it", "expression": f"!{cel.OWNED}"}],
        "variables": variables,
        "validations": [
            {
                "expression": expression,
                "message": f"{control.id}: {file.message}. {file.remediation}",
                "reason": "Forbidden",
            }
        ],
    }
    return {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": policy_name(control), "labels": {**LABELS, "ggi/severity": file.severity.value}},
        "spec": spec,
    }


def _binding(control: Control, suffix: str, actions: list[str], environments: Iterable[str]) -> Manifest:
    selector = [
        {"key": STACK_LABEL, "operator": "Exists"},
        {"key": ENVIRONMENT_LABEL, "operator": "In", "values": list(environments)},
    ]
    spec: Manifest = {
        "policyName": policy_name(control),
        "validationActions": actions,
        "matchResources": {"namespaceSelector": {"matchExpressions": selector}},
    }
    if _waivable(control):
        spec["paramRef"] = {"name": WAIVERS, "parameterNotFoundAction": "Deny"}
    return {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": f"{policy_name(control)}-{suffix}", "labels": dict(LABELS)},
        "spec": spec,
    }


def bindings(control: Control) -> list[Manifest]:
    """Where the policy of a control refuses, and where it warns."""
    mandatory = mandatory_environments(control.file.severity)
    advisory = [name for name in ENVIRONMENTS if name not in mandatory]
    result = []
    if mandatory:
        result.append(_binding(control, "deny", ["Deny", "Audit"], mandatory))
    if advisory:
        result.append(_binding(control, "warn", ["Warn", "Audit"], advisory))
    return result


def manifests(controls: Iterable[Control], date: dt.date) -> list[Manifest]:
    """Policies and bindings of every control that the cluster can judge and that is in force on `date`.

    They are cluster-scoped: the stack of the cluster owns them, never that of a tenant.
    """
    result = []
    for control in controls:
        if exportable(control) and control.file.since <= date:
            result += [policy(control), *bindings(control)]
    return result
