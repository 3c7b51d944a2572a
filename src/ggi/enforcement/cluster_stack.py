"""What a cluster's own stack holds: controls as admission policies, the right to read for auditors, and DNS rules.

It holds nothing of a tenant, and a tenant's stack holds nothing outside its namespace: of two stacks that own one
object, removing one takes it away from the other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from ggi.controls.control import Control
from ggi.controls.kinds import known_kinds
from ggi.enforcement.admission import manifests
from ggi.engine.guard import OWNER
from ggi.engine.kubeapi import KubeApi
from ggi.engine.live import AUDITORS
from ggi.inventory.models import NameRules
from ggi.landscape.objects import Object, digest, labels

ADMISSION, AUDIT, DNS = "admission", "audit", "dns"
ROLE = "ggi-audit"
RBAC = "rbac.authorization.k8s.io"
FINGERPRINT = "ggi/fingerprint"
"""Annotation of the role: changes when anything of the stack changes."""
CORE = (
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "namespaces",
    "persistentvolumeclaims",
    "pods",
    "podtemplates",
    "replicationcontrollers",
    "resourcequotas",
    "serviceaccounts",
    "services",
)
"""What auditors may read of the core group: every kind in a namespace but Secrets, and nothing below one (pods/log).

RBAC knows no right to metadata alone: who may list Secrets may read them all."""
GROUPS = (
    "acme.cert-manager.io",
    "admissionregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "external-secrets.io",
    "generators.external-secrets.io",
    "policy",
    "policy.networking.k8s.io",
    "resource.k8s.io",
    "snapshot.storage.k8s.io",
    "storage.k8s.io",
    RBAC,
)
"""API groups of which auditors may read everything, beside those of which controls look at a kind: none of them holds a
secret, and what is not read can hide something."""


def _rules() -> list[dict[str, Any]]:
    """The right to read all that can be in a namespace or reach into one, but Secrets: per API group one rule."""
    groups = sorted({*GROUPS, *(kind.group for kind in known_kinds().values() if kind.group)})
    core = {"apiGroups": [""], "resources": list(CORE), "verbs": ["get", "list"]}
    return [core, *({"apiGroups": [group], "resources": ["*"], "verbs": ["get", "list"]} for group in groups)]


def _audit(stack: str) -> list[Object]:
    own = labels(stack, AUDIT)
    role = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": ROLE, "labels": own},
        "rules": _rules(),
    }
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": ROLE, "labels": own},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": ROLE},
        "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": AUDITORS}],
    }
    first = Object(f"{AUDIT}/ClusterRole/read", AUDIT, role)
    return [first, Object(f"{AUDIT}/ClusterRoleBinding/auditors", AUDIT, binding, (first.name,))]


def _dns(stack: str, names: NameRules, rules: str) -> Object:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": names.config_map, "namespace": names.namespace, "labels": labels(stack, DNS)},
        "data": {names.key: rules},
    }
    return Object(f"{DNS}/ConfigMap/names", DNS, body)


def cluster_objects(
    stack: str, controls: Iterable[Control], date: dt.date, names: NameRules | None = None, rules: str = ""
) -> list[Object]:
    """Everything that the stack of a cluster owns, on this date: cluster-scoped, but for the DNS `rules` of `names`."""
    result = _audit(stack)
    first = result[0]
    policies: dict[str, str] = {}
    for body in manifests(controls, date):
        name = str(body["metadata"]["name"])
        logical = f"{ADMISSION}/{body['kind']}/{name.removeprefix('ggi-')}"
        body["metadata"]["labels"] = labels(stack, ADMISSION) | body["metadata"].get("labels", {})
        needs = (policies[body["spec"]["policyName"]],) if "policyName" in body["spec"] else ()
        if not needs:
            policies[name] = logical
        result.append(Object(logical, ADMISSION, body, needs))
    if names is not None:
        result.append(_dns(stack, names, rules))
    first.body["metadata"]["annotations"] = {FINGERPRINT: digest([[o.name, o.body] for o in result])}
    return result


def find_installed(api: KubeApi) -> tuple[str, str]:
    """The cluster stack that brought the role, and its fingerprint; both empty when there is none."""
    live = api.find(f"{RBAC}/v1", "ClusterRole", ROLE)
    metadata = live["metadata"] if live else {}
    return (metadata.get("labels") or {}).get(OWNER, ""), (metadata.get("annotations") or {}).get(FINGERPRINT, "")


def all_there(api: KubeApi, objects: Iterable[Object]) -> bool:
    """Whether every one of the stack's objects is in the cluster."""
    names: dict[tuple[str, str, str], set[str]] = {}
    for item in objects:
        space = str(item.body["metadata"].get("namespace", ""))
        names.setdefault((item.api_version, item.kind, space), set()).add(item.kube_name)
    return all(
        wanted <= {str(body["metadata"]["name"]) for body in api.list(version, kind, space or None)}
        for (version, kind, space), wanted in names.items()
    )
