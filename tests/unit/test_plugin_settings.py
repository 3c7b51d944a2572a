"""The provider's configuration, the fields' managers, and the Python that runs a program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ggi.errors import InputError, WorkError
from sandbox.plugins.kubernetes.managed_fields import merged_managers, with_ignored
from sandbox.plugins.kubernetes.settings import Kubeconfig, ProviderSettings, compare, default_namespace
from sandbox.plugins.kubernetes.wire import Unknown
from sandbox.plugins.python_environment import PythonEnvironment, plugin_version


def kubeconfig(server: str = "https://a.test", namespace: str = "") -> str:
    context = {"cluster": "one", "user": "u"} | ({"namespace": namespace} if namespace else {})
    return json.dumps(
        {
            "current-context": "c",
            "contexts": [{"name": "c", "context": context}, {"name": "d", "context": {"cluster": "two", "user": "u"}}],
            "clusters": [
                {"name": "one", "cluster": {"server": server}},
                {"name": "two", "cluster": {"server": "https://two.test"}},
            ],
            "users": [{"name": "u", "user": {"token": "t0ken-value"}}],
        }
    )


def test_the_same_configuration_is_no_change() -> None:
    assert compare({"kubeconfig": kubeconfig()}, {"kubeconfig": kubeconfig()}).changed == ()


def test_another_path_to_the_same_cluster_replaces_nothing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(kubeconfig(), encoding="utf-8")
    found = compare({"kubeconfig": str(tmp_path / "a")}, {"kubeconfig": str(tmp_path / "b")})
    assert (found.changed, found.replaces) == (("kubeconfig",), ())


def test_another_cluster_replaces_everything_unless_the_identifier_stays() -> None:
    old, new = {"kubeconfig": kubeconfig()}, {"kubeconfig": kubeconfig("https://b.test")}
    assert compare(old, new).replaces == ("kubeconfig",)
    assert compare({"context": "c"} | old, {"context": "d"} | old).replaces == ("context",)
    identified = {"clusterIdentifier": "x"}
    assert compare(old | identified, new | identified).replaces == ()


def test_another_identifier_replaces_and_a_new_or_dropped_one_does_not() -> None:
    assert compare({"clusterIdentifier": "x"}, {"clusterIdentifier": "y"}).replaces == ("clusterIdentifier",)
    assert compare({}, {"clusterIdentifier": "y"}).replaces == ()
    assert compare({"clusterIdentifier": "x"}, {}).replaces == ()


def test_a_connection_that_is_not_known_yet_replaces() -> None:
    assert compare({"kubeconfig": kubeconfig()}, {"kubeconfig": Unknown()}).replaces == ("kubeconfig",)


def test_the_namespace_is_the_providers_then_the_contexts_then_default() -> None:
    named = Kubeconfig.load(kubeconfig(namespace="team"))
    assert default_namespace(ProviderSettings(namespace="mine"), named) == "mine"
    assert default_namespace(ProviderSettings(), named) == "team"
    assert default_namespace(ProviderSettings(), Kubeconfig.load(kubeconfig())) == "default"


def test_the_providers_cluster_takes_the_place_of_the_contexts() -> None:
    found = Kubeconfig.load(kubeconfig()).with_cluster(ProviderSettings(cluster="two"))
    assert found["contexts"][0]["context"]["cluster"] == "two"


def test_a_kubeconfig_that_can_not_be_read_is_refused_without_showing_it() -> None:
    with pytest.raises(InputError) as caught:
        Kubeconfig.load("token: t0ken-value: {")
    assert "t0ken" not in str(caught.value)


def test_client_side_apply_is_refused() -> None:
    with pytest.raises(InputError, match="server-side apply only"):
        ProviderSettings.read({"kubernetes:config:enableServerSideApply": "false"})


def entry(manager: str, operation: str, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, **more}


def test_the_creators_fields_go_to_the_manager_that_applies_from_now_on() -> None:
    fields = [
        entry("pulumi-kubernetes", "Update", {"f:data": {"f:a": {}}}),
        entry("me", "Apply", {"f:data": {"f:b": {}}}),
        entry("by-hand", "Update", {"f:data": {"f:c": {}}}),
        entry("pulumi-kubernetes", "Update", {"f:status": {}}, subresource="status"),
    ]
    merged = merged_managers(fields, "me")
    assert merged[:2] == [fields[2], fields[3]]
    assert (merged[2]["manager"], merged[2]["operation"]) == ("me", "Apply")
    assert merged[2]["fieldsV1"] == {"f:data": {"f:a": {}, "f:b": {}}}


def test_an_ignored_field_is_left_to_its_manager_or_repeated_as_it_is() -> None:
    live = {
        "spec": {"replicas": 7, "paused": True},
        "metadata": {
            "managedFields": [
                entry("scaler", "Update", {"f:spec": {"f:replicas": {}}}),
                entry("me", "Apply", {"f:spec": {"f:paused": {}}}),
            ]
        },
    }
    wanted = {"spec": {"replicas": 2, "paused": False, "image": "x"}}
    assert with_ignored(wanted, live, "me", ["spec.replicas", "spec.paused"]) == {
        "spec": {"paused": True, "image": "x"}
    }
    assert with_ignored(wanted, live, "me", []) is wanted


@pytest.mark.parametrize(
    ("python", "plugin"),
    [
        ("4.34.2", "4.34.2"),
        ("1.0", "1.0.0"),
        ("2.1.0a3", "2.1.0-alpha.3"),
        ("2.1.0rc1", "2.1.0-rc.1"),
        ("1.0.dev1", ""),
    ],
)
def test_a_python_version_is_written_as_a_plugin_version(python: str, plugin: str) -> None:
    assert plugin_version(python) == plugin


def test_the_packages_of_a_virtual_environment_name_their_plugins(tmp_path: Path) -> None:
    library = tmp_path / "my venv" / "lib" / "python3.11" / "site-packages"
    for package, about in (("pulumi_x", {"resource": True}), ("pulumi_none", {"resource": False})):
        (library / package).mkdir(parents=True)
        (library / package / "pulumi-plugin.json").write_text(json.dumps(about), encoding="utf-8")
        (library / f"{package}-1.2.dist-info").mkdir()
    (tmp_path / "my venv" / "bin").mkdir()
    (tmp_path / "my venv" / "bin" / "python").touch()
    environment = PythonEnvironment.resolve(str(tmp_path), {"virtualenv": "my venv"})
    assert [(p.name, p.version) for p in environment.pulumi_packages()] == [("x", "v1.2.0")]
    assert environment.variables()["PATH"].startswith(str(tmp_path / "my venv" / "bin"))


def test_a_virtual_environment_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match="python3 -m venv"):
        PythonEnvironment.resolve(str(tmp_path), {"virtualenv": ".venv"})
    assert PythonEnvironment.resolve(str(tmp_path), {"virtualenv": ".venv"}, must_exist=False).python.name == "python"


def test_another_toolchain_is_refused() -> None:
    with pytest.raises(WorkError, match="poetry"):
        PythonEnvironment.resolve(".", {"toolchain": "poetry"})
