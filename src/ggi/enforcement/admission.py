"""Controls as ValidatingAdmissionPolicies: the cluster itself refuses what preview refuses, with the same rule.

One policy per control and at most two bindings: Deny where its severity makes it mandatory, Warn elsewhere. They hold
for namespaces that carry our labels. Waivers stand in an annotation of the namespace, which who may change what is in
it may not change. What is being deleted is not judged: taking a finalizer off is an update, and an object that may not
be updated would never go away.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from ggi.controls import cel
from ggi.controls.control import Control, mandatory_environments
from ggi.controls.kinds import known_kinds
from ggi.inventory.types import ENVIRONMENTS
from ggi.inventory.waivers import ACCEPTED

API = "admissionregistration.k8s.io/v1"
STACK_LABEL, ENVIRONMENT_LABEL = "ggi/stack", "ggi/environment"
NOT_OURS = ("kube-root-ca.crt",)
"""ConfigMaps that the cluster itself makes."""

Manifest = dict[str, Any]


def policy_name(control: Control) -> str:
    """Name of a control's policy: `ggi-pod-001`."""
    return f"ggi-{control.id.lower()}"


def exportable(control: Control) -> bool:
    """Whether the cluster can judge it: a rule in CEL over single objects."""
    return control.rule is not None


def _resource_rules(control: Control) -> list[Manifest]:
    groups: dict[tuple[str, str], list[str]] = {}
    for name in sorted(control.kinds):
        kind = known_kinds()[name]
        groups.setdefault((kind.group, kind.version), []).append(kind.plural)
    return [
        {"apiGroups": [group], "apiVersions": [version], "operations": ["CREATE", "UPDATE"], "resources": names}
        for (group, version), names in groups.items()
    ]


_ACCEPTED = f"metadata.?annotations[?'{ACCEPTED}'].orValue('')"


def _waived(control: Control) -> list[Manifest]:
    """The variables that tell whether the namespace says that this may be so. A namespace speaks for itself."""
    head = f"{control.id} "
    seen = "object.kind + '/' + object.metadata.?name.orValue('') + '=' + variables.evidence"
    return [
        {"name": "evidence", "expression": control.file.evidence},
        {"name": "accepted", "expression": f"(namespaceObject == null ? object : namespaceObject).{_ACCEPTED}"},
        {
            "name": "waived",
            "expression": f"variables.accepted.split('\\n').exists(line, line.startsWith('{head}') && "
            f"({seen}).matches(line.substring({len(head)})))",
        },
    ]


def _message(control: Control) -> str:
    """In both languages: the cluster does not know who reads it, and must not change with the language of who wrote."""
    message, remedy = control.file.message, control.file.remediation
    return f"{control.id}: {message.nl}. {remedy.nl} / {message.en}. {remedy.en}"


def policy(control: Control) -> Manifest:
    """The ValidatingAdmissionPolicy of a control. Its message names no value."""
    file = control.file
    declared = cel.used(" ".join((file.cel, file.when, file.evidence)), control.variables)
    variables = [{"name": name, "expression": control.variables[name]} for name in declared]
    expression = f"({file.cel})"
    if file.when:
        expression = f"!({file.when}) || {expression}"
    variables += _waived(control)
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
    spec: Manifest = {
        "failurePolicy": "Fail",
        "matchConstraints": match,
        "matchConditions": [
            {"name": "nobody-else-keeps-it", "expression": f"!{cel.OWNED}"},
            {"name": "it-stays", "expression": "!has(object.metadata.deletionTimestamp)"},
        ],
        "variables": variables,
        "validations": [
            {
                "expression": f"{expression} || variables.waived",
                "message": _message(control),
                "reason": "Forbidden",
            }
        ],
    }
    return {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": policy_name(control), "labels": {"ggi/severity": file.severity.value}},
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
    return {
        "apiVersion": API,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": f"{policy_name(control)}-{suffix}"},
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
