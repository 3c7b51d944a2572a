"""Everything that is rendered is accepted by a real API server in a namespace that enforces Pod Security, unwarned."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from ggi.catalogue.content import load_catalogue
from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import ApiError
from ggi.engine.secrets import SecretResolver
from ggi.inventory.load import Inventory
from ggi.landscape.build import Landscape, landscape
from ggi.landscape.objects import NAMESPACE, with_tags
from ggi.paths import ROOT
from tests.engine.conftest import SandboxCluster

pytestmark = pytest.mark.timeout(600)

CATALOGUE = load_catalogue()
INVENTORY = Inventory(ROOT / "inventories", CATALOGUE.known)
STACKS = sorted(e.stack for e in INVENTORY.environments())


def built(stack: str) -> Landscape:
    tenant, name = INVENTORY.find(stack)
    return landscape(INVENTORY.environment(tenant, name), CATALOGUE)


class Asked:
    """A client that remembers the server's warnings, and a namespace with the rendered labels."""

    def __init__(self, cluster: SandboxCluster) -> None:
        self.warnings: list[str] = []
        self.api = KubeApi.from_kubeconfig(cluster.kubeconfig, cluster.context, on_warning=self.warnings.append)
        self.made: list[str] = []
        # Of this process alone: the namespaces of another one are deleted while this one still works.
        self.prefix = f"admitted-{uuid.uuid4().hex[:8]}"

    def namespace(self, landscape: Landscape) -> str:
        """Make the landscape's namespace under a name of the test's own, with its service accounts."""
        name = f"{self.prefix}-{landscape.stack}"
        for item in landscape.objects:
            if item.name == NAMESPACE:
                self.made.append(name)
                body = copy.deepcopy(item.body)
                body["metadata"]["name"] = name
                self.api.apply(body, field_manager="tests", force=True)
        for item in landscape.objects:
            if item.kind == "ServiceAccount":
                self.api.apply(moved(item.body, name), field_manager="tests", force=True)
        return name

    def apply(self, body: dict[str, Any]) -> None:
        self.api.apply(body, field_manager="tests", dry_run=True)


def moved(body: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The object in another namespace."""
    return body | {"metadata": body["metadata"] | {"namespace": namespace}}


def pod_of(body: dict[str, Any]) -> dict[str, Any] | None:
    """The pod that a workload would make."""
    spec = body["spec"]
    template = spec.get("jobTemplate", {}).get("spec", spec).get("template") if isinstance(spec, dict) else None
    if body["kind"] not in ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob") or template is None:
        return None
    meta = {"name": body["metadata"]["name"], "labels": template["metadata"].get("labels", {})}
    claims = [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", ())]
    more = [{"name": name, "persistentVolumeClaim": {"claimName": f"{name}-0"}} for name in claims]
    filled = template["spec"] | {"volumes": [*template["spec"].get("volumes", ()), *more]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": filled}


@pytest.fixture(scope="module")
def asked(sandbox_cluster: SandboxCluster) -> Iterator[Asked]:
    found = Asked(sandbox_cluster)
    yield found
    for name in found.made:
        found.api.delete("v1", "Namespace", name)
    found.api.close()


@pytest.mark.parametrize("stack", STACKS)
def test_every_object_and_every_pod_is_accepted_without_a_warning(asked: Asked, stack: str) -> None:
    landscape = built(stack)
    if not landscape.objects:
        pytest.skip("nothing is rendered for it")
    asked.warnings.clear()
    namespace = asked.namespace(landscape)
    pods = 0
    resolver = SecretResolver(bytes(32), stack, lambda path: "given")
    for item in with_tags(landscape.objects, resolver.tag):
        if item.name == NAMESPACE:
            continue
        values = {"data": resolver.data(item.secrets)} if item.secrets else {}
        asked.apply(moved(item.body, namespace) | values)
        if pod := pod_of(item.body) if "spec" in item.body else None:
            pods += 1
            asked.apply(moved(pod, namespace))
    assert pods > 0 and asked.warnings == []


def test_a_pod_that_is_not_hardened_is_refused_there(asked: Asked) -> None:
    landscape = built("gm9901-accp")
    namespace = asked.namespace(landscape)
    pod = next(pod for o in landscape.objects if "spec" in o.body and (pod := pod_of(o.body)))
    bad = copy.deepcopy(moved(pod, namespace))
    bad["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    with pytest.raises(ApiError, match="violates PodSecurity"):
        asked.apply(bad)


def test_a_field_that_kubernetes_does_not_know_is_refused(asked: Asked) -> None:
    landscape = built("gm9901-accp")
    namespace = asked.namespace(landscape)
    item = next(o for o in landscape.objects if o.kind == "Deployment")
    bad = copy.deepcopy(moved(item.body, namespace))
    bad["spec"]["replicaz"] = 2
    with pytest.raises(ApiError, match="replicaz"):
        asked.apply(bad)
