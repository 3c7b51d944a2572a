"""The contract between plan file and result file, on the stand-in of the runner, for any values."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ggi.cookbook.compare import same
from ggi.cookbook.plan import PlannedWrite
from ggi.cookbook.product import RUNNER, Property, Resource
from ggi.cookbook.reading import Reading, Reason, Ref, Unreadable
from ggi.cookbook.runner import HandRunner, ProcessRunner, RunnerChannel, RunnerSteps, allowed_cmdlets, read_result
from ggi.errors import WorkError
from sandbox.graph.pwsh import Shell
from sandbox.graph.server import make_token
from tests.unit.m365.place import ShellRunner, World, book, server

NAMES = [
    f"{product.product}/{name}"
    for product in book().products.values()
    if product.channel == RUNNER
    for name, resource in product.resources.items()
    if resource.set
]


def values(prop: Property) -> st.SearchStrategy[Any]:
    """Any value of a property."""
    if prop.values:
        return st.sampled_from(prop.values)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "boolean": st.booleans(),
        "integer": st.integers(0, 9999),
        "text": st.text("abcæ'\"$`;&| {}()", min_size=1, max_size=20),
        "list": st.lists(st.sampled_from(["a.test", "b.test", "c.test"]), unique=True),
    }
    return kinds[prop.type]


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, Resource, dict[str, Any]]:
    """A resource and values for some of its properties."""
    name = draw(st.sampled_from(NAMES))
    resource = book().resource(name)
    writable = [path for path, prop in resource.properties.items() if not prop.create_only]
    chosen = draw(st.lists(st.sampled_from(writable), min_size=1, unique=True))
    return name, resource, {path: draw(values(resource.properties[path])) for path in chosen}


@given(changes())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_again_and_written_once(
    world: World, drawn: tuple[str, Resource, dict[str, Any]]
) -> None:
    name, resource, after = drawn
    kept = world.state.data["powershell"][name]
    item = next(iter(kept), "Global") if resource.key else ""
    ref = Ref(name, item)
    runner = ShellRunner(Shell(server().url, make_token(world.tenant, delegated=True)[0]))
    channel = RunnerChannel(book(), runner)

    async def write() -> Any:
        seen = (await channel.read([ref]))[ref]
        assert isinstance(seen, Reading)
        before = {p: seen.values[p] for p in after if p in seen.values} if seen.values else {}
        return [result async for result in channel.write([PlannedWrite(ref, ("X",), before, after, seen)])]

    (first,) = asyncio.run(write())
    assert first.failed is None
    assert all(same(first.seen.values[path], value) for path, value in after.items())
    writes = world.state.writes
    (second,) = asyncio.run(write())
    assert second.failed is None
    assert world.state.writes == writes
    call = runner.plans[1]["steps"][0]["set"]
    assert set(call["parameters"]) <= set(allowed_cmdlets(book())[call["cmdlet"]])


def test_every_step_of_every_recipe_is_within_the_allow_list(world: World) -> None:
    plan = world.planned()
    steps = RunnerSteps(book())
    known = allowed_cmdlets(book())
    made = [steps.write(n, c) for n, c in enumerate(plan.changes) if book().channel(c.ref.resource) == RUNNER]
    assert len(made) > 20
    for step in made:
        for call in (step["get"], step["set"]):
            assert set(call["parameters"]) <= set(known[call["cmdlet"]])


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"contract": 2, "results": []}', '{"contract": 1}', "null"])
def test_what_is_no_result_is_refused(text: str) -> None:
    with pytest.raises(WorkError, match="no result of the runner"):
        read_result(text)


def test_a_result_that_claims_success_without_showing_it_is_not_believed(world: World) -> None:
    class Liar:
        async def run(self, plan: Any) -> Any:
            step = plan["steps"][0]
            seen = [{"name": "Global", "values": {"AllowAnonymousUsersToStartMeeting": True}}]
            outcome = "written" if "set" in step else "read"
            return {"contract": 1, "results": [{"id": step["id"], "outcome": outcome, "objects": seen}]}

    ref = Ref("teams/meetingPolicy", "Global")
    path = "AllowAnonymousUsersToStartMeeting"
    change = PlannedWrite(ref, ("TM-01",), {path: True}, {path: False}, Reading(ref, {path: True}))

    async def work() -> Any:
        return [result async for result in RunnerChannel(book(), Liar()).write([change])]

    (result,) = asyncio.run(work())
    assert result.failed is not None


def test_without_powershell_what_it_would_read_is_not_readable(world: World) -> None:
    channel = RunnerChannel(book(), ProcessRunner(["no-such-pwsh"], world.folder / "x.ps1"))
    ref = Ref("teams/meetingPolicy", "Global")
    (found,) = asyncio.run(channel.read([ref])).values()
    assert isinstance(found, Unreadable)
    assert found.reason is Reason.CHANNEL
    assert "no-such-pwsh" in found.detail


def test_a_plan_that_is_carried_by_hand_goes_out_and_its_result_comes_in(world: World) -> None:
    folder = world.folder / "by-hand"
    channel = RunnerChannel(book(), HandRunner(folder))
    ref = Ref("teams/meetingPolicy", "Global")
    shell = Shell(server().url, make_token(world.tenant, delegated=True)[0])

    def carry() -> None:
        for path in folder.glob("*.plan.json"):
            result = path.with_name(path.name.replace(".plan.", ".result."))
            result.write_text(json.dumps(shell.execute(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")
            path.unlink()

    with pytest.raises(WorkError, match="waits to be run"):
        asyncio.run(channel.read([ref]))
    carry()
    seen = asyncio.run(channel.read([ref]))[ref]
    assert isinstance(seen, Reading) and seen.values is not None
    path = "AllowCloudRecording"
    change = PlannedWrite(ref, ("TM-09",), {path: True}, {path: False}, seen)

    async def write() -> Any:
        return [result async for result in channel.write([change])]

    with pytest.raises(WorkError, match="waits to be run"):
        asyncio.run(write())
    carry()
    (result,) = asyncio.run(write())
    assert result.failed is None
    assert not list(folder.glob("*.result.json"))
