"""How a landscape does in the cluster: per component, which of its workloads are ready."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import NotFoundError, UnknownKindError
from ggi.landscape.build import Landscape
from ggi.landscape.objects import Object

WORKLOADS = ("Deployment", "StatefulSet", "Job", "Cluster")


@dataclass(frozen=True, slots=True)
class WorkloadStatus:
    """One workload: `state` is ready, waiting, failed or missing; `detail` says how far it is."""

    name: str
    kind: str
    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class ComponentStatus:
    """One component; its state is the worst of its parts."""

    name: str
    title: str
    version: str
    state: str
    parts: tuple[WorkloadStatus, ...]
    host: str = ""

    @property
    def ready(self) -> bool:
        """Whether it works, or is somebody else's to run."""
        return self.state in ("ready", "external")


def condition(live: Mapping[str, Any], name: str) -> str:
    """The status of a condition of a live object: True, False, Unknown, or nothing where it has none."""
    for condition in live.get("status", {}).get("conditions", ()):
        if condition["type"] == name:
            return str(condition["status"])
    return ""


def _judge(item: Object, live: Mapping[str, Any] | None) -> WorkloadStatus:
    if live is None:
        return WorkloadStatus(item.kube_name, item.kind, "missing", "")
    status, spec = live.get("status", {}), live.get("spec", {})
    if item.kind == "Job":
        done, failed = condition(live, "Complete") == "True", condition(live, "Failed") == "True"
        return WorkloadStatus(item.kube_name, "Job", "ready" if done else "failed" if failed else "waiting", "")
    if item.kind == "Cluster":
        ready, wanted = status.get("readyInstances", 0), spec.get("instances", 0)
        state = "ready" if condition(live, "Ready") == "True" and ready >= wanted else "waiting"
        return WorkloadStatus(item.kube_name, "Cluster", state, f"{ready}/{wanted}")
    wanted, ready = spec.get("replicas", 1), status.get("readyReplicas", 0)
    seen = status.get("observedGeneration", 0) >= live["metadata"].get("generation", 0)
    updated = status.get("updatedReplicas", 0)
    state = "ready" if seen and ready >= wanted and updated >= wanted else "waiting"
    return WorkloadStatus(item.kube_name, item.kind, state, f"{ready}/{wanted}")


def _live(api: KubeApi, api_version: str, kind: str, namespace: str) -> dict[str, Mapping[str, Any]]:
    try:
        return {o["metadata"]["name"]: o for o in api.list(api_version, kind, namespace)}
    except (NotFoundError, UnknownKindError):
        return {}


_WORST = ("missing", "failed", "waiting", "ready")


def component_status(api: KubeApi, built: Landscape) -> list[ComponentStatus]:
    """The status of every component, in start order. One list request per kind of workload."""
    wanted = [o for o in built.objects if o.kind in WORKLOADS]
    namespace = built.environment.namespace
    live = {key: _live(api, key[0], key[1], namespace) for key in sorted({(o.api_version, o.kind) for o in wanted})}
    result = []
    for name in built.order:
        item = built.components[name]
        if item.external:
            result.append(ComponentStatus(name, item.component.title, item.version.version, "external", ()))
            continue
        parts = tuple(_judge(o, _find(o, live[(o.api_version, o.kind)])) for o in wanted if o.component == name)
        state = min((p.state for p in parts), key=_WORST.index, default="ready")
        host = built.hosts.get(name, "")
        result.append(ComponentStatus(name, item.component.title, item.version.version, state, parts, host))
    return result


def _find(item: Object, live: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The live object; a Job's name holds a hash that depends on secrets, so it is found by its logical place."""
    if item.kind != "Job" or not item.base:
        return live.get(item.kube_name)
    found = [o for name, o in live.items() if name.rpartition("-")[0] == item.base]
    return max(found, key=lambda o: str(o["metadata"]["creationTimestamp"]), default=None)


def running_release(api: KubeApi, namespace: str) -> str | None:
    """The release that the namespace carries, or None when it does not exist."""
    found = api.find("v1", "Namespace", namespace)
    return found["metadata"].get("annotations", {}).get("ggi/release") if found else None
