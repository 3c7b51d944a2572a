"""Every recipe, on the stand-in: found, planned, repaired, verified; twice writes nothing; release restores."""

from __future__ import annotations

import copy

import pytest

from ggi.cookbook.judge import Compliance
from tests.unit.m365.place import World, recipe_ids, together


def shape(world: World) -> dict[str, object]:
    """The tenant's settings without ids and times that the service gives."""
    graph = copy.deepcopy(world.state.data["graph"])
    graph["/policies/adminConsentRequestPolicy"].pop("version", None)
    return {"graph": graph, "powershell": copy.deepcopy(world.state.data["powershell"])}


@pytest.mark.parametrize("recipe", list(recipe_ids()))
def test_a_tenant_that_differs_is_found_repaired_verified_and_restored(recipe: str, world: World) -> None:
    group = together(recipe)
    before = shape(world)
    # Security defaults are right as long as nothing replaces them, so EN-08 alone differs by what is planned.
    assert Compliance.DRIFT in world.outcomes(group)[recipe]
    assert world.planned(group).changes

    writes = world.apply(group)
    assert writes
    assert world.outcomes(group)[recipe] == {Compliance.COMPLIANT}
    assert shape(world) != before

    touched = world.state.writes
    assert world.apply(group) == 0
    assert world.state.writes == touched

    world.release(group)
    after = shape(world)
    # What PowerShell made stays: the runner has no cmdlet that removes. Everything else is as it was.
    # RT-02 and TM-14 are made of such objects alone.
    made = {"teams/meetingPolicy", "teams/meetingPolicyAssignment", "purview/retentionPolicy", "purview/retentionRule"}
    for name, objects in before["powershell"].items():  # type: ignore[attr-defined]
        kept = {item: values for item, values in after["powershell"][name].items() if item in objects}  # type: ignore[index]
        assert kept == objects
        assert kept == after["powershell"][name] or name in made  # type: ignore[index]
    assert after["graph"] == before["graph"]
    stays = recipe in ("RT-02", "TM-14")
    assert (Compliance.DRIFT in world.outcomes(group)[recipe]) is not stays
    assert any("stays" in line for line in world.said) is stays


def test_all_recipes_together_make_a_tenant_comply_and_a_second_run_writes_nothing(world: World) -> None:
    plan = world.planned()
    assert {one.recipe for one in plan.drifts()} == set(recipe_ids())
    assert world.apply() == len(plan.changes)
    assert all(found == {Compliance.COMPLIANT} for found in world.outcomes().values())
    assert world.apply() == 0


def test_without_a_stage_nothing_is_written(world: World) -> None:
    from ggi.inventory.m365 import Stage
    from tests.unit.m365.place import wanted

    async def work() -> tuple[int, int, int]:
        async with world.session() as session:
            observed = await session.plan(wanted(stage=Stage.OBSERVE))
            proposed = await session.plan(wanted(stage=Stage.PROPOSE))
            await session.apply(observed)
            await session.apply(proposed)
            return len(observed.changes), len(proposed.changes), len(proposed.proposed)

    import asyncio

    observed, proposed, listed = asyncio.run(work())
    assert (observed, proposed) == (0, 0)
    assert listed > 30
    assert world.state.writes == 0
