"""Why is it not ready? What a person would look up: the Pods' own words and the warnings among the events."""

from __future__ import annotations

from typing import Any

from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import ApiError
from sandbox.plugins.kubernetes.objects import Object, at, name_of, namespace_of
from sandbox.plugins.kubernetes.readiness import conditions

MOST = 8
"""Reasons in one message: the first ones say it."""

_NORMAL_WAITS = frozenset({"ContainerCreating", "PodInitializing"})


def why_not_ready(api: KubeApi, obj: Object) -> list[str]:
    """Return reasons, most telling first. A server that does not answer gives none: the wait's own message stands."""
    try:
        pods = _pods_of(api, obj)
        found = [reason for pod in pods for reason in pod_reasons(pod)]
        names = {name_of(obj), *(name_of(pod) for pod in pods)}
        found += event_reasons(_events(api, obj), names, name_of(obj))
    except ApiError:
        return []
    return list(dict.fromkeys(found))[:MOST]


def why_not_gone(api: KubeApi, obj: Object) -> list[str]:
    """Return reasons for which an object that is being deleted is still there."""
    found = []
    if finalizers := at(obj, "metadata", "finalizers"):
        found.append(f"finalizers that are not done: {', '.join(finalizers)}")
    if obj.get("kind") == "Namespace":
        # NamespaceContentRemaining, NamespaceFinalizersRemaining and their like name what is left.
        found += [
            f"[{item.get('reason')}] {item.get('message')}"
            for item in conditions(obj).values()
            if item.get("status") == "True" and item.get("message")
        ]
    try:
        found += event_reasons(_events(api, obj), {name_of(obj)}, name_of(obj))
    except ApiError:
        return found
    return found[:MOST]


def pod_reasons(pod: Object) -> list[str]:
    """Return what keeps `pod` from running, container by container; empty when nothing does."""
    name = name_of(pod)
    found = []
    scheduled = conditions(pod).get("PodScheduled", {})
    if scheduled.get("status") == "False":
        found.append(f"Pod {name}: [{scheduled.get('reason')}] {scheduled.get('message')}")
    for status in [
        *(at(pod, "status", "initContainerStatuses") or []),
        *(at(pod, "status", "containerStatuses") or []),
    ]:
        for state in (status.get("state") or {}, status.get("lastState") or {}):
            if reason := _container_reason(state):
                found.append(f"Pod {name}, container {status.get('name')}: {reason}")
                break
    return found


def _container_reason(state: dict[str, Any]) -> str:
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
    if waiting.get("reason") and waiting["reason"] not in _NORMAL_WAITS:
        return f"[{waiting['reason']}] {waiting.get('message', '')}".strip()
    if ended.get("exitCode"):
        return f"[{ended.get('reason', 'Error')}] exit code {ended['exitCode']} {ended.get('message', '')}".strip()
    return ""


def event_reasons(events: list[Object], names: set[str], prefix: str) -> list[str]:
    """Return the warnings about one of `names`, or about what is called after `prefix` (a ReplicaSet), newest first."""
    about = [
        event
        for event in events
        if (name := str(at(event, "involvedObject", "name"))) in names or name.startswith(f"{prefix}-")
    ]
    about.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""), reverse=True)
    return [
        f"{at(event, 'involvedObject', 'kind')} {at(event, 'involvedObject', 'name')}: "
        f"[{event.get('reason')}] {event.get('message')}"
        for event in about
    ]


def _events(api: KubeApi, obj: Object) -> list[Object]:
    namespace = namespace_of(obj) or (name_of(obj) if obj.get("kind") == "Namespace" else "default")
    return api.list("v1", "Event", namespace, fields="type=Warning")


def _pods_of(api: KubeApi, obj: Object) -> list[Object]:
    labels = at(obj, "spec", "selector", "matchLabels")
    if not isinstance(labels, dict):
        return []
    chosen = ",".join(f"{key}={value}" for key, value in labels.items())
    pods = api.list("v1", "Pod", namespace_of(obj), labels=chosen)
    return [pod for pod in pods if conditions(pod).get("Ready", {}).get("status") != "True"]
