"""What is a difference, by which path, and which one makes a new object."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.plugins.kubernetes.diff import ChangeKind, compare, parse_path, show_path
from sandbox.plugins.kubernetes.normalise import normalised, prune, quantity
from sandbox.plugins.kubernetes.replace import Mutability, fixed_fields
from sandbox.plugins.kubernetes.wire import Unknown

JSON = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=4), inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(min_size=1, max_size=4), JSON, max_size=4)


def changes(old: dict[str, Any], new: dict[str, Any], *fixed: str) -> dict[str, tuple[str, bool]]:
    return {path: (d.change.value, d.replaces) for path, d in compare(old, new, fixed).found.items()}


@settings(deadline=None)  # a busy machine is no defect
@given(OBJECTS, OBJECTS)
def test_there_is_a_difference_exactly_when_two_objects_differ(old: dict[str, Any], new: dict[str, Any]) -> None:
    def typed(value: Any) -> str:  # True == 1 in Python, and they are not the same in JSON
        return repr(sorted(value.items())) if isinstance(value, dict) else repr(value)

    def key(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: key(v) for k, v in value.items()}
        return [key(v) for v in value] if isinstance(value, list) else typed(value)

    assert bool(changes(old, new)) is (key(old) != key(new))


@settings(deadline=None)  # a busy machine is no defect
@given(OBJECTS)
def test_pruning_to_its_own_shape_changes_nothing(value: dict[str, Any]) -> None:
    assert prune(value, value) == value


@settings(deadline=None)  # a busy machine is no defect
@given(st.lists(st.text('ab.[]"c/', min_size=1, max_size=5) | st.integers(0, 9), min_size=1, max_size=4))
def test_a_path_is_read_back_as_it_was_written(steps: list[str | int]) -> None:
    path = ("root", *steps)
    assert parse_path(show_path(path)) == path


def test_paths_are_written_as_pulumi_does() -> None:
    assert show_path(("spec", "ports", 0, "name")) == "spec.ports[0].name"
    assert show_path(("metadata", "annotations", "a.b/c")) == 'metadata.annotations["a.b/c"]'


def test_each_kind_of_change_has_its_own_path() -> None:
    old = {"spec": {"a": 1, "gone": 1, "list": [1, 2, 3], "env": [{"name": "A", "value": "x"}]}}
    new = {"spec": {"a": 2, "more": {"b": 1}, "list": [1, 9], "env": [{"name": "A"}, {"name": "B"}]}}
    assert changes(old, new) == {
        "spec.a": ("update", False),
        "spec.more": ("add", False),
        "spec.gone": ("delete", False),
        "spec.list[1]": ("update", False),
        "spec.list[2]": ("delete", False),
        "spec.env[0].value": ("delete", False),
        "spec.env[1]": ("add", False),
    }


def test_a_change_at_below_or_around_a_fixed_path_replaces() -> None:
    assert changes({"spec": {"sel": {"a": 1}}}, {"spec": {"sel": {"a": 2}}}, "spec.sel") == {
        "spec.sel.a": ("update", True)
    }
    assert changes({}, {"spec": {"sel": 1}}, "spec.sel") == {"spec": ("add", True)}
    assert changes({}, {"spec": {"other": 1}}, "spec.sel") == {"spec": ("add", False)}
    old, new = {"c": [{"n": 1}]}, {"c": [{"n": 1}, {"n": 2, "image": "x"}]}
    assert changes(old, new, "c[*].image") == {"c[1]": ("add", True)}
    assert changes(old, {"c": [{"n": 2}]}, "c[*].image") == {"c[0].n": ("update", False)}


def test_a_value_that_is_not_known_yet_is_a_change() -> None:
    assert changes({"data": {"a": "x"}}, {"data": {"a": Unknown()}}, "data") == {"data.a": ("update", True)}


def test_ignored_paths_and_what_is_below_them_are_dropped() -> None:
    found = compare({"a": {"b": 1, "c": 1}, "l": [{"x": 1}]}, {"a": {"b": 2, "c": 2}, "l": [{"x": 2}]}, ())
    found.ignore(["a.b", "l[*].x"])
    assert list(found.found) == ["a.c"]
    assert found.found["a.c"].change is ChangeKind.UPDATE


@pytest.mark.parametrize(
    ("left", "right"), [("0.1", "100m"), ("1024Mi", "1Gi"), ("1", 1), ("1e3", "1k"), ("1.5Gi", "1536Mi")]
)
def test_two_spellings_of_a_quantity_are_no_difference(left: object, right: object) -> None:
    assert quantity(left) == quantity(right) is not None
    assert not changes({"limits": {"cpu": left}}, {"limits": {"cpu": right}})
    assert changes({"data": {"cpu": left}}, {"data": {"cpu": right}}), "elsewhere they are texts"


def test_what_the_server_drops_from_its_own_kinds_is_dropped_before_comparing() -> None:
    written = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "n", "labels": {}, "uid": "u", "creationTimestamp": None},
        "spec": {"template": {"spec": {"containers": [{"env": [], "resources": {"limits": {}}}], "nodeSelector": {}}}},
    }
    before = copy.deepcopy(written)
    assert normalised(written) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "n"},
        "spec": {"template": {"spec": {"containers": [{"resources": {}}]}}},
    }
    assert written == before, "the caller's object is not touched"


def test_an_empty_structure_has_a_meaning_and_stays() -> None:
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "spec": {"podSelector": {}, "ingress": [{"from": [{"namespaceSelector": {}}]}]},
    }
    assert normalised(policy) == policy
    volume = {"apiVersion": "v1", "kind": "Pod", "spec": {"volumes": [{"name": "tmp", "emptyDir": {}}]}}
    assert normalised(volume) == volume


def test_a_custom_resource_is_compared_as_it_was_written() -> None:
    route = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "spec": {"rules": [], "labels": {}}}
    assert normalised(route) == route


def test_string_data_becomes_data_as_the_server_makes_it() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "data": {"a": "eA==\n", "b": "no base64!"},
        "stringData": {"a": "y"},
    }
    assert normalised(secret)["data"] == {"a": "eQ==", "b": "no base64!"}
    assert "stringData" not in normalised(secret)


def replaced(api_version: str, kind: str, **content: Any) -> tuple[str, ...]:
    return fixed_fields({"apiVersion": api_version, "kind": kind, **content}, Mutability())


def test_configuration_is_replaced_unless_the_provider_may_change_it() -> None:
    assert "data" in replaced("v1", "ConfigMap")
    assert "data" in replaced("v1", "Secret")
    config, secret = ({"apiVersion": "v1", "kind": kind} for kind in ("ConfigMap", "Secret"))
    assert "data" not in fixed_fields(config, Mutability(config_maps=True))
    assert "data" not in fixed_fields(secret, Mutability(secrets=True))
    assert "type" in fixed_fields(secret, Mutability(secrets=True))
    assert "data" in fixed_fields(config | {"immutable": True}, Mutability(config_maps=True))


def test_every_kind_is_replaced_for_another_name_or_namespace() -> None:
    for kind in ("Deployment", "HTTPRoute", "Secret"):
        assert {"metadata.name", "metadata.namespace"} <= set(replaced("x/v1", kind))
    assert "spec.template" in replaced("batch/v1", "Job")
    assert "roleRef" in replaced("rbac.authorization.k8s.io/v1", "RoleBinding")
