"""The one place where a pod is hardened: every Deployment, StatefulSet and Job of every component passes here.

Pod Security "restricted" (kubernetes.io, Pod Security Standards) asks for non-root, no privilege escalation, all
capabilities dropped and a seccomp profile; a read-only root, no token, requests and limits are ours on top.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ggi.catalogue.component import Prepare, Probe, Process, SecretMount
from ggi.inventory.models import Resources
from ggi.inventory.types import quantity

CPU_HEADROOM = 4
"""A pod may use this many times the CPU it asks for: enough for a burst, too little to starve a neighbour gemeente."""

CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "privileged": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
DRAIN = 10
"""Seconds that a pod goes on answering after it was told to stop. Kubernetes takes it out of the Services at the same
moment as it stops it (kubernetes.io, Pod Lifecycle, Termination of Pods), so without a pause requests still arrive at a
process that is gone; nodes and the gateway learn of it within seconds. The kubelet itself does the waiting, since many
images have no shell (PodLifecycleSleepAction, KEP-3960: on by default from Kubernetes 1.30, stable in 1.34)."""
SCRATCH = "256Mi"
"""Size limit of an emptyDir; uploads pass through it in pieces."""


def cpu_text(cores: float) -> str:
    """Cores as Kubernetes writes them: `2` or `250m`."""
    return str(int(cores)) if cores == int(cores) else f"{round(cores * 1000)}m"


def resources(cpu: float, memory: int, own: Resources | None = None) -> dict[str, dict[str, str]]:
    """Requests and limits from cores and MiB, or from the inventory's own figures."""
    if own is not None:
        request, memory_text = quantity(own.cpu), own.memory
    else:
        request, memory_text = cpu, f"{memory}Mi"
    return {
        "requests": {"cpu": cpu_text(request), "memory": memory_text},
        "limits": {"cpu": cpu_text(max(request * CPU_HEADROOM, 0.5)), "memory": memory_text},
    }


def probe(spec: Probe, host: str) -> dict[str, Any]:
    """A probe as Kubernetes has it. HTTP probes name the Service as host, since Django refuses unknown hosts."""
    result: dict[str, Any] = {
        "periodSeconds": spec.period,
        "timeoutSeconds": spec.timeout,
        "failureThreshold": spec.failures,
    }
    if spec.command:
        result["exec"] = {"command": list(spec.command)}
    elif spec.path:
        headers = [{"name": "Host", "value": host}]
        result["httpGet"] = {"path": spec.path, "port": spec.port, "scheme": spec.scheme, "httpHeaders": headers}
    else:
        result["tcpSocket"] = {"port": spec.port}
    return result


def _probes(process: Process, host: str) -> dict[str, Any]:
    named = {
        "startupProbe": process.startup,
        "livenessProbe": process.liveness,
        "readinessProbe": process.readiness,
    }
    return {key: probe(spec, host) for key, spec in named.items() if spec is not None}


class Mounts:
    """Volumes and where they are mounted, collected for one pod."""

    def __init__(self, prefix: str = "") -> None:
        """`prefix` begins the names of volumes that are this container's alone."""
        self.prefix = prefix
        self.volumes: list[dict[str, Any]] = []
        self.mounts: list[dict[str, Any]] = []

    def scratch(self, paths: Sequence[str]) -> None:
        """An emptyDir per path."""
        for index, path in enumerate(paths):
            name = f"{self.prefix}scratch-{index}"
            self.volumes.append({"name": name, "emptyDir": {"sizeLimit": SCRATCH}})
            self.mounts.append({"name": name, "mountPath": path})

    def claim(self, name: str, claim: str, path: str, read_only: bool) -> None:
        """A volume claim."""
        self.volumes.append({"name": name, "persistentVolumeClaim": {"claimName": claim}})
        mount = {"name": name, "mountPath": path}
        self.mounts.append(mount | ({"readOnly": True} if read_only else {}))

    def add(self, other: Mounts) -> None:
        """The volumes of another container of the pod; claims are shared."""
        known = [volume["name"] for volume in self.volumes]
        self.volumes += [volume for volume in other.volumes if volume["name"] not in known]

    def secret(self, mount: SecretMount) -> None:
        """Keys of a Secret as files, readable by the pod's own group alone."""
        name = f"{self.prefix}secret-{mount.secret}"[:63]
        source: dict[str, Any] = {"secretName": mount.secret, "defaultMode": 0o440}
        if mount.keys:
            source["items"] = [{"key": key, "path": key} for key in mount.keys]
        if mount.optional:
            source["optional"] = True
        self.volumes.append({"name": name, "secret": source})
        self.mounts.append({"name": name, "mountPath": mount.path, "readOnly": True})

    def elsewhere(self, paths: Mapping[str, str]) -> list[dict[str, Any]]:
        """The same mounts, those at a path of `paths` moved to the path that it names."""
        return [{**mount, "mountPath": paths.get(mount["mountPath"], mount["mountPath"])} for mount in self.mounts]

    def files(self, name: str, kind: str, source: str, keys: Mapping[str, str]) -> None:
        """Single files from a ConfigMap or Secret: `keys` maps a key to the file's path."""
        name = f"{self.prefix}{name}"
        if kind == "Secret":
            items = [{"key": key, "path": key} for key in keys]
            self.volumes.append({"name": name, "secret": {"secretName": source, "defaultMode": 0o440, "items": items}})
        else:
            self.volumes.append({"name": name, "configMap": {"name": source}})
        for key, path in keys.items():
            self.mounts.append({"name": name, "mountPath": path, "subPath": key, "readOnly": True})


def container(
    *,
    name: str,
    image: str,
    command: Sequence[str],
    args: Sequence[str],
    env: Mapping[str, str],
    env_from: Sequence[Mapping[str, Any]],
    mounts: Mounts,
    resources: Mapping[str, Any],
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """A container. `extra` are its ports and probes."""
    result: dict[str, Any] = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "securityContext": CONTAINER_SECURITY,
        "resources": resources,
        **extra,
    }
    if command:
        result["command"] = list(command)
    if args:
        result["args"] = list(args)
    if env:
        result["env"] = [{"name": key, "value": value} for key, value in env.items()]
    if env_from:
        result["envFrom"] = list(env_from)
    if mounts.mounts:
        result["volumeMounts"] = mounts.mounts
    return result


def template(
    *containers: Mapping[str, Any],
    labels: Mapping[str, str],
    uid: int,
    files_group: int,
    account: str,
    mounts: Mounts,
    grace: int,
    spread: Mapping[str, str] | None = None,
    restart: str = "",
    prepare: Sequence[Prepare] = (),
    prepare_from: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """A pod template of `containers`, the main one first; the volumes of all are in `mounts`.

    `spread` are the labels to spread by. `prepare` become init containers, as hardened as the main container, with
    `prepare_from` as their `envFrom`.
    """
    spec: dict[str, Any] = {
        "serviceAccountName": account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": uid,
            "runAsGroup": uid,
            "fsGroup": files_group or uid,
            # Not file by file at every start: a volume of documents would take minutes.
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": grace,
        "containers": list(containers),
    }
    if prepare:
        spec["initContainers"] = [_init(step, containers[0], mounts, prepare_from) for step in prepare]
    if mounts.volumes:
        spec["volumes"] = mounts.volumes
    if spread:
        # ScheduleAnyway: when a zone is gone, its pods must be able to run in the others.
        spec["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": key,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": dict(spread)},
            }
            for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        ]
    if restart:
        spec["restartPolicy"] = restart
    return {"metadata": {"labels": dict(labels)}, "spec": spec}


def _init(
    step: Prepare, container: Mapping[str, Any], mounts: Mounts, env_from: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    result = {
        k: container[k] for k in ("image", "imagePullPolicy", "securityContext", "resources", "env") if k in container
    }
    result |= {"name": step.name, "command": list(step.command), "volumeMounts": mounts.elsewhere(step.elsewhere)}
    if env_from:
        result["envFrom"] = list(env_from)
    return result


def drains(process: Process) -> bool:
    """Is there another pod that takes over the requests while this one stops?"""
    return bool(process.ports) and not process.stateful and not process.singleton


def container_extra(process: Process, host: str) -> dict[str, Any]:
    """Ports, probes and the pause before the end of a process, for `container`."""
    extra = _probes(process, host)
    if drains(process):
        extra["lifecycle"] = {"preStop": {"sleep": {"seconds": DRAIN}}}
    if process.ports:
        extra["ports"] = [{"name": p.name, "containerPort": p.number, "protocol": "TCP"} for p in process.ports]
    return extra
