"""Who would notice: counted where Graph can say so, said not to be counted where it can not."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence

import pytest

from ggi.cookbook.impact import RIGHTS, Remark, count_impact, countable, forgotten
from ggi.cookbook.show import plan_data, plan_lines
from tests.unit.m365.place import World, book, wanted

POLICIES = ["EN-01", "EN-02", "EN-03", "EN-08"]


def remarks(world: World, only: Sequence[str]) -> list[Remark]:
    """What is counted for a plan."""

    async def work() -> list[Remark]:
        async with world.session() as session:
            assert world.app is not None
            return await count_impact(await session.plan(wanted(only)), world.app)

    return asyncio.run(work())


def test_sign_ins_that_a_policy_would_have_stopped_are_counted_before_it_is_enforced(world: World) -> None:
    world.apply(POLICIES, report_only=True)
    found = {remark.text.split(":")[0]: dict(remark.counts) for remark in remarks(world, ["EN-01", "EN-03"])}
    # Of fresh.yaml, in 14 of its 30 days: 6 + 3 + 2 sign-ins a day with old protocols, by three accounts.
    assert found["Cookbook-EN-01-legacy-authentication"] == {"sign_ins": 14 * 11, "people": 3}
    assert found["Cookbook-EN-03-device-code"] == {"sign_ins": 14, "people": 1}


def test_a_policy_that_is_not_there_yet_has_stopped_nobody_and_is_not_counted_as_harmless(world: World) -> None:
    assert remarks(world, ["EN-01"]) == []
    told = [remark.text for remark in remarks(world, ["EN-02"])]
    assert told == ["9 people have not registered a second factor"]


def test_senders_and_guests_are_counted_and_domains_of_the_list_are_not(world: World) -> None:
    (senders,) = remarks(world, ["EX-02"])
    assert dict(senders.counts) == {"sign_ins": 14 * 9, "people": 2}
    (guests,) = remarks(world, ["TG-05"])
    assert dict(guests.counts) == {"guests": 7, "domains": 2, "all_guests": 19}
    assert guests.text.endswith("leverancier.test 5, advies.test 2")
    assert "polderveen" not in guests.text, "it is on the list of the example"


def test_a_long_list_of_domains_ends_in_a_number_and_a_guest_without_an_address_has_a_domain(world: World) -> None:
    world.state.data["guests"] = {f"d{n}.test": 1 for n in range(9)}
    (guests,) = remarks(world, ["SF-03"])
    assert guests.text.endswith("others 4")
    from ggi.cookbook.impact import _domain

    assert _domain({"mail": None, "userPrincipalName": "a_b_advies.test#EXT#@x.onmicrosoft.test"}) == "advies.test"


@pytest.mark.parametrize(("right", "recipe"), [("AuditLog.Read.All", "EX-02"), ("User.Read.All", "TG-05")])
def test_without_the_right_nothing_is_counted_and_it_says_so(world: World, right: str, recipe: str) -> None:
    assert right in RIGHTS
    world.state.data["granted"]["application"].remove(right)
    (remark,) = remarks(world, [recipe])
    assert remark.text.startswith("not counted") and right in remark.text
    assert not remark.counts


def test_logs_are_asked_once_and_at_their_own_modest_rate(world: World) -> None:
    world.apply(POLICIES, report_only=True)
    world.rates = {**world.rates, "logs": 0.5}
    assert world.app is not None
    before = world.time.now
    remarks(world, POLICIES)
    # 294 sign-ins in pages of 100, one list of registrations: 4 requests, 2 seconds apart.
    assert world.time.now - before == pytest.approx(6.0, abs=1.0)


def test_a_plan_shows_what_was_counted_with_its_recipe(world: World) -> None:
    plan = world.planned(["EX-02", "TM-01"])
    assert countable(plan)
    assert not countable(world.planned(["TM-01"]))
    found = remarks(world, ["EX-02"])
    lines = list(plan_lines(plan, book(), found))
    block = lines[next(n for n, line in enumerate(lines) if line.startswith("EX-02")) :]
    assert any("2 accounts sent mail by SMTP AUTH" in line for line in block)
    assert plan_data(plan, found)["impact"][0]["people"] == 2


def test_a_policy_that_has_only_reported_for_a_month_is_asked_about_at_no_cost(world: World) -> None:
    world.apply(POLICIES, report_only=True)
    policies = world.state.data["graph"]["/identity/conditionalAccess/policies"]
    policies[-1]["modifiedDateTime"] = "2026-01-01T00:00:00Z"
    judged = world.planned(POLICIES).judged
    now = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    assert [remark.counts for remark in forgotten(judged, now)] == [{"days": 59}]
    assert not list(forgotten(judged, dt.datetime(2026, 1, 20, tzinfo=dt.UTC)))
