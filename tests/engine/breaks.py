"""What somebody could do to a running landscape by hand, one thing at a time: what it opens is known beforehand."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ggi.controls.integrity.meanings import Meaning
from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import ConflictError

BY = "kubectl-edit"
RBAC = "rbac.authorization.k8s.io"
GATEWAY = "gateway.networking.k8s.io/v1"
Body = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """An object that is not ours. `cluster`: it stands outside of namespaces."""

    name: str
    body: Mapping[str, Any]
    subject: str
    meaning: Meaning
    cluster: bool = False

    def do(self, api: KubeApi, space: str) -> Callable[[], None]:
        """Make it; returns what takes it away."""
        body = copy.deepcopy(dict(self.body))
        if not self.cluster:
            body["metadata"]["namespace"] = space
        api.create(body, field_manager=BY)
        return lambda: void(
            api.delete(
                body["apiVersion"],
                body["kind"],
                body["metadata"]["name"],
                None if self.cluster else space,
                grace_seconds=0,
            )
        )


@dataclass(frozen=True)
class Changed:
    """An object of ours that is changed. `patch` is a JSON patch; `start` begins its name."""

    name: str
    kind: tuple[str, str]
    start: str
    patch: tuple[Mapping[str, Any], ...]
    subject: str
    meaning: Meaning
    namespaced: bool = True
    subresource: str = ""

    def do(self, api: KubeApi, space: str) -> Callable[[], None]:
        """Change it; returns what changes it back."""
        where = space if self.namespaced else None
        found = next(o for o in api.each(*self.kind, where) if o["metadata"]["name"].startswith(self.start))
        name = found["metadata"]["name"]
        api.patch(
            *self.kind,
            name,
            [*self.patch],
            namespace=where,
            patch_type="json",
            field_manager=BY,
            subresource=self.subresource,
        )

        def back() -> None:
            if self.subresource:  # a pod keeps its ephemeral containers until it goes
                api.delete(*self.kind, name, where, grace_seconds=0)
                return
            while True:
                now = api.get(*self.kind, name, where)
                metadata = {**found["metadata"], "resourceVersion": now["metadata"]["resourceVersion"]}
                metadata.pop("managedFields", None)
                with contextlib.suppress(ConflictError):  # its controller was faster
                    api.request("PUT", api.path(*self.kind, name, where), body={**found, "metadata": metadata})
                    return

        return back


@dataclass(frozen=True)
class Gone:
    """An object of ours that is deleted; `instead`, one comes of the same name in which this is otherwise."""

    name: str
    kind: tuple[str, str]
    start: str
    subject: str
    meaning: Meaning
    namespaced: bool = True
    instead: Mapping[str, Any] = field(default_factory=dict)

    def do(self, api: KubeApi, space: str) -> Callable[[], None]:
        """Delete it; returns what makes it anew."""
        where = space if self.namespaced else None
        found = next(o for o in api.each(*self.kind, where) if o["metadata"]["name"].startswith(self.start))
        api.delete(*self.kind, found["metadata"]["name"], where)
        metadata = {k: v for k, v in found["metadata"].items() if k in ("name", "namespace", "labels", "annotations")}
        body = {**{k: v for k, v in found.items() if k != "status"}, "metadata": metadata}
        if not self.instead:
            return lambda: void(api.apply(body, field_manager="pulumi-kubernetes", force=True))
        api.create({**body, **self.instead}, field_manager=BY)

        def back() -> None:
            api.delete(*self.kind, metadata["name"], where)
            api.apply(body, field_manager="pulumi-kubernetes", force=True)

        return back


def void(_: Any) -> None:
    """Nothing comes of it."""


def made(name: str, api_version: str, kind: str, meaning: Meaning, *, cluster: bool = False, **more: Any) -> Made:
    body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **more}
    return Made(f"{kind} {name}", body, f"cluster/{kind}/{name}" if cluster else f"?/{kind}/{name}", meaning, cluster)


def changed(
    kind: tuple[str, str], start: str, path: str, value: Any, subject: str, meaning: Meaning, **more: Any
) -> Changed:
    operation = {"op": "add", "path": path, "value": value} if value is not None else {"op": "remove", "path": path}
    return Changed(f"{kind[1]} {start}: {path}", kind, start, (operation,), subject, meaning, **more)


DEPLOYMENT, SERVICE, POLICY, SPACE, CONFIG = (
    ("apps/v1", "Deployment"),
    ("v1", "Service"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("v1", "Namespace"),
    ("v1", "ConfigMap"),
)
ROUTE, CLUSTER, CERTIFICATE = (
    (GATEWAY, "HTTPRoute"),
    ("postgresql.cnpg.io/v1", "Cluster"),
    ("cert-manager.io/v1", "Certificate"),
)
ADMISSION = "admissionregistration.k8s.io/v1"
WEB = "openklant/Deployment/web"
POD = {
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "it",
            "image": "docker.io/library/python:3.12",
            "securityContext": {
                "runAsNonRoot": True,
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "runAsUser": 1000,
                "capabilities": {"drop": ["ALL"]},
            },
            "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"memory": "1Mi"}},
        }
    ],
}
PODS = "/spec/template/spec"
ME = [{"kind": "User", "apiGroup": RBAC, "name": "someone"}]
ROLE = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"}

BREAKS: tuple[Made | Changed | Gone, ...] = (
    # The eight of the audit that told nothing.
    made("helper", f"{RBAC}/v1", "RoleBinding", Meaning.RIGHT, roleRef=ROLE, subjects=ME),
    made(
        "admin",
        "networking.k8s.io/v1",
        "Ingress",
        Meaning.WAY,
        spec={"defaultBackend": {"service": {"name": "keycloak-server", "port": {"number": 443}}}},
    ),
    changed(SPACE, "{space}", "/metadata/labels/ggi~1stack", None, "platform/Namespace/main", Meaning.AROUND),
    changed(
        DEPLOYMENT,
        "openklant-web",
        f"{PODS}/containers/0/lifecycle/postStart",
        {"exec": {"command": ["id"]}},
        WEB,
        Meaning.CODE,
    ),
    changed(DEPLOYMENT, "openklant-worker", "/spec/replicas", 1, "openklant/Deployment/worker", Meaning.AVAILABILITY),
    changed(
        ROUTE,
        "openklant",
        "/spec/rules/0/filters/-",
        {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "openklant-web", "port": 443}}},
        "openklant/HTTPRoute/main",
        Meaning.COPY,
    ),
    made(
        "db",
        "v1",
        "Service",
        Meaning.WAY,
        spec={"selector": {"cnpg.io/cluster": "postgresql"}, "ports": [{"port": 5432}]},
    ),
    Gone(
        "binding of admission",
        (ADMISSION, "ValidatingAdmissionPolicyBinding"),
        "ggi-dat-005",
        "cluster/ValidatingAdmissionPolicyBinding/ggi-dat-005-deny",
        Meaning.AROUND,
        namespaced=False,
    ),
    # Ways.
    changed(SERVICE, "openklant-web", "/spec/externalIPs", ["192.0.2.7"], "openklant/Service/web", Meaning.WAY),
    changed(
        SERVICE, "openklant-web", "/spec/ports/-", {"name": "more", "port": 9999}, "openklant/Service/web", Meaning.WAY
    ),
    changed(
        SERVICE,
        "redis-server",
        "/spec/selector/app.kubernetes.io~1name",
        "openklant",
        "redis/Service/server",
        Meaning.WAY,
    ),
    changed(SERVICE, "openklant-web", "/spec/publishNotReadyAddresses", True, "openklant/Service/web", Meaning.WAY),
    changed(
        POLICY,
        "openklant-web",
        "/spec/ingress/-",
        {"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]},
        "openklant/NetworkPolicy/web",
        Meaning.WAY,
    ),
    changed(
        POLICY,
        "dns",
        "/spec/egress/0/ports/-",
        {"port": 8443, "protocol": "TCP"},
        "platform/NetworkPolicy/dns",
        Meaning.WAY,
    ),
    changed(
        POLICY,
        "default-deny",
        "/spec/podSelector/matchLabels",
        {"x": "y"},
        "platform/NetworkPolicy/default-deny",
        Meaning.WAY,
    ),
    made(
        "open",
        "networking.k8s.io/v1",
        "NetworkPolicy",
        Meaning.WAY,
        spec={"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
    ),
    made(
        "slice",
        "discovery.k8s.io/v1",
        "EndpointSlice",
        Meaning.WAY,
        addressType="IPv4",
        endpoints=[{"addresses": ["192.0.2.8"]}],
    ),
    made(
        "shadow", "v1", "Endpoints", Meaning.WAY, subsets=[{"addresses": [{"ip": "192.0.2.9"}], "ports": [{"port": 1}]}]
    ),
    made(
        "grant",
        "gateway.networking.k8s.io/v1",
        "ReferenceGrant",
        Meaning.WAY,
        spec={
            "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "default"}],
            "to": [{"group": "", "kind": "Service"}],
        },
    ),
    changed(ROUTE, "openklant", "/spec/hostnames/-", "other.example", "openklant/HTTPRoute/main", Meaning.WAY),
    changed(
        ROUTE,
        "openklant",
        "/spec/rules/0/matches",
        [{"path": {"type": "PathPrefix", "value": "/x"}}],
        "openklant/HTTPRoute/main",
        Meaning.WAY,
    ),
    changed(
        (GATEWAY, "Gateway"),
        "ggi",
        "/spec/addresses",
        [{"type": "IPAddress", "value": "192.0.2.1"}],
        "platform/Gateway/main",
        Meaning.WAY,
    ),
    # Rights.
    made(
        "reader",
        f"{RBAC}/v1",
        "Role",
        Meaning.RIGHT,
        rules=[{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}],
    ),
    made("robot", "v1", "ServiceAccount", Meaning.RIGHT),
    made("everything", f"{RBAC}/v1", "ClusterRoleBinding", Meaning.RIGHT, cluster=True, roleRef=ROLE, subjects=ME),
    changed(
        ("v1", "ServiceAccount"),
        "openklant",
        "/automountServiceAccountToken",
        True,
        "openklant/ServiceAccount/main",
        Meaning.RIGHT,
    ),
    changed(
        ("v1", "ServiceAccount"),
        "openklant",
        "/imagePullSecrets",
        [{"name": "x"}],
        "openklant/ServiceAccount/main",
        Meaning.RIGHT,
    ),
    changed(
        (f"{RBAC}/v1", "ClusterRole"),
        "ggi-audit",
        "/rules/-",
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]},
        "cluster/ClusterRole/ggi-audit",
        Meaning.RIGHT,
        namespaced=False,
    ),
    # Code.
    made("shell", "v1", "Pod", Meaning.CODE, spec=POD),
    made("template", "v1", "PodTemplate", Meaning.CODE, template={"spec": POD}),
    made("mutate", ADMISSION, "MutatingWebhookConfiguration", Meaning.CODE, cluster=True, webhooks=[]),
    changed(DEPLOYMENT, "openklant-web", f"{PODS}/containers/0/args", ["x"], WEB, Meaning.CODE),
    changed(
        DEPLOYMENT,
        "openklant-web",
        f"{PODS}/containers/0/env/-",
        {"name": "PYTHONPATH", "value": "/x"},
        WEB,
        Meaning.CODE,
    ),
    changed(
        DEPLOYMENT, "openklant-web", f"{PODS}/hostAliases", [{"ip": "192.0.2.5", "hostnames": ["x"]}], WEB, Meaning.CODE
    ),
    changed(DEPLOYMENT, "openklant-web", f"{PODS}/shareProcessNamespace", True, WEB, Meaning.CODE),
    changed(
        ("v1", "Pod"),
        "openklant-web",
        "/spec/ephemeralContainers",
        [
            {
                "name": "debug",
                "image": "docker.io/library/python:3.12",
                "securityContext": POD["containers"][0]["securityContext"],
            }
        ],
        "openklant/Pod/openklant-web",
        Meaning.CODE,
        subresource="ephemeralcontainers",
    ),
    # Protections.
    changed(
        SPACE,
        "{space}",
        "/metadata/labels/pod-security.kubernetes.io~1enforce",
        "privileged",
        "platform/Namespace/main",
        Meaning.AROUND,
    ),
    changed(
        SPACE, "{space}", "/metadata/annotations/ggi~1accepted-by-hand", "x", "platform/Namespace/main", Meaning.AROUND
    ),
    Gone(
        "policy of admission",
        (ADMISSION, "ValidatingAdmissionPolicy"),
        "ggi-net-002",
        "cluster/ValidatingAdmissionPolicy/ggi-net-002",
        Meaning.AROUND,
        namespaced=False,
    ),
    changed(
        (ADMISSION, "ValidatingAdmissionPolicyBinding"),
        "ggi-pod-004-deny",
        "/spec/validationActions",
        ["Warn"],
        "cluster/ValidatingAdmissionPolicyBinding/ggi-pod-004-deny",
        Meaning.AROUND,
        namespaced=False,
    ),
    # Certificates.
    made("issuer", "cert-manager.io/v1", "Issuer", Meaning.IDENTITY, spec={"selfSigned": {}}),
    changed(CERTIFICATE, "openklant", "/spec/dnsNames/-", "other.example", "openklant/Certificate/", Meaning.IDENTITY),
    # Data.
    made(
        "copy",
        "postgresql.cnpg.io/v1",
        "Database",
        Meaning.DATA,
        spec={"name": "copy", "owner": "openklant", "cluster": {"name": "postgresql"}},
    ),
    made(
        "claim",
        "v1",
        "PersistentVolumeClaim",
        Meaning.DATA,
        spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    ),
    changed(
        CLUSTER,
        "postgresql",
        "/spec/postgresql/pg_hba/-",
        "hostssl all all 10.0.0.0/8 scram-sha-256",
        "postgresql/Cluster/main",
        Meaning.DATA,
    ),
    changed(CLUSTER, "postgresql", "/spec/enableSuperuserAccess", True, "postgresql/Cluster/main", Meaning.DATA),
    # Settings.
    made("extra", "v1", "ConfigMap", Meaning.SETTINGS, data={"a": "b"}),
    made("secret", "v1", "Secret", Meaning.SETTINGS, immutable=True, stringData={"a": "canary-of-a-secret"}),
    Gone(
        "settings that are replaced",
        CONFIG,
        "openklant-env",
        "openklant/ConfigMap/env",
        Meaning.SETTINGS,
        instead={"data": {"ALLOWED_HOSTS": "*"}},
    ),
    Gone("settings that are deleted", CONFIG, "openklant-nginx", "openklant/ConfigMap/nginx", Meaning.SETTINGS),
    # Availability.
    made(
        "scaler",
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        Meaning.AVAILABILITY,
        spec={
            "maxReplicas": 1,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "openklant-web"},
        },
    ),
    made("quota", "v1", "ResourceQuota", Meaning.AVAILABILITY, spec={"hard": {"count/widgets.example": "1"}}),
    changed(
        ("v1", "ResourceQuota"),
        "landscape",
        "/spec/hard/services.loadbalancers",
        "5",
        "platform/ResourceQuota/main",
        Meaning.AVAILABILITY,
    ),
    changed(DEPLOYMENT, "openklant-web", f"{PODS}/nodeSelector", {"x": "y"}, WEB, Meaning.AVAILABILITY),
    changed(DEPLOYMENT, "openklant-web", f"{PODS}/containers/0/readinessProbe", None, WEB, Meaning.AVAILABILITY),
    changed(
        SERVICE,
        "openklant-web",
        "/metadata/finalizers",
        ["example.test/held"],
        "openklant/Service/web",
        Meaning.AVAILABILITY,
    ),
    changed(CONFIG, "openklant-env", "/metadata/annotations/note", "x", "openklant/ConfigMap/env", Meaning.OTHER),
)
