"""Hands out volumes: a folder of this machine for every claim of the sandbox's storage classes.

Block storage belongs to the node on which the claim's first pod runs; shared storage is the same folder on every node.
A folder goes when its claim does.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ggi.engine.kubeapi import KubeApi

PROVISIONERS = {"block.sandbox.ggi": False, "shared.sandbox.ggi": True}
"""Provisioner of a storage class, and whether all nodes see the volume."""
SELECTED = "volume.kubernetes.io/selected-node"
PROVISIONED = "pv.kubernetes.io/provisioned-by"
MANAGER = "ggi-sandbox-volumes"


def volume_of(claim: dict[str, Any], provisioner: str, folder: Path, nodes: list[str]) -> dict[str, Any]:
    """The PersistentVolume for a claim: kind `local`, since `hostPath` ignores the pod's group."""
    metadata, spec = claim["metadata"], claim["spec"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"pvc-{metadata['uid']}", "annotations": {PROVISIONED: provisioner}},
        "spec": {
            "accessModes": spec["accessModes"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            # The folder is ours to remove: `Delete` would ask a volume plug-in that does not exist.
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": spec["storageClassName"],
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                **{key: metadata[key] for key in ("name", "namespace", "uid")},
            },
            "local": {"path": str(folder)},
            "nodeAffinity": {
                "required": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": nodes}]}
                    ]
                }
            },
        },
    }


def provide(api: KubeApi, folder: Path) -> None:
    """Make what claims wait for, remove what nobody claims any more. Raises ApiError."""
    classes = {item["metadata"]["name"]: item["provisioner"] for item in api.list("storage.k8s.io/v1", "StorageClass")}
    nodes = sorted(item["metadata"]["name"] for item in api.list("v1", "Node"))
    for claim in api.list("v1", "PersistentVolumeClaim"):
        provisioner = classes.get(claim["spec"].get("storageClassName") or "", "")
        if provisioner not in PROVISIONERS or claim["spec"].get("volumeName"):
            continue
        shared = PROVISIONERS[provisioner]
        selected = (claim["metadata"].get("annotations") or {}).get(SELECTED)
        if not shared and (selected is None or "ReadWriteMany" in claim["spec"]["accessModes"]):
            continue
        place = folder / f"pvc-{claim['metadata']['uid']}"
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o777)
        wanted = volume_of(claim, provisioner, place, nodes if shared else [str(selected)])
        api.apply(wanted, field_manager=MANAGER, force=True)
    for volume in api.list("v1", "PersistentVolume"):
        ours = (volume["metadata"].get("annotations") or {}).get(PROVISIONED) in PROVISIONERS
        if ours and volume["status"].get("phase") == "Released":
            api.request("DELETE", f"/api/v1/persistentvolumes/{volume['metadata']['name']}")
            shutil.rmtree(volume["spec"]["local"]["path"], ignore_errors=True)
