"""What kwok simulates: the Stage files of `stages/` as one configuration file, and the nodes."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import yaml

_HERE = Path(__file__).resolve().parent
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C, where there is one: every command that uses the sandbox reads the stages."""


def stages() -> list[dict[str, Any]]:
    """All Stage objects as kwok takes them. `spec.resourceRefs` (a list, ours) becomes one Stage for each entry."""
    found: list[dict[str, Any]] = []
    for path in sorted((_HERE / "stages").glob("*.yaml")):
        for document in yaml.load_all(path.read_text(), Loader=_LOADER):
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
    """The text of kwok's configuration file: YAML documents, each written as JSON, which takes a tenth of the time."""
    return "".join(f"---\n{json.dumps(stage, indent=1, sort_keys=True)}\n" for stage in stages())


def nodes(file: Path = _HERE / "nodes.yaml") -> list[dict[str, Any]]:
    """The Node objects, one in each zone."""
    plan = yaml.load(file.read_text(), Loader=_LOADER)  # noqa: S506
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
