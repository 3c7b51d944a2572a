"""The stand-in for the Kubernetes provider, driven by the real engine against a real API server."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.conftest import Project, SandboxCluster

pytestmark = pytest.mark.timeout(600)

FORCE = {"pulumi.com/patchForce": "true"}
CANARY = "canary-4f1c9d27"
ENCODED = base64.b64encode(CANARY.encode()).decode()

Make = Callable[..., Project]


def manifest(project: Project, kind: str, name: str, api: str = "v1", **content: Any) -> dict[str, Any]:
    metadata = {"name": name, "annotations": FORCE | content.pop("annotations", {})}
    if kind != "Namespace":
        metadata["namespace"] = project.namespace
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **content}


def workload(project: Project, image: str = "app:1", replicas: int = 2) -> dict[str, Any]:
    labels = {"app": "web"}
    container = {"name": "web", "image": image, "resources": {"requests": {"cpu": "0.1", "memory": "1024Mi"}}}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "volumes": []}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return manifest(project, "Deployment", "web", "apps/v1", spec=spec)


def job(project: Project, image: str = "migrate:1") -> dict[str, Any]:
    pod = {"restartPolicy": "Never", "containers": [{"name": "migrate", "image": image}]}
    return manifest(project, "Job", "migrate", "batch/v1", spec={"template": {"spec": pod}})


def standard(project: Project) -> Project:
    project.add("namespace", manifest(project, "Namespace", project.namespace))
    project.add("settings", manifest(project, "ConfigMap", "settings", data={"a": "1"}), ("namespace",))
    secret = manifest(project, "Secret", "creds", data={"password": {"secret!": ENCODED}})
    project.add("creds", secret, ("namespace",))
    project.add("web", workload(project), ("settings", "creds"))
    ports = [{"port": 80, "targetPort": 8080}]
    project.add(
        "service", manifest(project, "Service", "web", spec={"selector": {"app": "web"}, "ports": ports}), ("web",)
    )
    project.add("migrate", job(project), ("namespace",))
    rules = {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [],
        "egress": [{"to": [{"namespaceSelector": {}}]}],
    }
    project.add("deny", manifest(project, "NetworkPolicy", "deny", "networking.k8s.io/v1", spec=rules), ("namespace",))
    route = {
        "hostnames": ["web.test"],
        "parentRefs": [{"name": "gateway"}],
        "rules": [{"backendRefs": [{"name": "web", "port": 80}]}],
    }
    gateway = "gateway.networking.k8s.io/v1"
    project.add("route", manifest(project, "HTTPRoute", "web", gateway, spec=route), ("namespace",))
    return project


def test_a_landscape_is_created_stays_unchanged_and_is_gone_after_destroy(
    pulumi_project: Make, sandbox_cluster: SandboxCluster
) -> None:
    project = standard(pulumi_project())
    assert set(project.preview().values()) == {"create"}, "a preview works before the namespace exists"
    assert "10 created" in project.up()
    live = sandbox_cluster.api.get("apps/v1", "Deployment", "web", project.namespace)
    assert live["status"]["availableReplicas"] == 2, "the update waited for the rollout"
    assert project.preview() == {}
    assert "10 unchanged" in project.up()
    assert "10 deleted" in project.run("destroy", "--yes", "--skip-preview", "--stack=dev")
    assert sandbox_cluster.api.find("v1", "Namespace", project.namespace) is None, "the destroy waited"


def test_the_state_has_what_the_official_plugin_keeps_there(pulumi_project: Make) -> None:
    project = standard(pulumi_project())
    project.up()
    stored = project.stored("web")
    assert stored["id"] == f"{project.namespace}/web"
    assert stored["type"] == "kubernetes:apps/v1:Deployment"
    assert stored["outputs"]["__initialApiVersion"] == "apps/v1"
    assert stored["outputs"]["__fieldManager"].startswith("pulumi-kubernetes-")
    assert stored["outputs"]["__inputs"]["spec"]["replicas"] == 2
    assert stored["outputs"]["status"]["availableReplicas"] == 2
    assert project.stored("namespace")["id"] == project.namespace


def test_a_secret_is_in_no_state_no_output_and_no_error(pulumi_project: Make) -> None:
    project = standard(pulumi_project())
    text = project.run("preview", "--diff", "--stack=dev") + project.up("--diff")
    wrong = manifest(project, "Secret", "creds", data={"password": {"secret!": ENCODED + "?"}})
    project.add("creds", wrong, ("namespace",))
    text += project.up("--diff", fails=True)
    text += project.stack_file()
    assert CANARY not in text
    assert ENCODED not in text


def test_a_change_in_place_is_an_update_and_waits_for_the_new_generation(
    pulumi_project: Make, sandbox_cluster: SandboxCluster
) -> None:
    project = standard(pulumi_project())
    project.up()
    project.add("web", workload(project, "app:2", replicas=3), ("settings", "creds"))
    assert project.preview() == {"web": "update"}
    project.up()
    live = sandbox_cluster.api.get("apps/v1", "Deployment", "web", project.namespace)
    assert live["status"]["observedGeneration"] == live["metadata"]["generation"]
    assert live["status"]["updatedReplicas"] == 3
    managers = {entry["manager"] for entry in live["metadata"]["managedFields"] if not entry.get("subresource")}
    assert project.stored("web")["outputs"]["__fieldManager"] in managers


def test_what_the_program_drops_is_removed_from_the_object(
    pulumi_project: Make, sandbox_cluster: SandboxCluster
) -> None:
    project = pulumi_project()
    project.add("namespace", manifest(project, "Namespace", project.namespace, annotations={"a": "1", "b": "2"}))
    project.up()
    project.add("namespace", manifest(project, "Namespace", project.namespace, annotations={"a": "1"}))
    project.up()
    live = sandbox_cluster.api.get("v1", "Namespace", project.namespace)
    assert "b" not in live["metadata"]["annotations"]


def test_a_change_that_the_official_plugin_replaces_is_a_replacement(pulumi_project: Make) -> None:
    project = standard(pulumi_project())
    project.up()
    before = {
        what: project.stored(what)["outputs"]["metadata"]["uid"] for what in ("settings", "creds", "migrate", "web")
    }
    relabelled = workload(project)
    relabelled["spec"]["selector"]["matchLabels"] = relabelled["spec"]["template"]["metadata"]["labels"] = {
        "app": "new"
    }
    project.add("settings", manifest(project, "ConfigMap", "settings", data={"a": "2"}), ("namespace",))
    project.add(
        "creds", manifest(project, "Secret", "creds", data={"password": {"secret!": "YW5kZXJz"}}), ("namespace",)
    )
    project.add("migrate", job(project, "migrate:2"), ("namespace",))
    project.add("web", relabelled, ("settings", "creds"))
    planned = project.preview()
    assert set(planned) == set(before)
    assert set(planned.values()) <= {"replace", "delete-replaced", "create-replacement"}
    project.up()
    after = {what: project.stored(what)["outputs"]["metadata"]["uid"] for what in before}
    assert all(after[what] != before[what] for what in before)


def test_a_new_name_is_made_before_the_old_one_is_deleted(
    pulumi_project: Make, sandbox_cluster: SandboxCluster
) -> None:
    project = standard(pulumi_project())
    project.up()
    project.add("settings", manifest(project, "ConfigMap", "settings-2", data={"a": "2"}), ("namespace",))
    written = project.up("--diff")
    assert (
        written.index("created replacement") < written.index("deleted original")
        if "created replacement" in written
        else True
    )
    assert sandbox_cluster.api.find("v1", "ConfigMap", "settings", project.namespace) is None
    assert sandbox_cluster.api.get("v1", "ConfigMap", "settings-2", project.namespace)["data"] == {"a": "2"}


def test_drift_made_by_hand_is_shown_and_restored(pulumi_project: Make, sandbox_cluster: SandboxCluster) -> None:
    project = standard(pulumi_project())
    project.up()
    api, namespace = sandbox_cluster.api, project.namespace
    api.patch("apps/v1", "Deployment", "web", {"spec": {"replicas": 7}}, namespace=namespace, field_manager="by-hand")
    api.delete("gateway.networking.k8s.io/v1", "HTTPRoute", "web", namespace)
    assert project.preview() == {"web": "update", "route": "create"}
    project.up()
    assert api.get("apps/v1", "Deployment", "web", namespace)["spec"]["replicas"] == 2
    assert api.find("gateway.networking.k8s.io/v1", "HTTPRoute", "web", namespace) is not None
    assert project.preview() == {}


def test_a_field_that_the_program_does_not_name_is_no_drift(
    pulumi_project: Make, sandbox_cluster: SandboxCluster
) -> None:
    """As with the official plugin: what is not in the inputs is not compared. An empty list counts as not named."""
    project = standard(pulumi_project())
    project.up()
    opened = {"spec": {"ingress": [{}]}}
    where = {"namespace": project.namespace, "field_manager": "by-hand"}
    sandbox_cluster.api.patch("networking.k8s.io/v1", "NetworkPolicy", "deny", opened, **where)
    assert project.preview() == {}


def test_a_rollout_that_does_not_come_says_why_and_keeps_a_large_object(pulumi_project: Make) -> None:
    project = standard(pulumi_project())
    stuck = workload(project)
    stuck["metadata"]["annotations"] = FORCE | {"pulumi.com/timeoutSeconds": "3"}
    pod = stuck["spec"]["template"]["spec"]
    pod["nodeSelector"] = {"no-node": "has-this"}
    pod["containers"][0]["env"] = [{"name": f"VARIABLE_{number}", "value": "x" * 100} for number in range(300)]
    project.add("web", stuck, ("settings", "creds"))
    written = project.up(fails=True)
    assert "is not ready after 3 s" in written
    assert "Unschedulable" in written or "FailedScheduling" in written
    assert project.stored("web")["initErrors"]
    del pod["nodeSelector"]
    stuck["metadata"]["annotations"] = FORCE | {"pulumi.com/timeoutSeconds": "300"}
    project.up()
    assert "initErrors" not in project.stored("web")


def test_an_object_that_somebody_else_made_is_refused_and_left_alone(
    pulumi_project: Make, sandbox_cluster: SandboxCluster
) -> None:
    project = standard(pulumi_project())
    sandbox_cluster.api.create(manifest(project, "Namespace", project.namespace))
    theirs = manifest(project, "ConfigMap", "settings", data={"theirs": "yes"})
    sandbox_cluster.api.create(theirs)
    project.remove("namespace")
    for entry in project.entries:
        entry["after"] = [name for name in entry["after"] if name != "namespace"]
    written = project.up(fails=True)
    assert "already exists" in written
    assert "pulumi import" in written
    live = sandbox_cluster.api.get("v1", "ConfigMap", "settings", project.namespace)
    assert live["data"] == {"theirs": "yes"}


def test_an_import_takes_an_existing_object_over(pulumi_project: Make, sandbox_cluster: SandboxCluster) -> None:
    project = pulumi_project()
    sandbox_cluster.api.create(manifest(project, "Namespace", project.namespace))
    sandbox_cluster.api.create(manifest(project, "ConfigMap", "old", data={"a": "1"}))
    wanted = manifest(project, "ConfigMap", "old", data={"a": "1"})
    project.add("old", wanted, import_=f"{project.namespace}/old")
    assert project.preview() == {"old": "import"}
    assert "1 imported" in project.up()
    project.add("old", wanted)
    assert project.preview() == {}


def test_a_failed_job_fails_the_update_at_once_and_the_next_update_goes_on(
    pulumi_project: Make, sandbox_cluster: SandboxCluster
) -> None:
    project = pulumi_project()
    project.add("namespace", manifest(project, "Namespace", project.namespace))
    failing = manifest(
        project,
        "ConfigMap",
        "gate",
        annotations={"pulumi.com/waitFor": "jsonpath={.data.open}=yes", "pulumi.com/timeoutSeconds": "2"},
        data={"open": "no"},
    )
    project.add("gate", failing, ("namespace",))
    written = project.up(fails=True)
    assert "{.data.open}" not in written or "is not ready after 2 s" in written
    assert "not ready after 2 s" in written
    assert project.stored("gate")["id"] == f"{project.namespace}/gate", "the half-made object is in the state"
    api = sandbox_cluster.api
    api.patch("v1", "ConfigMap", "gate", {"data": {"open": "yes"}}, namespace=project.namespace)
    failing["data"]["open"] = "yes"
    project.add("gate", failing, ("namespace",))
    project.up()


def test_a_deletion_that_a_finalizer_holds_up_names_it(pulumi_project: Make, sandbox_cluster: SandboxCluster) -> None:
    project = pulumi_project()
    project.add("namespace", manifest(project, "Namespace", project.namespace))
    held = manifest(project, "ConfigMap", "held", annotations={"pulumi.com/timeoutSeconds": "2"}, data={})
    held["metadata"]["finalizers"] = ["example.test/hold"]
    project.add("held", held, ("namespace",))
    project.up()
    project.remove("held")
    written = project.up(fails=True)
    assert "example.test/hold" in written
    nothing = {"metadata": {"finalizers": None}}
    sandbox_cluster.api.patch("v1", "ConfigMap", "held", nothing, namespace=project.namespace)
    project.up()
    assert "held" not in [resource["urn"].split("::", 3)[3] for resource in project.state()]


def test_an_unreachable_cluster_still_previews_and_says_so_at_up(pulumi_project: Make) -> None:
    project = standard(pulumi_project())
    nowhere = project.folder / "nowhere"
    nowhere.write_text(
        "{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], "
        "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:9'}}], users: [{name: u, user: {token: abc}}]}",
        encoding="utf-8",
    )
    project.provider = {"kubeconfig": str(nowhere)}
    assert set(project.preview().values()) == {"create"}
    assert "unreachable" in project.up(fails=True)
