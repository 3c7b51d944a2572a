"""What goes wrong on the way: throttling, kills, writes without effect, missing rights, newer values."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import uuid

import httpx2
import pytest

from ggi.cookbook.graph.budget import Budget
from ggi.cookbook.graph.client import GraphClient, Request
from ggi.cookbook.judge import Compliance
from ggi.cookbook.reading import Reason
from ggi.cookbook.session import TenantSession
from ggi.errors import WorkError
from tests.unit.m365.place import FakeTime, Signer, World, recipe_ids, wanted

SOME = ["EN-01", "EN-02", "EN-03", "EN-04", "EN-08", "TG-02", "TG-03", "TM-01", "EX-03", "SF-01"]


def complies(world: World, only: list[str] = SOME) -> bool:
    """Whether all of these comply, with nothing in the way."""
    return all(found == {Compliance.COMPLIANT} for found in world.outcomes(only).values())


@pytest.mark.parametrize("every", [2, 5])
@pytest.mark.parametrize("retry_after", ["7", ""])
def test_throttling_at_any_call_only_costs_time(world: World, every: int, retry_after: str) -> None:
    world.state.faults.throttle_every = every
    world.state.faults.retry_after = retry_after
    world.apply(SOME)
    assert world.time.slept
    if retry_after:
        assert 7.0 in world.time.slept
    world.state.faults.throttle_every = 0
    assert complies(world)


def fresh(world: World) -> World:
    """Another tenant as it is delivered."""
    return World(world.folder / uuid.uuid4().hex)


GUARDED = ["EN-01", "EN-02", "EN-03", "EN-08"]
FEW = ["TG-02", "TG-03", "EN-04", "SF-01"]


def calls_of(world: World) -> int:
    """How many calls a run of FEW makes when nothing goes wrong."""
    world.apply(FEW)
    return world.state.calls


def test_throttling_at_each_single_call_changes_nothing(world: World) -> None:
    total = calls_of(world)
    assert total > 20
    for number in range(1, total + 1):
        one = fresh(world)
        one.state.faults.throttle_at, one.state.faults.retry_after = number, "7" if number % 2 else ""
        one.apply(FEW)
        assert one.state.faults.throttle_at == 0
        assert one.state.writes == world.state.writes, f"throttled at call {number}"
        assert any(seconds >= (7.0 if number % 2 else 0.5) for seconds in one.time.slept)
    assert complies(one, FEW)


def test_a_token_that_expires_at_any_call_is_replaced_and_nothing_is_done_twice(world: World) -> None:
    for number in range(1, calls_of(world), 2):
        one = fresh(world)
        one.state.faults.expire_tokens = number
        one.apply(FEW)
        assert one.state.faults.expire_tokens == 0
        assert one.state.writes == world.state.writes, f"expired at call {number}"


def test_a_service_that_goes_away_in_the_middle_leaves_a_run_that_goes_on_later(world: World) -> None:
    for number in range(2, calls_of(world), 5):
        one = fresh(world)
        one.state.faults.down_from = number
        with contextlib.suppress(WorkError):
            one.apply(FEW)
        one.state.faults.down_from = 0
        one.apply(FEW)
        assert complies(one, FEW), f"away from call {number}"
        assert one.journal.run == {}


def test_a_service_that_stays_away_is_not_readable_and_never_compliant(world: World) -> None:
    world.state.faults.broken = 10_000
    found = world.judged("TG-03")
    assert [one.outcome for one in found] == [Compliance.UNREADABLE]
    assert found[0].reason is not None and found[0].reason.reason is Reason.FAILED


class Killed(BaseException):
    """The process dies here."""


@pytest.mark.parametrize("number", range(1, 16))
def test_a_run_that_is_killed_at_any_write_is_resumed_and_remembers_what_was_there(world: World, number: int) -> None:
    before = copy.deepcopy(world.state.data)

    async def killed_run() -> None:
        async with world.session() as session:
            plan = await session.plan(wanted(SOME))

            def die(text: str) -> None:
                if text.startswith("written") and len(session.written) == number:
                    raise Killed

            session.report = die
            await session.apply(plan)

    with pytest.raises(Killed):
        asyncio.run(killed_run())
    assert len(world.journal.run["done"]) == number
    # Nobody is left without a second factor: either the defaults are on, or a policy is enforced.
    graph = world.state.data["graph"]
    policies = graph["/identity/conditionalAccess/policies"]
    enforced = [p for p in policies if p["state"] == "enabled" and p["displayName"].startswith("Cookbook-EN-0")]
    assert graph["/policies/identitySecurityDefaultsEnforcementPolicy"]["isEnabled"] or enforced

    world.apply(SOME)
    assert complies(world)
    assert world.journal.run == {}
    world.release(SOME)
    assert world.state.data["graph"] == before["graph"]
    assert world.state.data["powershell"] == before["powershell"]


@pytest.mark.parametrize("number", range(1, 9))
def test_a_write_whose_answer_is_lost_is_not_done_twice(world: World, number: int) -> None:
    world.state.faults.fail_write = number
    try:
        world.apply(SOME)
    except WorkError:
        world.apply(SOME)
    assert complies(world)
    names = [p["displayName"] for p in world.state.data["graph"]["/identity/conditionalAccess/policies"]]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("place", "recipe"),
    [("/policies/authorizationPolicy", "TG-03"), ("Set-CsTeamsMeetingPolicy", "TM-01"), ("/groupSettings", "TG-02")],
)
def test_a_write_that_is_accepted_without_effect_is_found_and_stops_the_run(
    world: World, place: str, recipe: str
) -> None:
    world.state.faults.silent = (place,)
    with pytest.raises(WorkError, match="had no effect"):
        world.apply([recipe])
    assert Compliance.DRIFT in world.outcomes([recipe])[recipe]


def test_nothing_is_written_after_the_first_write_that_does_not_stick(world: World) -> None:
    world.state.faults.silent = ("Set-CsTeamsMeetingPolicy",)
    with pytest.raises(WorkError, match="had no effect"):
        world.apply(["TM-01", "TX-01", "TX-02"])
    assert world.outcomes(["TX-01", "TX-02"]) == {"TX-01": {Compliance.DRIFT}, "TX-02": {Compliance.DRIFT}}


def test_security_defaults_come_back_when_the_policies_can_not_be_enforced(world: World) -> None:
    group = ["EN-01", "EN-02", "EN-08"]

    async def work() -> None:
        async with world.session() as session:
            plan = await session.plan(wanted(group))

            def spoil(text: str) -> None:
                world.said.append(text)
                if "securityDefaults" in text and text.startswith("written"):
                    world.state.faults.silent = ("/identity/conditionalAccess/policies",)

            session.report = spoil
            await session.apply(plan)

    with pytest.raises(WorkError, match="had no effect"):
        asyncio.run(work())
    assert world.state.data["graph"]["/policies/identitySecurityDefaultsEnforcementPolicy"]["isEnabled"] is True
    assert any(line.startswith("put back: entra/securityDefaults") for line in world.said)


def test_a_write_that_shows_late_is_waited_for(world: World) -> None:
    world.state.faults.invisible_reads = 4
    world.apply(SOME)
    world.state.pending.clear()
    assert complies(world)


def test_a_token_that_expires_in_the_middle_is_replaced(world: World) -> None:
    world.apply(["TG-03"])
    world.state.faults.expire_tokens = world.state.calls + 6
    world.apply(SOME)
    assert complies(world)


def test_an_object_that_somebody_changes_in_between_is_not_overwritten(world: World) -> None:
    world.state.faults.race = 1
    with pytest.raises(WorkError, match="changed by somebody else"):
        world.apply(["TG-03"])
    assert world.state.data["graph"]["/policies/authorizationPolicy"]["allowInvitesFrom"] == "everyone"
    world.apply(["TG-03"])
    assert complies(world, ["TG-03"])


def test_a_plan_that_is_out_of_date_is_not_written(world: World) -> None:
    async def work(session: TenantSession) -> None:
        plan = await session.plan(wanted(["TM-01", "TG-04"]))
        world.state.data["graph"]["/policies/authorizationPolicy"]["guestUserRoleId"] = "another"
        await session.apply(plan)

    async def run() -> None:
        async with world.session() as session:
            await work(session)

    with pytest.raises(WorkError, match="changed by somebody else"):
        asyncio.run(run())


def test_a_value_of_a_newer_service_is_not_readable_and_not_overwritten(world: World) -> None:
    world.state.data["graph"]["/policies/authorizationPolicy"]["allowInvitesFrom"] = "onlyTheMayor"
    (found,) = world.judged("TG-03")
    assert found.outcome is Compliance.UNREADABLE
    assert found.reason is not None and found.reason.reason is Reason.NEWER
    assert "onlyTheMayor" in str(found.reason)
    assert world.apply(["TG-03"]) == 0


def test_a_property_that_the_service_leaves_out_is_never_defaulted(world: World) -> None:
    del world.state.data["graph"]["/policies/authorizationPolicy"]["allowInvitesFrom"]
    (found,) = world.judged("TG-03")
    assert found.outcome is Compliance.UNREADABLE
    assert found.reason is not None and found.reason.reason is Reason.ABSENT


@pytest.mark.parametrize("permission", ["Policy.Read.All", "SharePointTenantSettings", "Global", "Policy.Read.B2B"])
def test_a_missing_right_makes_its_recipes_unreadable_and_never_compliant(world: World, permission: str) -> None:
    world.has_everything()
    granted = world.state.data["granted"]
    for kind in granted:
        left_out = (permission, "Policy.ReadWrite.B2B", "Teams Admin", "Exchange Admin", "Compliance Admin")
        granted[kind] = [p for p in granted[kind] if not p.startswith(left_out)]
    found = world.outcomes()
    unread = {recipe for recipe, outcomes in found.items() if Compliance.UNREADABLE in outcomes}
    assert unread
    assert all(found[recipe] == {Compliance.COMPLIANT} for recipe in set(recipe_ids()) - unread - {"EN-08"})


def test_what_only_an_administrator_may_read_says_so(world: World) -> None:
    world.delegated = False
    reasons = {one.recipe: one.reason.reason for one in world.planned(["TA-01", "TA-02"]).judged if one.reason}
    assert reasons == {"TA-01": Reason.DELEGATED, "TA-02": Reason.DELEGATED}


def test_a_tenant_without_the_licence_is_not_judged(world: World) -> None:
    world.state.data["licences"] = []
    (found,) = world.judged("EN-01")
    assert found.reason is not None and found.reason.reason is Reason.LICENCE


def filled(world: World, count: int) -> None:
    """Put policies of the tenant's own before and after those of the Cookbook."""
    policies = world.state.data["graph"]["/identity/conditionalAccess/policies"]
    own = policies[0]
    policies[1:1] = [{**copy.deepcopy(own), "id": f"p{n}", "displayName": f"Own {n}"} for n in range(count)]


def test_a_list_in_pages_of_three_is_read_to_its_end(world: World) -> None:
    world.apply(GUARDED)
    filled(world, 60)
    before = world.state.calls
    assert complies(world, GUARDED)
    assert world.state.calls - before > 20


def test_five_hundred_pages_are_all_read(world: World) -> None:
    """With a server that does nothing else: what it costs is the client's own."""

    def page(request: httpx2.Request) -> httpx2.Response:
        number = int(request.url.params.get("$skiptoken", "0"))
        link = (
            {"@odata.nextLink": f"{request.url.copy_with(query=None)}?$skiptoken={number + 1}"} if number < 499 else {}
        )
        return httpx2.Response(200, json={"value": [{"id": str(number)}], **link})

    async def work() -> list[str]:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(page))
        signer = Signer(world.tenant, False)
        async with GraphClient(signer, clock=world.time.clock(), rates=world.rates, http=http) as client:
            request = Request("/identity/conditionalAccess/policies", "conditionalAccess")
            answer = await client.rest_of(request, await client.send(request))
            assert client.requests == 500
            return [one["id"] for one in answer.body["value"]]

    assert asyncio.run(work()) == [str(number) for number in range(500)]


def test_a_list_of_which_one_page_fails_is_not_readable_and_nothing_is_made_twice(world: World) -> None:
    world.apply(GUARDED)
    filled(world, 30)
    world.state.faults.down_from = world.state.calls + 12
    found = world.outcomes(["EN-01"])
    assert found == {"EN-01": {Compliance.UNREADABLE}}
    assert world.apply(["EN-01"]) == 0


def test_a_list_that_never_ends_is_not_readable(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.apply(GUARDED)
    filled(world, 30)
    monkeypatch.setattr("ggi.cookbook.graph.client.MOST_PAGES", 5)
    (found,) = world.judged("EN-01")
    assert found.outcome is Compliance.UNREADABLE
    assert "tooManyPages" in str(found.reason)


def test_two_policies_of_one_name_are_not_readable_and_neither_is_written(world: World) -> None:
    world.apply(GUARDED)
    policies = world.state.data["graph"]["/identity/conditionalAccess/policies"]
    one = next(p for p in policies if p["displayName"].startswith("Cookbook-EN-01"))
    policies.append({**copy.deepcopy(one), "id": "another", "state": "disabled"})
    (found,) = world.judged("EN-01")
    assert found.outcome is Compliance.UNREADABLE
    assert found.reason is not None and found.reason.reason is Reason.AMBIGUOUS
    assert world.apply(["EN-01"]) == 0


def test_emergency_accounts_come_before_any_policy(world: World) -> None:
    groups = world.state.data["groups"]
    name = next(iter(groups))
    groups[name] = groups[name][:1]
    with pytest.raises(WorkError, match="has 1 members, 2 are needed"):
        world.apply(SOME)
    del groups[name]
    with pytest.raises(WorkError, match="can't be read"):
        world.apply(SOME)
    assert world.state.writes == 0


def test_policies_are_not_enforced_while_security_defaults_stay(world: World) -> None:
    with pytest.raises(WorkError, match="EN-08"):
        world.apply(["EN-03", "EN-08"])
    assert world.state.writes == 0


def test_report_only_enforces_nothing_and_keeps_security_defaults(world: World) -> None:
    group = ["EN-01", "EN-02", "EN-03", "EN-08"]
    world.apply(group, report_only=True)
    graph = world.state.data["graph"]
    made = [p for p in graph["/identity/conditionalAccess/policies"] if p["displayName"].startswith("Cookbook")]
    assert {p["state"] for p in made} == {"enabledForReportingButNotEnforced"}
    assert graph["/policies/identitySecurityDefaultsEnforcementPolicy"]["isEnabled"] is True
    assert any("report-only" in one.note for one in world.planned(group).judged)
    assert world.apply(group, report_only=True) == 0
    world.apply(group)
    assert complies(world, group)


def test_a_policy_with_a_hole_in_it_does_not_comply(world: World) -> None:
    group = ["EN-01", "EN-02", "EN-03", "EN-08"]
    world.apply(group)
    policies = world.state.data["graph"]["/identity/conditionalAccess/policies"]
    one = next(p for p in policies if p["displayName"].startswith("Cookbook-EN-01"))
    one["conditions"]["users"]["excludeUsers"] = ["somebody"]
    assert world.outcomes(group)["EN-01"] == {Compliance.DRIFT}


def test_a_budget_spaces_requests_evenly() -> None:
    time = FakeTime()

    async def work() -> None:
        budget = Budget(1.0, time.clock())
        for _ in range(5):
            await budget.take()

    asyncio.run(work())
    assert time.now == 4.0
