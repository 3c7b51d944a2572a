"""What is checked against the cluster before anything is written: is it the right one, and is what is there ours?"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubeerrors import NotFoundError, UnknownKindError
from ggi.errors import Problem, WorkError
from ggi.landscape.build import Landscape
from ggi.landscape.objects import Object
from ggi.messages import t

OWNER = "ggi/stack"


def cluster_identity(api: KubeApi) -> str:
    """UID of the namespace kube-system, which no two clusters share."""
    return str(api.get("v1", "Namespace", "kube-system")["metadata"]["uid"])


def check_cluster(api: KubeApi, built: Landscape, expected: str | None) -> str:
    """Return the identity of the cluster. Raises WorkError when it is another one, or when it holds others' objects."""
    identity = cluster_identity(api)
    if expected and identity != expected:
        raise WorkError(
            Problem(
                t(
                    "context {context} leads to another cluster: its kube-system has UID {found}, not {expected}",
                    context=api.context,
                    found=identity,
                    expected=expected,
                ),
                t("Check the context. If the cluster was replaced on purpose, record its identity in the region."),
            )
        )
    strangers = foreign_objects(api, built)
    if strangers:
        raise WorkError(*strangers)
    return identity


def foreign_objects(api: KubeApi, built: Landscape) -> list[Problem]:
    """Objects in the cluster that have the name of one of ours and do not carry this stack's label."""
    namespace = built.environment.namespace
    try:
        live = api.find("v1", "Namespace", namespace)
    except UnknownKindError:
        live = None
    if live is None:
        return []
    kinds = sorted({(o.api_version, o.kind) for o in built.objects if o.kind != "Namespace"})
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = pool.map(lambda kind: (kind, _names(api, kind[0], kind[1], namespace)), kinds)
        there = dict(found)
    there[("v1", "Namespace")] = {namespace: live["metadata"].get("labels", {}).get(OWNER)}
    return list(_strangers(built.objects, there, built.stack))


def _names(api: KubeApi, api_version: str, kind: str, namespace: str) -> dict[str, str | None]:
    try:
        items = api.list(api_version, kind, namespace)
    except (UnknownKindError, NotFoundError):
        return {}
    return {i["metadata"]["name"]: i["metadata"].get("labels", {}).get(OWNER) for i in items}


def _strangers(
    objects: Iterable[Object], there: dict[tuple[str, str], dict[str, str | None]], stack: str
) -> Iterable[Problem]:
    for item in objects:
        names = there[(item.api_version, item.kind)]
        owner = names.get(item.kube_name, stack)
        if owner != stack:
            whose = t("it belongs to {owner}", owner=owner) if owner else t("nobody's label is on it")
            yield Problem(
                t(
                    "{kind} {name} exists already and is not of this stack ({whose})",
                    kind=item.kind,
                    name=item.kube_name,
                    whose=whose,
                ),
                t(
                    "Remove or rename it, or set the label {label}={stack} on it to hand it over.",
                    label=OWNER,
                    stack=stack,
                ),
            )
