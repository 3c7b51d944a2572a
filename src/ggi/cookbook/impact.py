"""Who would notice: what Microsoft Graph can count before a policy is enforced, and policies that were never enabled.

Counting needs AuditLog.Read.All, which the recipes themselves do not need; without it the plan says that nothing was
counted, and never that nobody is hit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ggi.cookbook.graph.channel import GraphChannel
from ggi.cookbook.graph.client import GraphClient, Request
from ggi.cookbook.invariants import POLICIES
from ggi.cookbook.judge import Judged
from ggi.cookbook.reading import Reading
from ggi.messages import t

DAYS = 14
WAITING = 30
"""Days in report-only mode after which it is asked whether a policy was forgotten."""
STOPPED = frozenset({"reportOnlyFailure", "reportOnlyInterrupted"})
"""Results of a policy that would have refused a sign-in, or asked for something more."""


@dataclass(frozen=True)
class Hit:
    """What one policy in report-only mode would have stopped: sign-ins, and how many people they were of."""

    policy: str
    sign_ins: int
    people: int


async def hits(client: GraphClient, policies: Iterable[str], now: dt.datetime) -> dict[str, Hit] | str:
    """By the name of a policy what it would have stopped in the last days; or why that could not be counted."""
    wanted = set(policies)
    since = (now - dt.timedelta(days=DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    request = Request(f"/auditLogs/signIns?$filter=createdDateTime ge {since}&$top=999", "reports")
    first = await client.send(request)
    answer = await client.rest_of(request, first) if first.fine else first
    if not answer.fine:
        return answer.error
    found: dict[str, list[str]] = {name: [] for name in wanted}
    for sign_in in answer.body.get("value", []):
        for applied in sign_in.get("appliedConditionalAccessPolicies") or []:
            if applied.get("displayName") in wanted and applied.get("result") in STOPPED:
                found[applied["displayName"]].append(str(sign_in.get("userId", "")))
    return {name: Hit(name, len(people), len(set(people))) for name, people in found.items()}


async def remarks_of(judged: Sequence[Judged], channel: object) -> list[str]:
    """Everything that can be told of these policies now."""
    now = dt.datetime.now(tz=dt.UTC)
    found = list(waiting(judged, now))
    names = reporting(judged)
    if names and isinstance(channel, GraphChannel):
        found += told(await hits(channel.application, names, now))
    return found


def told(found: Mapping[str, Hit] | str) -> Iterator[str]:
    """The same in words. No names: a number is enough to decide by."""
    if isinstance(found, str):
        yield t("not counted who would be stopped: {why}", why=found)
        return
    for hit in found.values():
        yield t(
            "{policy}: in {days} days it would have stopped {count} sign-ins of {people} people",
            policy=hit.policy,
            days=DAYS,
            count=hit.sign_ins,
            people=hit.people,
        )


def waiting(judged: Iterable[Judged], now: dt.datetime) -> Iterator[str]:
    """Policies that report only, and have not been touched for a month."""
    for one in judged:
        if one.ref.resource != POLICIES or not isinstance(one.reading, Reading) or not one.reading.values:
            continue
        if one.reading.values.get("state") != "enabledForReportingButNotEnforced":
            continue
        raw: Mapping[str, Any] = one.reading.raw
        stamp = raw.get("modifiedDateTime") or raw.get("createdDateTime")
        if not stamp:
            continue
        age = now - dt.datetime.fromisoformat(str(stamp).replace("Z", "+00:00"))
        if age.days >= WAITING:
            yield t("{policy} has only reported for {days} days: was it forgotten?", policy=one.ref.item, days=age.days)


def reporting(judged: Iterable[Judged]) -> list[str]:
    """Names of the policies that report only."""
    return [
        one.ref.item
        for one in judged
        if one.ref.resource == POLICIES
        and isinstance(one.reading, Reading)
        and one.reading.values
        and one.reading.values.get("state") == "enabledForReportingButNotEnforced"
    ]
