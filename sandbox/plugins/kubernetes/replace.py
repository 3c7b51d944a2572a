"""Which fields can't change in place: a change of one of them makes a new object.

The list is what the official plugin treats so (provider/pkg/provider/diff.go), because the state has to stay
interchangeable: some are immutable in the API, some (a ConfigMap's data) are not, and are replaced all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.plugins.kubernetes.objects import Object

IDENTITY = ("metadata.name", "metadata.namespace")

_POD = (
    "affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC hostNetwork "
    "hostPID hostname imagePullSecrets nodeName nodeSelector overhead preemptionPolicy priority priorityClassName "
    "readinessGates restartPolicy runtimeClassName schedulerName securityContext serviceAccount serviceAccountName "
    "shareProcessNamespace subdomain terminationGracePeriodSeconds volumes"
)
_CONTAINER = (
    "args command env image imagePullPolicy lifecycle livenessProbe ports readinessProbe resources securityContext "
    "stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir"
)
_VOLUME_SOURCES = (
    "awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk glusterfs "
    "hostPath iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume"
)


def _below(prefix: str, names: str) -> tuple[str, ...]:
    return tuple(f"{prefix}.{name}" for name in names.split())


FIXED: dict[tuple[str, str], tuple[str, ...]] = {
    ("apps/v1", "DaemonSet"): ("spec.selector",),
    ("apps/v1", "Deployment"): ("spec.selector",),
    ("apps/v1", "StatefulSet"): _below(
        "spec", "podManagementPolicy revisionHistoryLimit selector serviceName volumeClaimTemplates"
    ),
    ("batch/v1", "Job"): _below("spec", "completions parallelism selector template"),
    ("policy/v1beta1", "PodDisruptionBudget"): ("spec",),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): ("roleRef",),
    ("storage.k8s.io/v1", "StorageClass"): ("parameters", "provisioner"),
    ("v1", "PersistentVolume"): _below("spec", _VOLUME_SOURCES),
    ("v1", "PersistentVolumeClaim"): _below("spec", "accessModes selector storageClassName volumeName"),
    ("v1", "Pod"): (
        *_below("spec", _POD),
        *_below("spec.containers[*]", _CONTAINER),
        *_below("spec.initContainers[*]", _CONTAINER),
    ),
    ("v1", "ResourceQuota"): ("spec.scopes",),
    ("v1", "Service"): ("spec.clusterIP",),
}


@dataclass(frozen=True, slots=True)
class Mutability:
    """Which kinds of configuration the provider may change in place (off in the official plugin's defaults)."""

    config_maps: bool = False
    secrets: bool = False


def fixed_fields(obj: Object, mutability: Mutability) -> tuple[str, ...]:
    """Return the paths of `obj` whose change means replacement; `[*]` stands for any item of a list."""
    api_version, kind = str(obj.get("apiVersion", "")), str(obj.get("kind", ""))
    immutable = obj.get("immutable") is True
    if (api_version, kind) == ("v1", "Secret"):
        if immutable or not mutability.secrets:
            return (*IDENTITY, "type", "stringData", "data")
        return (*IDENTITY, "type")
    if (api_version, kind) == ("v1", "ConfigMap"):
        return (*IDENTITY, "binaryData", "data") if immutable or not mutability.config_maps else IDENTITY
    return (*IDENTITY, *FIXED.get((api_version, kind), ()))
