"""When is an object ready? Pure predicates over one live object (and, for a Service or Ingress, its endpoints).

They follow the official plugin's awaiters (provider/pkg/await): the same kinds wait, for the same facts. Kinds that
are not named here are ready as soon as the server has them; a custom resource waits for what `pulumi.com/waitFor` says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.plugins.kubernetes.objects import Object, at

REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True, slots=True)
class Readiness:
    """`ready`, or not yet because of `message`; `failed`: it can't become ready any more."""

    ready: bool
    message: str = ""
    failed: bool = False


READY = Readiness(True)

Endpoints = Callable[[str], Object | None]
"""Gives the Endpoints object of a Service in the object's namespace, or None."""


def _number(obj: Object, *path: str) -> int:
    value = at(obj, *path)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def conditions(obj: Object) -> dict[str, Mapping[str, Any]]:
    """Return `status.conditions` by type."""
    found = at(obj, "status", "conditions")
    return {str(item.get("type")): item for item in found if isinstance(item, dict)} if isinstance(found, list) else {}


def _said(condition: Mapping[str, Any]) -> str:
    return f"[{condition.get('reason', '')}] {condition.get('message', '')}".strip()


def is_observed(obj: Object) -> bool:
    """Whether the controller has seen the newest generation, so that the rest of the status is about it."""
    return _number(obj, "status", "observedGeneration") >= _number(obj, "metadata", "generation")


def _deployment(obj: Object, endpoints: Endpoints) -> Readiness:
    if not is_observed(obj):
        return Readiness(False, "Waiting for the Deployment controller to see the new generation")
    wanted = _number(obj, "spec", "replicas")
    updated = _number(obj, "status", "updatedReplicas")
    available = _number(obj, "status", "availableReplicas")
    found = conditions(obj)
    progressing, is_available = found.get("Progressing", {}), found.get("Available", {})
    if progressing.get("status") == "False":
        return Readiness(False, _said(progressing))
    if updated < wanted or _number(obj, "status", "replicas") > updated or available < wanted:
        return Readiness(False, f"Waiting for the ReplicaSet to be available ({available}/{wanted} Pods available)")
    if is_available.get("status") != "True":
        return Readiness(False, _said(is_available) or "Waiting for the Deployment to become available")
    revision = at(obj, "metadata", "annotations", REVISION)
    if revision not in ("1", None) and progressing.get("reason") not in ("NewReplicaSetAvailable", None):
        return Readiness(False, _said(progressing))
    return READY


def _stateful_set(obj: Object, endpoints: Endpoints) -> Readiness:
    if not is_observed(obj):
        return Readiness(False, "Waiting for the StatefulSet controller to see the new generation")
    wanted, ready = _number(obj, "spec", "replicas"), _number(obj, "status", "readyReplicas")
    waiting = Readiness(False, f"Waiting for the StatefulSet to roll out ({ready}/{wanted} Pods ready)")
    if _number(obj, "status", "replicas") != wanted or ready != wanted:
        return waiting
    if _number(obj, "metadata", "generation") > 1 and at(obj, "spec", "updateStrategy", "type") == "OnDelete":
        return READY
    current, target = at(obj, "status", "currentRevision"), at(obj, "status", "updateRevision")
    if not current or current != target:
        return Readiness(False, "Waiting for the StatefulSet to finish its new revision")
    return READY if _number(obj, "status", "currentReplicas") == wanted else waiting


def _daemon_set(obj: Object, endpoints: Endpoints) -> Readiness:
    if not is_observed(obj):
        return Readiness(False, "Waiting for the DaemonSet controller to see the new generation")
    wanted = _number(obj, "status", "desiredNumberScheduled")
    needed = ["currentNumberScheduled", "numberAvailable", "numberReady"]
    if at(obj, "spec", "updateStrategy", "type") != "OnDelete":
        needed.append("updatedNumberScheduled")
    ready = min(_number(obj, "status", field) for field in needed)
    return READY if ready >= wanted else Readiness(False, f"Waiting for the DaemonSet ({ready}/{wanted} Pods ready)")


def _job(obj: Object, endpoints: Endpoints) -> Readiness:
    found = conditions(obj)
    failed = found.get("Failed", {})
    if failed.get("status") == "True":
        return Readiness(False, _said(failed), failed=True)
    if found.get("Complete", {}).get("status") == "True":
        return READY
    counts = ", ".join(f"{field}: {_number(obj, 'status', field)}" for field in ("active", "succeeded", "failed"))
    return Readiness(False, f"Waiting for the Job to succeed ({counts})")


def _pod(obj: Object, endpoints: Endpoints) -> Readiness:
    phase = at(obj, "status", "phase")
    found = conditions(obj)
    if phase == "Succeeded" or found.get("Ready", {}).get("status") == "True":
        return READY
    if phase == "Failed":
        return Readiness(False, str(at(obj, "status", "message") or "The Pod failed"), failed=True)
    return Readiness(False, _said(found.get("Ready", {})) or f"Waiting for the Pod (now {phase or 'not seen yet'})")


def _service(obj: Object, endpoints: Endpoints) -> Readiness:
    kind = at(obj, "spec", "type") or "ClusterIP"
    if kind == "LoadBalancer" and not at(obj, "status", "loadBalancer", "ingress"):
        return Readiness(False, "Waiting for the load balancer to get an address")
    # A Service without selector, a headless one and an ExternalName have no Pods to wait for.
    if kind == "ExternalName" or at(obj, "spec", "clusterIP") == "None" or not at(obj, "spec", "selector"):
        return READY
    known = endpoints(str(at(obj, "metadata", "name")))
    subsets = (known or {}).get("subsets") or []
    if any(subset.get("notReadyAddresses") for subset in subsets):
        return Readiness(False, "Waiting for the Pods behind the Service")
    return READY


def _ingress(obj: Object, endpoints: Endpoints) -> Readiness:
    for rule in at(obj, "spec", "rules") or []:
        for path in at(rule, "http", "paths") or []:
            service = at(path, "backend", "service", "name")
            if service and endpoints(service) is None:
                return Readiness(False, f"Waiting for the Service {service} of a rule")
    if not at(obj, "status", "loadBalancer", "ingress"):
        return Readiness(False, "Waiting for the Ingress to get an address in .status.loadBalancer")
    return READY


def _volume(obj: Object, endpoints: Endpoints) -> Readiness:
    phase = at(obj, "status", "phase")
    return READY if phase in ("Available", "Bound") else Readiness(False, f"Waiting for the volume (now {phase})")


def _claim(obj: Object, endpoints: Endpoints) -> Readiness:
    phase = at(obj, "status", "phase")
    return READY if phase == "Bound" else Readiness(False, f"Waiting for the claim to be bound (now {phase})")


def _quota(obj: Object, endpoints: Endpoints) -> Readiness:
    same = at(obj, "spec", "hard") == at(obj, "status", "hard")
    return READY if same else Readiness(False, "Waiting for the quota to be taken over")


def _replication_controller(obj: Object, endpoints: Endpoints) -> Readiness:
    wanted, available = _number(obj, "spec", "replicas"), _number(obj, "status", "availableReplicas")
    return READY if wanted == available else Readiness(False, f"Waiting for Pods ({available}/{wanted} available)")


def _secret(obj: Object, endpoints: Endpoints) -> Readiness:
    if obj.get("type") == "kubernetes.io/service-account-token" and not obj.get("data"):
        return Readiness(False, "Waiting for the token")
    return READY


_Rule = Callable[[Object, Endpoints], Readiness]

ON_WRITE: dict[tuple[str, str], _Rule] = {
    ("apps/v1", "DaemonSet"): _daemon_set,
    ("apps/v1", "Deployment"): _deployment,
    ("apps/v1", "StatefulSet"): _stateful_set,
    ("batch/v1", "Job"): _job,
    ("networking.k8s.io/v1", "Ingress"): _ingress,
    ("v1", "PersistentVolume"): _volume,
    ("v1", "PersistentVolumeClaim"): _claim,
    ("v1", "Pod"): _pod,
    ("v1", "ReplicationController"): _replication_controller,
    ("v1", "ResourceQuota"): _quota,
    ("v1", "Secret"): _secret,
    ("v1", "Service"): _service,
}
"""Kinds that are waited for after they were written."""

_READ_TOO = frozenset({"DaemonSet", "Deployment", "StatefulSet", "Job", "Ingress", "Pod", "Service"})
"""Kinds whose readiness is also looked at (once, without waiting) when the state is refreshed."""

SECONDS: dict[str, float] = {"PersistentVolume": 300, "PersistentVolumeClaim": 300, "ResourceQuota": 60, "Secret": 5}
"""How long the official plugin waits for these kinds at most, unless a time-out is given; 600 s for all others."""


def rule_for(obj: Object) -> _Rule | None:
    """Return the rule for the kind of `obj`, or None when there is nothing to wait for."""
    return ON_WRITE.get((str(obj.get("apiVersion")), str(obj.get("kind"))))


def looked_at_on_read(obj: Object) -> bool:
    """Whether a refresh reports this kind as not ready."""
    return rule_for(obj) is not None and obj.get("kind") in _READ_TOO
