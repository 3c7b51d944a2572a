"""Reading a namespace for an audit: every kind that the API server lists, and of Secrets never a value.

Secrets are asked for as metadata alone, so that no value leaves the API server; which keys they have is told by the
fields that managers own. The role that auditors get may not even do that (RBAC knows no right to metadata alone), and
controls over Secrets are then not judged here, but over the state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ggi.controls.integrity.live import LiveNamespace, full_kind
from ggi.controls.redaction import HIDDEN
from ggi.engine.kubeapi import PAGE, KubeApi, ResourceType
from ggi.engine.kubehttp import ApiError, NotFoundError, UnknownKindError

AUDITORS = "ggi:auditors"
"""Group whose members may read for an audit; the cluster's identity provider says who they are."""
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Asks for metadata alone (kubernetes.io, API concepts)."""


def as_auditor(api: KubeApi) -> None:
    """Go on with the rights of an auditor and no others. Whoever asks must have the right to impersonate."""
    api.http.headers["Impersonate-User"] = "ggi-auditor"
    api.http.headers["Impersonate-Group"] = AUDITORS


def _outline(item: Mapping[str, Any]) -> dict[str, Any]:
    """A Secret from its metadata: the names of its keys, and whether it is immutable."""
    metadata = dict(item["metadata"])
    fields: dict[str, Any] = {}
    for entry in metadata.pop("managedFields", None) or ():
        for name, value in (entry.get("fieldsV1") or {}).items():
            fields.setdefault(name, {}).update(value if isinstance(value, Mapping) else {})
    keys = [key.removeprefix("f:") for key in fields.get("f:data", {}) if key.startswith("f:")]
    result: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    if keys:
        result["data"] = dict.fromkeys(sorted(keys), HIDDEN)
    if "f:immutable" in fields:
        result["immutable"] = True
    return result


def _secrets(api: KubeApi, namespace: str) -> Iterator[dict[str, Any]]:
    path = api.resource("v1", "Secret").collection(namespace)
    params = {"limit": str(PAGE)}
    while True:
        page = api.request("GET", path, params=params, accept=METADATA)
        for item in page.get("items") or ():
            yield _outline(item)
        if not (token := (page.get("metadata") or {}).get("continue")):
            return
        params["continue"] = token


NOBODY_ASKS = frozenset({"Event", "PodMetrics", "ComponentStatus"})
"""Kinds of what happened or was measured, of which there may be thousands, and which do nothing."""
REACHING = frozenset(
    {
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
    }
)
"""Groups and kinds outside of every namespace that can reach into one."""
OVERRULING = frozenset({"policy.networking.k8s.io", "crd.projectcalico.org", "projectcalico.org", "cilium.io"})
"""Groups of which a policy for the whole cluster overrules those of a namespace (network-policy-api.sigs.k8s.io)."""
ANSWERING = frozenset(
    {
        ("networking.k8s.io", "Ingress"),
        ("gateway.networking.k8s.io", "Gateway"),
        ("gateway.networking.k8s.io", "HTTPRoute"),
        ("gateway.networking.k8s.io", "GRPCRoute"),
        ("gateway.networking.k8s.io", "TLSRoute"),
        ("gateway.networking.k8s.io", "ListenerSet"),
    }
)
"""Groups and kinds in other namespaces that can answer for the names of one."""


def _reaches(kind: ResourceType) -> bool:
    overrules = kind.group in OVERRULING and kind.kind.endswith("Policy")
    return not kind.namespaced and (overrules or (kind.group, kind.kind) in REACHING)


def _names_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in ("host", "hostname") and isinstance(item, str):
                yield item
            elif key in ("hosts", "hostnames") and isinstance(item, list):
                yield from (name for name in item if isinstance(name, str))
            else:
                yield from _names_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _names_in(item)


def _list(api: KubeApi, api_version: str, kind: str, namespace: str | None) -> list[dict[str, Any]] | None:
    """The objects of one kind; None when they can't be read: not by this login, or nobody answers for the kind.

    A kind that is not served has none.
    """
    try:
        if kind == "Secret":
            return list(_secrets(api, namespace or ""))
        return api.list(api_version, kind, namespace)
    except (NotFoundError, UnknownKindError):
        return []
    except ApiError:
        return None


def read_live(
    api: KubeApi, namespace: str, hosts: Iterable[str] = (), protections: Mapping[str, Mapping[str, Any]] | None = None
) -> LiveNamespace:
    """Everything in a namespace, the Namespace first, and what reaches into it or answers for one of its `hosts`.

    `protections` is what the stack of the cluster should hold, by logical name. Empty when there is no such namespace.
    Raises WorkError for other trouble.
    """
    space = api.find("v1", "Namespace", namespace)
    if space is None:
        return LiveNamespace(())
    types = [r for r in api.resource_types() if r.preferred and "list" in r.verbs]
    inside = [r for r in types if r.namespaced and r.kind not in NOBODY_ASKS]
    reaching = [r for r in types if _reaches(r)]
    answering = [r for r in types if (r.group, r.kind) in ANSWERING]
    asked = [*((r, namespace) for r in inside), *((r, None) for r in (*reaching, *answering))]
    with ThreadPoolExecutor(max_workers=4) as pool:
        found = list(pool.map(lambda one: _list(api, one[0].api_version, one[0].kind, one[1]), asked))
    unread = frozenset(
        full_kind(r.api_version, r.kind) for (r, _), items in zip(asked, found, strict=True) if items is None
    )
    first, second = len(inside), len(inside) + len(reaching)
    objects = [space, *(item for items in found[:first] for item in items or ())]
    cluster = [item for items in found[first:second] for item in items or ()]
    ours = frozenset(hosts)
    for items in found[second:]:
        for item in items or ():
            elsewhere = item["metadata"].get("namespace") != namespace
            if elsewhere and any(_answers(name, ours) for name in _names_in(item.get("spec"))):
                cluster.append(item)
    for body in (protections or {}).values():
        if place := body["metadata"].get("namespace"):
            one = api.find(body["apiVersion"], body["kind"], body["metadata"]["name"], place)
            cluster += [one] if one else []
    return LiveNamespace(objects, cluster, unread, protections or {})


def read_kinds(api: KubeApi, kinds: Iterable[tuple[str, str, str]]) -> LiveNamespace:
    """All objects of these kinds: apiVersion, kind, and the namespace ("" for what is in none). Raises WorkError."""
    return LiveNamespace(
        [item for version, kind, space in sorted(set(kinds)) for item in api.list(version, kind, space or None)]
    )


def _answers(name: str, hosts: frozenset[str]) -> bool:
    """Whether a host name, or one with `*.` before it, is or covers one of these."""
    if name.startswith("*."):
        return any(host.endswith(name[1:]) for host in hosts)
    return name in hosts
