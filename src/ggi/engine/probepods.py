"""Short-lived pods that try connections from the place of a component's own pods, and leave nothing behind."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ggi.engine.kubeapi import KubeApi
from ggi.errors import Problem, WorkError
from ggi.landscape.pods import CONTAINER_SECURITY
from ggi.messages import t

Manifest = dict[str, Any]
Report = Callable[[str], None]

LABEL = "ggi/probe"
"""Label of every object that is made here; what carries it is removed, also what an earlier run left."""
PROGRAM = Path(__file__).with_name("probe.py")
DEADLINE = 240
"""Seconds after which the kubelet ends a probe pod, whatever became of us."""
PAUSE = 0.5
NEVER = "ggi/never-ready"
"""A readiness gate that nobody sets: a probe has the labels of the pods whose place it takes, and must get none of the
requests that a Service has for these (kubernetes.io, Pod Lifecycle, readiness gates)."""


@dataclass(frozen=True, slots=True)
class ProbePod:
    """One pod: what it is called, the pod template whose place it takes (None: of nobody), and what it tries."""

    name: str
    template: Mapping[str, Any] | None
    checks: Sequence[Mapping[str, Any]]
    env_from: Sequence[Mapping[str, Any]] = ()
    """Further sources of its environment."""
    run: str = "true"
    """The run that it belongs to (see `cleaned`)."""


def probe_pod(probe: ProbePod, namespace: str, image: str) -> Manifest:
    """The pod of a probe: labels, account, environment, Secrets and ConfigMaps of the template; our program in it.

    No volume of data, no ports, no probes, no init containers.
    """
    spec = copy.deepcopy(dict((probe.template or {}).get("spec") or {}))
    metadata = copy.deepcopy(dict((probe.template or {}).get("metadata") or {}))
    first = (spec.get("containers") or [{}])[0]
    kept = [v for v in spec.get("volumes") or () if "secret" in v or "configMap" in v or "projected" in v]
    names = {volume["name"] for volume in kept}
    container = {
        "name": "probe",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", PROGRAM.read_text(encoding="utf-8")],
        "env": [*first.get("env", ()), {"name": "CHECKS", "value": json.dumps(list(probe.checks))}],
        "envFrom": [*first.get("envFrom", ()), *probe.env_from],
        "volumeMounts": [mount for mount in first.get("volumeMounts") or () if mount["name"] in names],
        "resources": {"requests": {"cpu": "20m", "memory": "96Mi"}, "limits": {"cpu": "500m", "memory": "96Mi"}},
        "securityContext": CONTAINER_SECURITY,
    }
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != "pod-template-hash"}
    security = spec.get("securityContext") or {"runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 1000}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": probe.name, "namespace": namespace, "labels": {**labels, LABEL: probe.run}},
        "spec": {
            "containers": [container],
            "restartPolicy": "Never",
            "activeDeadlineSeconds": DEADLINE,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "readinessGates": [{"conditionType": NEVER}],
            "securityContext": {**security, "seccompProfile": {"type": "RuntimeDefault"}},
            "volumes": kept,
            **({"serviceAccountName": spec["serviceAccountName"]} if "serviceAccountName" in spec else {}),
        },
    }


@contextlib.contextmanager
def cleaned(api: KubeApi, namespace: str) -> Iterator[str]:
    """Gives a name for this run, which all that it makes must carry as its label; whatever happens, none of it is left.

    Nor is anything of an earlier run that was cut off; another run that still goes on is left alone.
    """
    own = secrets.token_hex(3)
    old = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=2 * DEADLINE)
    sweep(api, namespace, lambda item: dt.datetime.fromisoformat(item["metadata"]["creationTimestamp"]) < old)
    try:
        yield own
    finally:
        sweep(api, namespace, lambda item: item["metadata"]["labels"][LABEL] == own)


def sweep(api: KubeApi, namespace: str, chosen: Callable[[Manifest], bool]) -> None:
    """Remove the chosen pods, policies and accounts of probes. Raises ApiError."""
    for version, kind in (("v1", "Pod"), ("networking.k8s.io/v1", "NetworkPolicy"), ("v1", "ServiceAccount")):
        for item in api.list(version, kind, namespace, labels=LABEL):
            if chosen(item):
                api.delete(version, kind, item["metadata"]["name"], namespace)


def run(
    api: KubeApi, probes: Sequence[ProbePod], namespace: str, image: str, report: Report
) -> dict[str, dict[str, Any]]:
    """Start all probes, wait for them, and return what each check said, by its id. Raises WorkError.

    A pod that can't start is an answer too: its checks are missing, and `why` it did not start is raised.
    """
    for probe in probes:
        api.create(probe_pod(probe, namespace, image))
    give_up = time.monotonic() + DEADLINE
    waiting = {probe.name for probe in probes}
    found: dict[str, dict[str, Any]] = {}
    while waiting:
        pods = {pod["metadata"]["name"]: pod for pod in api.list("v1", "Pod", namespace, labels=LABEL)}
        if gone := sorted(waiting - pods.keys()):
            raise WorkError(
                Problem(t("somebody removed the pod {name}", name=gone[0]), t("Run the command once more, alone."))
            )
        for name in sorted(waiting):
            if (pods[name].get("status") or {}).get("phase") in ("Succeeded", "Failed"):
                waiting.discard(name)
                found |= _said(api, namespace, name)
                report(t("{done} of {total} pods are done", done=len(probes) - len(waiting), total=len(probes)))
            elif time.monotonic() > give_up:
                raise WorkError(
                    Problem(
                        t("the pod {name} does not run: {why}", name=name, why=_why(pods[name])),
                        t("Can the nodes pull {image}? Is there room in the quota?", image=image),
                    )
                )
        time.sleep(PAUSE)
    return found


def _said(api: KubeApi, namespace: str, name: str) -> dict[str, dict[str, Any]]:
    text = api.request("GET", f"/api/v1/namespaces/{namespace}/pods/{name}/log", accept="*/*")
    lines = (text.decode() if isinstance(text, bytes) else str(text)).splitlines()
    said = [json.loads(line) for line in lines if line.startswith("{")]
    return {one["id"]: one for one in said}


def _why(pod: Manifest) -> str:
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or ():
        if waiting := (container.get("state") or {}).get("waiting"):
            return f"{waiting.get('reason')}: {waiting.get('message', '')}"[:300]
    return "; ".join(str(c.get("message")) for c in status.get("conditions") or () if c.get("message")) or "?"
