"""What is in a sandbox before anybody uses it: CRDs, nodes, and the objects that a cluster's own stack would hold."""

from __future__ import annotations

import copy
import hashlib
import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ggi.engine.kubeapi import KubeApi
from ggi.errors import WorkError
from ggi.messages import t
from sandbox import kwok

Report = Callable[[str], None]

FIELD_MANAGER = "ggi-sandbox"
_CRD = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
_DIGEST = "sandbox.ggi/digest"
_ESTABLISHED_SECONDS = 120.0
_AT_ONCE = 8


def install_crds(api: KubeApi, definitions: list[dict[str, Any]], report: Report) -> None:
    """Apply the CRDs that are missing or differ, and wait until the server serves all.

    Raises WorkError after two minutes.
    """
    present = {
        item["metadata"]["name"]: (item["metadata"].get("annotations") or {}).get(_DIGEST)
        for item in _metadata_of_crds(api)
    }
    wanted = [_with_digest(definition) for definition in definitions]
    changed = [crd for crd in wanted if present.get(crd["metadata"]["name"]) != crd["metadata"]["annotations"][_DIGEST]]
    if changed:
        report(t("installing CRDs: {count}", count=len(changed)))
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            [*pool.map(lambda crd: api.apply(crd, field_manager=FIELD_MANAGER, force=True), changed)]
    # Also when nothing changed: a server that has just started is ready before it serves its CRDs.
    _wait_until_served(api, wanted)


@dataclass(frozen=True, slots=True)
class Offers:
    """Names under which a cluster offers things to tenants, besides those of `cluster.yaml`."""

    block: tuple[str, ...] = ()
    """Storage classes for one node at a time."""
    shared: tuple[str, ...] = ()
    """Storage classes for many nodes at a time."""
    issuers: tuple[str, ...] = ()
    """ClusterIssuers of cert-manager."""
    gateway_classes: tuple[str, ...] = ()
    api: str | None = None
    """Where pods reach the API server, for a sandbox with real nodes: policies name the address."""
    mail: tuple[str, ...] = ()
    """Host and address of the mail server that such a sandbox plays."""
    directory: tuple[str, ...] = ()
    """The same, of an FSC group's directory."""


def cluster_objects(offers: Offers) -> list[dict[str, Any]]:
    """The cluster's own objects, one for each name offered. A name of two kinds of storage keeps the first."""
    plan = yaml.safe_load((Path(__file__).resolve().parent / "cluster.yaml").read_text())
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for group, template in plan["objects"].items():
        for name in (*plan["offers"][group], *getattr(offers, group)):
            manifest = copy.deepcopy(template)
            manifest["metadata"]["name"] = name
            if group == "block" and not found:
                manifest["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] = "true"
            found.setdefault((manifest["kind"], name), manifest)
    return [*found.values()]


def install_objects(api: KubeApi, offers: Offers) -> None:
    """Apply the nodes and the cluster's objects."""
    for node in kwok.nodes():
        status = {key: node[key] for key in ("apiVersion", "kind", "status")}
        status["metadata"] = {"name": node["metadata"]["name"]}
        api.apply({key: node[key] for key in node if key != "status"}, field_manager=FIELD_MANAGER, force=True)
        api.apply(status, field_manager=FIELD_MANAGER, force=True, subresource="status")
    for manifest in cluster_objects(offers):
        api.apply(manifest, field_manager=FIELD_MANAGER, force=True)


def node_count(api: KubeApi) -> tuple[int, int]:
    """How many nodes are ready, and how many there are."""
    nodes = api.list("v1", "Node")
    ready = [
        node
        for node in nodes
        for condition in (node.get("status") or {}).get("conditions") or ()
        if condition["type"] == "Ready" and condition["status"] == "True"
    ]
    return len(ready), len(nodes)


def _metadata_of_crds(api: KubeApi) -> list[dict[str, Any]]:
    """Names and annotations only: the schemas are megabytes."""
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    found: list[dict[str, Any]] = api.request("GET", api.path(*_CRD), accept=accept)["items"] or []
    return found


def _with_digest(definition: dict[str, Any]) -> dict[str, Any]:
    digest = hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:16]
    metadata = definition["metadata"]
    annotations = {**(metadata.get("annotations") or {}), _DIGEST: digest}
    return {**definition, "metadata": {**metadata, "annotations": annotations}}


def _wait_until_served(api: KubeApi, definitions: Iterable[dict[str, Any]]) -> None:
    waiting = [
        (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"])
        for crd in definitions
        for version in crd["spec"]["versions"]
        if version["served"]
    ]
    give_up = time.monotonic() + _ESTABLISHED_SECONDS
    while True:
        # Published schemas come a little after the kinds; kwok and server-side apply need both.
        published = json.loads(api.request("GET", "/openapi/v3"))["paths"]
        served = {(found.api_version, found.kind) for found in api.resource_types()}
        missing = [key for key in waiting if key not in served or f"apis/{key[0]}" not in published]
        if not missing:
            return
        if time.monotonic() > give_up:
            names = ", ".join(sorted(f"{kind} ({version})" for version, kind in missing))
            raise WorkError(
                t(
                    "the API server does not serve these kinds after {seconds:.0f} s: {names}",
                    seconds=_ESTABLISHED_SECONDS,
                    names=names,
                )
            )
        time.sleep(0.1)
