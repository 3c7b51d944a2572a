"""The Kubernetes client against a real API server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ggi.engine.kubeapi import KubeApi, Object
from ggi.engine.kubehttp import AlreadyExistsError, ConflictError, InvalidError, NotFoundError, UnauthorizedError

if TYPE_CHECKING:
    from tests.engine.conftest import SandboxCluster

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def api(sandbox_cluster: SandboxCluster) -> KubeApi:
    return sandbox_cluster.api


@pytest.fixture
def namespace(api: KubeApi) -> Iterator[str]:
    name = f"kubeapi-{time.time_ns() % 10**10}"
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    api.delete("v1", "Namespace", name)


def config_map(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_a_field_of_another_manager_is_a_conflict_that_force_overrules(api: KubeApi, namespace: str) -> None:
    api.apply(config_map("a", x="1"), field_manager="first", namespace=namespace)
    with pytest.raises(ConflictError) as refused:
        api.apply(config_map("a", x="2"), field_manager="second", namespace=namespace)
    assert refused.value.details["causes"][0]["field"] == ".data.x"
    api.apply(config_map("a", x="2"), field_manager="second", namespace=namespace, force=True)
    assert api.get("v1", "ConfigMap", "a", namespace)["data"] == {"x": "2"}


def test_a_dry_run_answers_with_defaults_and_stores_nothing(api: KubeApi, namespace: str) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"ports": [{"port": 80}], "selector": {"a": "b"}},
    }
    seen = api.apply(service, field_manager="me", namespace=namespace, dry_run=True)
    assert seen["spec"]["type"] == "ClusterIP"
    assert api.find("v1", "Service", "s", namespace) is None


def test_what_is_wrong_names_the_field(api: KubeApi, namespace: str) -> None:
    bad = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "g"}, "spec": {}}
    with pytest.raises(InvalidError, match=r"spec\.gatewayClassName"):
        api.apply(bad, field_manager="me", namespace=namespace)


def test_create_get_and_delete_know_whether_it_is_there(api: KubeApi, namespace: str) -> None:
    made = api.create(config_map("a"), namespace=namespace)
    with pytest.raises(AlreadyExistsError):
        api.create(config_map("a"), namespace=namespace)
    with pytest.raises(ConflictError):
        api.delete("v1", "ConfigMap", "a", namespace, uid="00000000-0000-0000-0000-000000000000")
    assert api.delete("v1", "ConfigMap", "a", namespace, uid=made["metadata"]["uid"]) is not None
    assert api.delete("v1", "ConfigMap", "a", namespace) is None
    with pytest.raises(NotFoundError):
        api.get("v1", "ConfigMap", "a", namespace)


def test_the_kinds_of_patch_do_what_they_say(api: KubeApi, namespace: str) -> None:
    api.create(config_map("a", x="1", y="2"), namespace=namespace)
    api.patch("v1", "ConfigMap", "a", {"data": {"x": None}}, namespace=namespace)
    operations = [{"op": "add", "path": "/data/z", "value": "3"}]
    changed = api.patch("v1", "ConfigMap", "a", operations, namespace=namespace, patch_type="json")
    assert changed["data"] == {"y": "2", "z": "3"}


def test_a_long_list_is_complete_and_many_threads_share_a_client(api: KubeApi, namespace: str) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        made = [*pool.map(lambda number: api.create(config_map(f"n{number}"), namespace=namespace), range(520))]
    names = {item["metadata"]["name"] for item in api.each("v1", "ConfigMap", namespace)}
    assert names >= {item["metadata"]["name"] for item in made}


def test_a_stranger_is_not_let_in(sandbox_cluster: SandboxCluster, api: KubeApi) -> None:
    config = {
        "clusters": [{"name": "a", "cluster": {"server": api.server, "insecure-skip-tls-verify": True}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "users": [{"name": "a", "user": {"token": "invented"}}],
    }
    with KubeApi.from_mapping(config, None, "a") as stranger, pytest.raises(UnauthorizedError):
        stranger.get("v1", "Namespace", "default")
