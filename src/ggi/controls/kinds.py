"""The Kubernetes kinds that controls can look at: what the API calls them, and where they live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind: API group ("" is the core group), version, plural name in URLs, and whether it lives in a namespace."""

    group: str
    version: str
    name: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As manifests write it: `apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


_GATEWAY, _CERTIFICATES, _POSTGRESQL = "gateway.networking.k8s.io", "cert-manager.io", "postgresql.cnpg.io"

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("", "v1", "Namespace", "namespaces", namespaced=False),
        Kind("", "v1", "Pod", "pods"),
        Kind("", "v1", "ConfigMap", "configmaps"),
        Kind("", "v1", "Secret", "secrets"),
        Kind("", "v1", "ServiceAccount", "serviceaccounts"),
        Kind("", "v1", "Service", "services"),
        Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
        Kind("", "v1", "ResourceQuota", "resourcequotas"),
        Kind("", "v1", "LimitRange", "limitranges"),
        Kind("apps", "v1", "Deployment", "deployments"),
        Kind("apps", "v1", "StatefulSet", "statefulsets"),
        Kind("apps", "v1", "DaemonSet", "daemonsets"),
        Kind("batch", "v1", "Job", "jobs"),
        Kind("batch", "v1", "CronJob", "cronjobs"),
        Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
        Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
        Kind("rbac.authorization.k8s.io", "v1", "Role", "roles"),
        Kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
        Kind(_GATEWAY, "v1", "Gateway", "gateways"),
        Kind(_GATEWAY, "v1", "HTTPRoute", "httproutes"),
        Kind(_GATEWAY, "v1", "TLSRoute", "tlsroutes"),
        Kind("gateway.envoyproxy.io", "v1alpha1", "ClientTrafficPolicy", "clienttrafficpolicies"),
        Kind(_CERTIFICATES, "v1", "Certificate", "certificates"),
        Kind(_CERTIFICATES, "v1", "Issuer", "issuers"),
        Kind(_POSTGRESQL, "v1", "Cluster", "clusters"),
        Kind(_POSTGRESQL, "v1", "Database", "databases"),
    )
}
"""By name; within these groups a name is unique. Example: `subject.name.split("/")[1] in KINDS`."""

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod")
"""What `pods` in a control means: everything that people make pods with."""

POD_SPEC: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(WORKLOADS, ("spec", "template", "spec")),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "Pod": ("spec",),
}
"""Where the specification of its pods stands in a workload."""


def expand(names: Iterable[str]) -> tuple[str, ...]:
    """Names of kinds, with `pods` replaced by the kinds of workloads."""
    found = [kind for name in names for kind in (WORKLOADS if name == "pods" else (name,))]
    return tuple(dict.fromkeys(found))


def kind_of(body: Mapping[str, Any]) -> str:
    """The kind of an object, or "" when it is not one that controls look at (another group may use the same word)."""
    name = str(body.get("kind", ""))
    kind = KINDS.get(name)
    group = str(body.get("apiVersion", "")).rpartition("/")[0]
    return name if kind is not None and kind.group == group else ""
