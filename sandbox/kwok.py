"""What kwok simulates: the Stage files of `stages/` as one configuration file, and the nodes."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

_HERE = Path(__file__).resolve().parent


def stages(folder: Path = _HERE / "stages") -> list[dict[str, Any]]:
    """All Stage objects as kwok takes them. `spec.resourceRefs` (a list, ours) becomes one Stage for each entry."""
    found: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            references = document["spec"].pop("resourceRefs", None)
            if references is None:
                found.append(document)
                continue
            for reference in references:
                stage = copy.deepcopy(document)
                stage["spec"]["resourceRef"] = reference
                stage["metadata"]["name"] += f"-{reference['kind'].lower()}"
                found.append(stage)
    return found


def configuration() -> str:
    """The text of kwok's configuration file."""
    return yaml.safe_dump_all(stages(), sort_keys=True)


def nodes(file: Path = _HERE / "nodes.yaml") -> list[dict[str, Any]]:
    """The Node objects, one in each zone."""
    plan = yaml.safe_load(file.read_text())
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": f"node-{zone}",
                "labels": {
                    "kubernetes.io/arch": "amd64",
                    "kubernetes.io/os": "linux",
                    "kubernetes.io/hostname": f"node-{zone}",
                    "topology.kubernetes.io/region": "sandbox",
                    "topology.kubernetes.io/zone": f"sandbox-{zone}",
                },
                "annotations": {"sandbox.ggi/simulated": "no machine is behind this node"},
            },
            "status": {"capacity": plan["capacity"], "allocatable": plan["capacity"]},
        }
        for zone in plan["zones"]
    ]
