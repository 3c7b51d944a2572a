"""What a cluster's own stack holds: policies for everybody, a right to read, and nothing of a tenant."""

from __future__ import annotations

import datetime as dt
from functools import cache

import pytest

from ggi.app.program import desired
from ggi.catalogue.content import load_catalogue
from ggi.controls.kinds import known_kinds
from ggi.controls.load import Controls
from ggi.enforcement.cluster_stack import FINGERPRINT, ROLE, cluster_objects
from ggi.engine.run_context import RunContext
from ggi.errors import InputError
from ggi.inventory.cluster import find_cluster
from ggi.inventory.load import Inventory
from ggi.landscape.objects import Object
from ggi.paths import ROOT
from tests.content import controls

DATE = dt.date(2026, 11, 22)
STACK = "cluster-midden-accp"
SCOPES = {"ClusterRole", "ClusterRoleBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}


@cache
def objects() -> tuple[Object, ...]:
    return tuple(cluster_objects(STACK, controls(), DATE))


def inventory() -> Inventory:
    return Inventory(ROOT / "inventories", load_catalogue().known)


def test_every_object_is_of_the_cluster_and_carries_the_label_of_its_stack() -> None:
    assert {o.kind for o in objects()} == SCOPES
    assert not [o.name for o in objects() if "namespace" in o.body["metadata"]]
    assert {o.body["metadata"]["labels"]["ggi/stack"] for o in objects()} == {STACK}
    assert len({o.name for o in objects()}) == len(objects())


def test_a_tenant_s_stack_owns_its_namespace_and_nothing_outside_it() -> None:
    found = inventory()
    for environment in found.environments():
        for item in desired(RunContext(ROOT / "inventories"), environment.stack).objects:
            place = item.body["metadata"].get("namespace")
            assert place == environment.namespace or (item.kind == "Namespace" and place is None), item.name
            assert item.kind not in SCOPES


def test_a_binding_is_made_after_its_policy() -> None:
    names = [o.name for o in objects()]
    for item in objects():
        assert all(names.index(need) < names.index(item.name) for need in item.needs)
        assert bool(item.needs) is item.kind.endswith("Binding")


def test_auditors_may_read_all_that_can_be_in_a_namespace_but_secrets() -> None:
    (role,) = [o.body for o in objects() if o.kind == "ClusterRole"]
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"get", "list"}
    readable = {(rule["apiGroups"][0], name) for rule in role["rules"] for name in rule["resources"]}
    wanted = {(k.group, k.plural) for k in known_kinds().values() if k.name != "Secret"}
    assert not [one for one in wanted if one not in readable and (one[0], "*") not in readable]
    assert ("", "secrets") not in readable and ("", "*") not in readable and ("*", "*") not in readable
    assert not [name for _, name in readable if "/" in name]
    (binding,) = [o.body for o in objects() if o.kind == "ClusterRoleBinding"]
    assert binding["roleRef"]["name"] == ROLE and [s["kind"] for s in binding["subjects"]] == ["Group"]


def test_the_fingerprint_changes_with_the_controls() -> None:
    def fingerprint(some: Controls | list[object]) -> str:
        return str(cluster_objects(STACK, some, DATE)[0].body["metadata"]["annotations"][FINGERPRINT])  # type: ignore[arg-type]

    assert fingerprint(controls()) == fingerprint(controls())
    assert fingerprint(controls()) != fingerprint([c for c in controls() if c.id != "POD-001"])


def test_a_cluster_is_found_by_its_stack_and_must_have_a_name_of_its_own() -> None:
    found = inventory()
    assert found.cluster(STACK).region == "midden"
    with pytest.raises(InputError, match=r"there is no cluster cluster-midden-acc\n.*cluster-midden-accp"):
        found.cluster("cluster-midden-acc")
    file = found.region("midden")
    with pytest.raises(InputError, match="of several regions: a, b"):
        find_cluster(STACK, [("a", file), ("b", file)])
