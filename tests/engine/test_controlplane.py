"""The sandbox's control plane: real processes, a real API server, and what kwok simulates behind it."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ggi.engine.kubeapi import KubeApi, Object
from ggi.engine.kubehttp import ForbiddenError, UnreachableError
from ggi.engine.tools import CONTROL_PLANE
from ggi.engine.tools import status as tool_status
from ggi.paths import ROOT
from sandbox import controlplane, processes
from sandbox.controlplane import Sandbox
from sandbox.layout import SIMULATED, Layout

pytestmark = pytest.mark.timeout(300)

T = TypeVar("T")

NAME = "control-plane"
PARTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox of these tests alone, in a state folder of its own; gone afterwards."""
    if missing := [tool.name for tool in CONTROL_PLANE if tool_status(tool).found is None]:
        pytest.skip(f"not built on this machine: {', '.join(missing)} (run ./ggi sandbox start)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GGI_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        try:
            yield controlplane.start(NAME)
        finally:
            controlplane.reset(NAME)


@pytest.fixture
def running(sandbox: Sandbox) -> Sandbox:
    """The same sandbox, complete again whatever the test before did to it."""
    return controlplane.start(NAME)


@pytest.fixture
def api(running: Sandbox) -> Iterator[KubeApi]:
    with running.api() as client:
        yield client


@pytest.fixture
def namespace(api: KubeApi) -> Iterator[str]:
    """A namespace in which Pod Security `restricted` is enforced."""
    name = f"t{time.time_ns() % 10**10}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    eventually(lambda: api.find("v1", "ServiceAccount", "default", name))
    yield name
    api.delete("v1", "Namespace", name)


def eventually(ask: Callable[[], T], seconds: float = 20.0) -> T:
    """The first answer of `ask` that counts as true; the last one after `seconds`."""
    give_up = time.monotonic() + seconds
    while not (answer := ask()) and time.monotonic() < give_up:
        time.sleep(0.05)
    return answer


def pids() -> dict[str, int]:
    return {part["name"]: part["pid"] for part in controlplane.status(NAME)["parts"] if part["pid"]}


def pod_spec(**more: Any) -> dict[str, Any]:
    container = {"name": "app", "image": "example.test/app:1", "securityContext": RESTRICTED}
    return {"containers": [container], "securityContext": {"runAsNonRoot": True}, **more}


def deployment(name: str, replicas: int, annotations: dict[str, str] | None = None) -> Object:
    labels = {"app": name}
    spread = {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": labels},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations or {}},
                "spec": pod_spec(topologySpreadConstraints=[spread]),
            },
        },
    }


def job(name: str, annotations: dict[str, str] | None = None) -> Object:
    template = {"metadata": {"annotations": annotations or {}}, "spec": pod_spec(restartPolicy="Never")}
    spec = {"backoffLimit": 0, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def claim(name: str, storage_class: str, mode: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": [mode],
            "storageClassName": storage_class,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def conditions(found: Object) -> dict[str, tuple[str, int | None]]:
    """Type -> status and observed generation of the conditions of an object."""
    listed = (found.get("status") or {}).get("conditions") or ()
    return {item["type"]: (item["status"], item.get("observedGeneration")) for item in listed}


def test_a_second_start_changes_nothing(running: Sandbox) -> None:
    before, text = pids(), running.kubeconfig.read_text()
    assert set(before) == set(PARTS)
    again = controlplane.start(NAME)
    assert again == running
    assert pids() == before
    assert again.kubeconfig.read_text() == text


@pytest.mark.parametrize("killed", [("etcd",), ("kwok",), PARTS], ids=lambda names: "+".join(names))
def test_a_start_after_a_crash_repairs_what_died_and_keeps_what_was_stored(
    running: Sandbox, killed: tuple[str, ...], namespace: str
) -> None:
    with running.api() as api:
        before = api.cluster_uid()
    for name, pid in pids().items():
        if name in killed:
            os.kill(pid, signal.SIGKILL)
    again = controlplane.start(NAME)
    assert controlplane.status(NAME)["state"] == "running"
    assert again.server == running.server
    with again.api() as api:
        assert api.cluster_uid() == before
        api.apply(deployment("after", 2), field_manager="test", namespace=namespace)
        ready = eventually(lambda: ready_replicas(api, "after", namespace) == 2)
        assert ready


def test_stop_leaves_no_process_and_two_starts_at_once_bring_back_what_was_stored(running: Sandbox) -> None:
    with running.api() as api:
        kept = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}, "data": {"a": "b"}}
        api.apply(kept, field_manager="test", namespace="default")
        before = pids()
        assert controlplane.stop(NAME)
        assert [pid for pid in before.values() if processes.started_at(pid)] == []
        with pytest.raises(UnreachableError):
            api.version()
    stopped = controlplane.status(NAME)
    assert (stopped["state"], stopped["simulated"]) == ("stopped", SIMULATED)
    assert not controlplane.stop(NAME)
    a_pid_file_of_a_process_that_is_not_ours_harms_nobody()

    command = [sys.executable, "-m", "sandbox", "start", "--name", NAME]
    runs = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [run.communicate(timeout=240)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    folder = str(Layout.of(NAME).folder)
    ours = [
        path.parent.name
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if folder.encode() in (path.read_bytes() if path.exists() else b"")
    ]
    assert sorted(map(int, ours)) == sorted(pids().values()), "one control plane"
    with running.api() as api:
        assert api.get("v1", "ConfigMap", "kept", "default")["data"] == {"a": "b"}


def a_pid_file_of_a_process_that_is_not_ours_harms_nobody() -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    run_file = Layout.of(NAME).run / "etcd.json"
    run_file.write_text(f'{{"pid": {stranger.pid}, "started": "another boot:1", "digest": "x"}}')
    controlplane.stop(NAME)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_status_counts_nodes_and_says_what_is_simulated(running: Sandbox) -> None:
    answer = controlplane.status(NAME)
    assert answer["state"] == "running"
    assert answer["nodes"] == {"ready": 3, "total": 3}
    assert answer["simulated"] == "pods are simulated (kwok); no container runs"
    assert all(part["healthy"] and part["port"] and part["memory_mib"] for part in answer["parts"])


def test_everything_listens_on_loopback_only(running: Sandbox) -> None:
    ports = {part["port"] for part in controlplane.status(NAME)["parts"]}
    listening = "0A"
    open_to: dict[int, set[str]] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, port = local.split(":")
            if state == listening and int(port, 16) in ports:
                open_to.setdefault(int(port, 16), set()).add(address)
    assert set(open_to) == ports
    assert {address for addresses in open_to.values() for address in addresses} == {"0100007F"}


def test_pod_security_refuses_a_privileged_pod_for_real(api: KubeApi, namespace: str) -> None:
    container = {"name": "app", "image": "example.test/app:1", "securityContext": {"privileged": True}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bad"}, "spec": {"containers": [container]}}
    with pytest.raises(ForbiddenError, match="violates PodSecurity"):
        api.create(pod, namespace=namespace)


def test_rbac_refuses_what_nobody_granted(api: KubeApi, namespace: str) -> None:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": f"system:serviceaccount:{namespace}:default",
            "resourceAttributes": {"namespace": namespace, "verb": "list", "resource": "secrets"},
        },
    }
    answer = api.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=review)
    assert answer["status"]["allowed"] is False


def ready_replicas(api: KubeApi, name: str, namespace: str) -> int:
    return int(api.get("apps/v1", "Deployment", name, namespace).get("status", {}).get("readyReplicas", 0))


def test_a_deployment_becomes_ready_over_three_zones_and_its_pods_say_that_they_are_simulated(
    api: KubeApi, namespace: str
) -> None:
    api.apply(deployment("web", 3), field_manager="test", namespace=namespace)
    assert eventually(lambda: ready_replicas(api, "web", namespace) == 3)
    pods = api.list("v1", "Pod", namespace, labels="app=web")
    assert {pod["spec"]["nodeName"] for pod in pods} == {"node-a", "node-b", "node-c"}
    for pod in pods:
        ready = next(c for c in pod["status"]["conditions"] if c["type"] == "Ready")
        assert (ready["status"], ready["reason"]) == ("True", "Simulated")


def test_a_deployment_marked_unready_stays_so_and_an_event_says_why(api: KubeApi, namespace: str) -> None:
    bad = deployment("bad", 1, {"sandbox.ggi/outcome": "unready"})
    api.apply(bad, field_manager="test", namespace=namespace)
    reasons = eventually(lambda: [e for e in api.list("v1", "Event", namespace) if e["reason"] == "BackOff"])
    assert reasons
    assert ready_replicas(api, "bad", namespace) == 0


def test_a_job_completes_and_one_that_is_marked_to_fail_fails(api: KubeApi, namespace: str) -> None:
    api.apply(job("good"), field_manager="test", namespace=namespace)
    api.apply(job("bad", {"sandbox.ggi/outcome": "fail"}), field_manager="test", namespace=namespace)

    def outcome(name: str) -> dict[str, tuple[str, int | None]]:
        return conditions(api.get("batch/v1", "Job", name, namespace))

    assert eventually(lambda: outcome("good").get("Complete")) == ("True", None)
    assert eventually(lambda: outcome("bad").get("Failed")) == ("True", None)


def test_a_claim_binds_when_its_class_offers_what_it_asks(api: KubeApi, namespace: str) -> None:
    wanted = {
        "one": ("standard", "ReadWriteOnce", "Bound"),
        "many": ("shared", "ReadWriteMany", "Bound"),
        "wrong": ("standard", "ReadWriteMany", "Pending"),
    }
    for name, (storage_class, mode, _) in wanted.items():
        api.apply(claim(name, storage_class, mode), field_manager="test", namespace=namespace)

    def phase(name: str) -> str:
        found = api.get("v1", "PersistentVolumeClaim", name, namespace)
        return str(found.get("status", {}).get("phase"))

    eventually(lambda: phase("one") == phase("many") == "Bound")
    assert {name: phase(name) for name in wanted} == {name: want for name, (_, _, want) in wanted.items()}
    refusals = eventually(
        lambda: [e for e in api.list("v1", "Event", namespace) if e["reason"] == "ProvisioningFailed"]
    )
    assert {event["involvedObject"]["name"] for event in refusals} == {"wrong"}


def test_the_volume_of_a_deleted_claim_goes_too(api: KubeApi, namespace: str) -> None:
    api.apply(claim("data", "standard", "ReadWriteOnce"), field_manager="test", namespace=namespace)

    def volume() -> str:
        return str(api.get("v1", "PersistentVolumeClaim", "data", namespace)["spec"].get("volumeName", ""))

    name = eventually(volume)
    eventually(lambda: api.get("v1", "PersistentVolume", name).get("status", {}).get("phase") == "Bound")
    api.delete("v1", "PersistentVolumeClaim", "data", namespace)
    assert eventually(lambda: api.find("v1", "PersistentVolume", name) is None)


def test_a_postgres_cluster_becomes_healthy_and_follows_its_spec(api: KubeApi, namespace: str) -> None:
    def cluster() -> Object:
        return api.get("postgresql.cnpg.io/v1", "Cluster", "db", namespace)

    def ready(generation: int) -> bool:
        return conditions(cluster()).get("Ready") == ("True", generation)

    for count in (1, 3):
        manifest = {
            "apiVersion": "postgresql.cnpg.io/v1",
            "kind": "Cluster",
            "metadata": {"name": "db"},
            "spec": {"instances": count, "storage": {"size": "1Gi"}},
        }
        generation = api.apply(manifest, field_manager="test", namespace=namespace)["metadata"]["generation"]
        assert eventually(functools.partial(ready, generation))
        status = cluster()["status"]
        assert (status["readyInstances"], status["phase"]) == (count, "Cluster in healthy state")
        assert "simulated" in status["phaseReason"]


def test_certificates_gateways_routes_and_policies_are_accepted(api: KubeApi, namespace: str) -> None:
    gateway_group = "gateway.networking.k8s.io"
    issuer = {"name": "sandbox", "kind": "ClusterIssuer"}
    backends = [{"backendRefs": [{"name": "web", "port": 80}]}]
    specs: dict[tuple[str, str], dict[str, Any]] = {
        ("cert-manager.io/v1", "Certificate"): {"secretName": "tls", "dnsNames": ["a.test"], "issuerRef": issuer},
        (f"{gateway_group}/v1", "Gateway"): {
            "gatewayClassName": "envoy",
            "listeners": [{"name": "fsc", "port": 443, "protocol": "TLS", "tls": {"mode": "Passthrough"}}],
        },
        (f"{gateway_group}/v1", "HTTPRoute"): {"parentRefs": [{"name": "x"}], "rules": backends},
        (f"{gateway_group}/v1", "TLSRoute"): {
            "parentRefs": [{"name": "x", "sectionName": "fsc"}],
            "hostnames": ["a.test"],
            "rules": backends,
        },
        ("gateway.envoyproxy.io/v1alpha1", "ClientTrafficPolicy"): {
            "targetRefs": [{"group": gateway_group, "kind": "Gateway", "name": "x"}],
            "tls": {"minVersion": "1.2"},
        },
        ("postgresql.cnpg.io/v1", "Database"): {"cluster": {"name": "db"}, "name": "app", "owner": "app"},
    }
    for (api_version, kind), spec in specs.items():
        manifest = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "spec": spec}
        api.apply(manifest, field_manager="test", namespace=namespace)

    def status(kind: str) -> dict[str, Any]:
        api_version = next(version for version, other in specs if other == kind)
        return dict(api.get(api_version, kind, "x", namespace).get("status") or {})

    def seen(kind: str, owner: str = "") -> dict[str, str]:
        found = status(kind)
        holder = (found.get(owner) or [{}])[0] if owner else found
        return {c["type"]: c["status"] for c in holder.get("conditions") or ()}

    assert eventually(lambda: status("Database").get("applied"))
    assert eventually(lambda: seen("Certificate").get("Ready") == "True")
    assert eventually(lambda: seen("Gateway").get("Programmed") == "True")
    assert eventually(lambda: seen("HTTPRoute", "parents") == {"Accepted": "True", "ResolvedRefs": "True"})
    assert eventually(lambda: seen("TLSRoute", "parents") == {"Accepted": "True", "ResolvedRefs": "True"})
    assert eventually(lambda: seen("ClientTrafficPolicy", "ancestors") == {"Accepted": "True"})


def test_an_emptied_sandbox_is_another_cluster_at_the_same_address(running: Sandbox) -> None:
    with running.api() as api:
        before = api.cluster_uid()
    assert controlplane.reset(NAME)
    again = controlplane.start(NAME)
    assert again.server == running.server
    with again.api() as api:
        assert api.cluster_uid() != before
