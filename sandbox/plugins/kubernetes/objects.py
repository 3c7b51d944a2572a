"""Small facts about Kubernetes objects: identity, annotations, shape."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

PREFIX = "pulumi.com/"
AUTONAMED = PREFIX + "autonamed"
SKIP_AWAIT = PREFIX + "skipAwait"
WAIT_FOR = PREFIX + "waitFor"
TIMEOUT_SECONDS = PREFIX + "timeoutSeconds"
REPLACE_UNREADY = PREFIX + "replaceUnready"
PATCH_FORCE = PREFIX + "patchForce"
PATCH_FIELD_MANAGER = PREFIX + "patchFieldManager"
DELETION_PROPAGATION = PREFIX + "deletionPropagationPolicy"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

READ_ONLY_METADATA = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)
"""What the server alone writes (API reference, ObjectMeta)."""

CLUSTER_SCOPED = frozenset(
    {
        "APIService",
        "CSIDriver",
        "ClusterIssuer",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "GatewayClass",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)
"""Kinds without a namespace, for when no server can be asked."""


def at(value: Any, *path: str) -> Any:
    """Return what is at `path` in nested mappings, or None."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def name_of(obj: Object) -> str:
    """Return metadata.name, or ''."""
    name = at(obj, "metadata", "name")
    return name if isinstance(name, str) else ""


def namespace_of(obj: Object) -> str:
    """Return metadata.namespace, or ''."""
    namespace = at(obj, "metadata", "namespace")
    return namespace if isinstance(namespace, str) else ""


def full_name(obj: Object) -> str:
    """Return the resource id: `namespace/name`, or `name` of an object without namespace."""
    namespace = namespace_of(obj)
    return f"{namespace}/{name_of(obj)}" if namespace else name_of(obj)


def split_id(resource_id: str) -> tuple[str, str]:
    """Return (namespace, name) of a resource id."""
    namespace, _, name = resource_id.rpartition("/")
    return namespace, name


def annotation(obj: Object, key: str) -> str:
    """Return the annotation's text, or ''."""
    value = at(obj, "metadata", "annotations", key)
    return value if isinstance(value, str) else ""


def is_on(obj: Object, key: str) -> bool:
    """Whether the annotation is `"true"`."""
    return annotation(obj, key) == "true"


def type_of(urn: str) -> str:
    """Return the type token of the resource itself: `kubernetes:apps/v1:Deployment`."""
    return urn.split("::")[2].rpartition("$")[2]


def logical_name(urn: str) -> str:
    """Return the name that the program gave."""
    return urn.split("::", 3)[3]


def kind_of_type(token: str) -> tuple[str, str]:
    """Return (apiVersion, kind) of a type token. The core group is written `core/v1` there. Raises ValueError."""
    package, module, kind = token.split(":")
    if package != "kubernetes" or module.count("/") != 1:
        raise ValueError(f"{token} is not a Kubernetes kind: expected kubernetes:<group>/<version>:<Kind>")
    return module.removeprefix("core/"), kind


def is_known(obj: Object) -> bool:
    """Whether the kind is one of Kubernetes' own, whose fields the server normalises, rather than a custom resource."""
    group = str(obj.get("apiVersion", "")).rpartition("/")[0]
    if "." not in group:
        return True
    return group.endswith(".k8s.io") and not group.startswith(("gateway.", "snapshot.", "metrics."))
