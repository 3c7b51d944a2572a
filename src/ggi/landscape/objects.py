"""The objects of a landscape: logical names, labels, names that carry a hash, and secrets that are only named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ggi.catalogue.secrets import NO_TAG, SecretText

PLATFORM = "platform"
NAMESPACE = f"{PLATFORM}/Namespace/main"
DATA_KINDS = frozenset({"Namespace", "Cluster", "Database", "PersistentVolumeClaim", "StatefulSet"})
"""Kinds of objects that hold data: deleting one loses it."""
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Object:
    """One Kubernetes object.

    `name` is the logical name `<component>/<Kind>/<role>`: without version, hash or tenant, so that it stays the same
    through every change. `needs` are logical names. `secrets` (of a Secret) are its `data`, still as references.
    `base` is the Kubernetes name without its hash, when it has one.
    """

    name: str
    component: str
    body: Body
    needs: tuple[str, ...] = ()
    secrets: Mapping[str, SecretText] = field(default_factory=dict)
    base: str = ""

    @property
    def kind(self) -> str:
        """The Kubernetes kind."""
        return str(self.body["kind"])

    @property
    def holds_data(self) -> bool:
        """Whether deleting it loses data."""
        return self.kind in DATA_KINDS

    @property
    def api_version(self) -> str:
        """The Kubernetes apiVersion."""
        return str(self.body["apiVersion"])

    @property
    def kube_name(self) -> str:
        """The name in the cluster."""
        return str(self.body["metadata"]["name"])


def type_token(item: Object) -> str:
    """Pulumi's name of a kind: `kubernetes:apps/v1:Deployment`; the core group is called core."""
    api = item.api_version if "/" in item.api_version else f"core/{item.api_version}"
    return f"kubernetes:{api}:{item.kind}"


def digest(value: Any) -> str:
    """Eight hexadecimal characters that change when `value` (JSON) changes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def labels(stack: str, component: str, process: str = "") -> dict[str, str]:
    """The standard labels (kubernetes.io, Recommended Labels), and the stack that owns the object."""
    result = {
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/instance": stack,
        "app.kubernetes.io/part-of": "ggi",
        "app.kubernetes.io/managed-by": "pulumi",
        "ggi/stack": stack,
    }
    if process:
        result["app.kubernetes.io/component"] = process
    return result


def selector(component: str, process: str = "") -> dict[str, str]:
    """The labels that find the pods of a process; they never change, since a Deployment's selector can't."""
    result = {"app.kubernetes.io/name": component}
    if process:
        result["app.kubernetes.io/component"] = process
    return result


def with_tags(objects: Iterable[Object], tag: Callable[[Object], str]) -> list[Object]:
    """The objects with every Secret's name carrying its tag, also where it is referred to, and Jobs named anew.

    `tag` gets a Secret and returns eight characters that change when its values change.
    """
    objects = list(objects)
    names = {o.kube_name: o.kube_name.replace(NO_TAG, tag(o)) for o in objects if o.secrets and NO_TAG in o.kube_name}

    def substitute(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: substitute(v) for k, v in value.items()}
        if isinstance(value, list):
            return [substitute(v) for v in value]
        return names.get(value, value) if isinstance(value, str) else value

    result = []
    for item in objects:
        body = substitute(item.body)
        if item.kind == "Job" and item.base:
            body["metadata"]["name"] = f"{item.base}-{digest(body['spec'])}"
        result.append(replace(item, body=body))
    return result
