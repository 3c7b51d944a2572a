"""Reading a namespace for an audit: every kind that a control looks at, and of Secrets never a value.

Secrets are asked for as metadata alone, so that no value leaves the API server; which keys they have is told by the
fields that managers own. The role that auditors get may not even do that (RBAC knows no right to metadata alone), and
controls over Secrets are then not judged here, but over the state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ggi.controls.kinds import Kind, known_kinds
from ggi.controls.redaction import HIDDEN
from ggi.engine.kubeapi import PAGE, KubeApi
from ggi.engine.kubehttp import ForbiddenError, NotFoundError, UnknownKindError

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


def _read(api: KubeApi, kind: Kind, namespace: str) -> list[dict[str, Any]] | None:
    """The objects of one kind; None when this login may not read them. A kind that is not installed has none."""
    try:
        if kind.name == "Secret":
            return list(_secrets(api, namespace))
        if not kind.namespaced:
            found = api.find(kind.api_version, kind.name, namespace) if kind.name == "Namespace" else None
            return [found] if found else []
        return api.list(kind.api_version, kind.name, namespace)
    except ForbiddenError:
        return None
    except (NotFoundError, UnknownKindError):
        return []


def read_namespace(
    api: KubeApi, namespace: str, kinds: Iterable[str] | None = None
) -> tuple[list[dict[str, Any]], frozenset[str]]:
    """Every object of these kinds (default: all that controls can look at), and the kinds that could not be read.

    Raises WorkError for other trouble.
    """
    known = known_kinds()
    wanted = [known[name] for name in sorted(known if kinds is None else set(kinds))]
    api.resource_types()
    with ThreadPoolExecutor(max_workers=4) as pool:
        found = list(pool.map(lambda kind: _read(api, kind, namespace), wanted))
    objects = [item for items in found for item in items or ()]
    unread = frozenset(kind.name for kind, items in zip(wanted, found, strict=True) if items is None)
    return objects, unread
