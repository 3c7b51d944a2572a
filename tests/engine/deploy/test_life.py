"""The life of a landscape: made, unchanged, removed, made again; by our command line and by plain Pulumi."""

from __future__ import annotations

import pytest

from ggi.landscape.objects import NAMESPACE
from tests.engine.deploy.place import Place

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def stack(place: Place) -> str:
    """A little landscape that is up."""
    name = place.tenant("GM9921")
    ran = place.up(name)
    assert "pods are simulated" in ran.out.splitlines()[-1]
    return name


def test_after_the_first_up_every_component_is_ready(place: Place, stack: str) -> None:
    status = place.ggi("status", stack, "--sandbox", "--json").json
    assert status["ready"] is True and status["simulated"] is True
    assert status["release"] == {"wanted": "2026.3", "running": "2026.3"}
    assert {c["name"] for c in status["components"]} == {"postgresql", "redis", "openklant"}
    parts = [part for c in status["components"] for part in c["parts"]]
    assert {p["kind"] for p in parts} == {"Cluster", "StatefulSet", "Deployment", "Job"}
    assert all(c["ready"] for c in status["components"]) and all(p["ready"] for p in parts)


def test_every_object_of_the_landscape_is_in_the_cluster_with_the_stack_s_label(place: Place, stack: str) -> None:
    wanted = place.landscape(stack).objects
    live = place.labelled(stack)
    kinds = [name.split(" ")[0] for name in live]
    # Kubernetes makes more under our label: ReplicaSets and Pods of ours, their events.
    for kind in {o.kind for o in wanted}:
        assert kinds.count(kind) >= sum(1 for o in wanted if o.kind == kind), kind
    named = {f"{o.kind} {o.kube_name}" for o in wanted if o.kind not in ("Job", "Secret")}
    assert {f"{o.kind} {o.kube_name}" for o in wanted if "xxxxxxxx" not in o.kube_name} & named <= set(live)


def test_a_second_up_changes_nothing(place: Place, stack: str) -> None:
    before = {key: item["metadata"].get("generation") for key, item in place.objects(stack).items()}
    ran = place.up(stack, "--json")
    assert set(ran.json["changes"]) == {"same"} and ran.json["steps"] == []
    assert ran.json["changes"]["same"] == len(place.landscape(stack).objects)
    assert {key: item["metadata"].get("generation") for key, item in place.objects(stack).items()} == before


def test_a_preview_and_a_refresh_of_what_is_up_show_nothing(place: Place, stack: str) -> None:
    assert place.changes(stack) == {}
    assert place.ggi("refresh", stack, "--sandbox", "--json").json["drift"] == []


def test_plain_pulumi_in_the_printed_environment_finds_nothing_to_do(place: Place, stack: str) -> None:
    count = len(place.landscape(stack).objects)
    # Besides the objects: the stack, the provider and a node per component.
    extra = 2 + 4
    up = place.pulumi(stack, "up", "--yes")
    assert up.text.count(f"{count + extra} unchanged") == 2, "of the preview, and of the update"
    assert not [word for word in (" to create", " to update", " created", " updated", " deleted") if word in up.text]


def test_the_sandbox_writes_no_configuration_into_the_inventory(place: Place, stack: str) -> None:
    assert not [*(place.inventory / "stacks").glob("*")]
    assert (place.state / f"Pulumi.{stack}.yaml").is_file()


def test_plain_pulumi_up_of_a_tenant_with_one_more_component_makes_only_that(place: Place, stack: str) -> None:
    place.tenant("GM9921", components={"openobject": {"enabled": True}})
    try:
        steps = place.changes(stack)
        new = {name for name, op in steps.items() if op == "create"}
        # Others change where they are the other end of a relation, and the budget grows.
        assert {name.split("/")[0] for name in new} <= {"openobject", "platform", "postgresql", "redis"}
        assert any(name.startswith("openobject/Deployment/") for name in new)
        assert "openklant/Deployment/web" not in steps
        place.pulumi(stack, "up", "--yes", "--skip-preview")
    finally:
        place.tenant("GM9921")
    gone = place.changes(stack, "up")
    assert {name for name, op in gone.items() if op == "delete"} == new
    assert not [key for key in place.objects(stack) if "openobject" in key[1] and key[0] != "Event"]


def test_down_leaves_no_object_and_no_record_and_what_plain_pulumi_makes_then_is_unchanged_for_our_up(
    place: Place, stack: str
) -> None:
    ran = place.ggi("down", stack, "--sandbox", "--yes")
    assert f"[{len(place.landscape(stack).objects)}/" in ran.err, "down shows how far it is"
    assert NAMESPACE in ran.err
    assert place.objects(stack) == {}
    assert place.labelled(stack) == []
    assert not place.checkpoint(stack).exists()
    assert place.ggi("status", stack, "--sandbox", "--json", code=1).json["ready"] is False
    again = place.ggi("down", stack, "--sandbox", "--yes")
    assert "there was nothing" in again.out
    made = place.pulumi(stack, "up", "--yes", "--skip-preview")
    assert "created" in made.text
    assert place.changes(stack, "up") == {}
    assert place.ggi("status", stack, "--sandbox", "--json").json["ready"] is True
    place.ggi("down", stack, "--sandbox", "--yes")


def test_without_yes_and_without_somebody_to_ask_nothing_is_changed(place: Place) -> None:
    stack = place.tenant("GM9923")
    ran = place.ggi("up", stack, "--sandbox", code=1)
    assert "Go on?" in ran.text and "nothing more was changed" in ran.text
    assert place.objects(stack) == {}
    place.ggi("down", stack, "--sandbox", code=1)
