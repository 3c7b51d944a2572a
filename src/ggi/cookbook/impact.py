"""Who would notice: what Microsoft Graph can count before something is written, and policies that were never enabled.

Counting needs two permissions that the recipes themselves do not (RIGHTS); without one the plan says that nothing was
counted and why, and never that nobody is hit. What comes out are numbers and domains, no people.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ggi.cookbook.graph.client import GraphClient, Request
from ggi.cookbook.invariants import POLICIES
from ggi.cookbook.judge import JudgedProperty, JudgedSetting
from ggi.cookbook.plan import WritePlan
from ggi.cookbook.reading import Reading
from ggi.messages import t

RIGHTS = ("AuditLog.Read.All", "User.Read.All")
DAYS = 14
WAITING = 30
"""Days in report-only mode after which it is asked whether a policy was forgotten."""
REPORTING = "enabledForReportingButNotEnforced"
STOPPED = frozenset({"reportOnlyFailure", "reportOnlyInterrupted"})
"""Results of a policy that would have refused a sign-in, or asked for something more."""
MOST_DOMAINS = 5
"""Domains of guests that a plan names; the rest is one number."""


@dataclass(frozen=True)
class Remark:
    """What can be said of one recipe in this tenant; `counts` are the numbers in it, for programs."""

    recipe: str
    text: str
    counts: Mapping[str, int] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """For JSON."""
        return {"recipe": self.recipe, "text": self.text, **self.counts}


class _RefusedError(Exception):
    """Graph did not give what was to be counted."""


@dataclass
class _Logs:
    """What is asked of Graph, each thing once, and at the modest rate that its logs allow."""

    client: GraphClient
    now: dt.datetime
    _known: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)

    async def _all(self, url: str) -> list[Mapping[str, Any]]:
        if url not in self._known:
            request = Request(url, "logs")
            first = await self.client.send(request)
            answer = await self.client.rest_of(request, first) if first.fine else first
            if not answer.fine:
                raise _RefusedError(answer.error)
            self._known[url] = answer.body["value"]
        return self._known[url]

    async def sign_ins(self, also: str = "") -> list[Mapping[str, Any]]:
        """Sign-ins of the last days; `also` narrows the filter."""
        since = (self.now - dt.timedelta(days=DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return await self._all(f"/auditLogs/signIns?$filter=createdDateTime ge {since}{also}&$top=999")

    async def unregistered(self) -> list[Mapping[str, Any]]:
        """People without a second factor."""
        return await self._all(
            "/reports/authenticationMethods/userRegistrationDetails?$filter=isMfaRegistered eq false"
        )

    async def guests(self) -> list[Mapping[str, Any]]:
        """All guest accounts."""
        return await self._all("/users?$filter=userType eq 'Guest'&$select=id,mail,userPrincipalName,userType&$top=999")


Told = tuple[str, Mapping[str, int]]
Count = Callable[[JudgedSetting, JudgedProperty, _Logs], Awaitable[Told | None]]


async def _reported(one: JudgedSetting, line: JudgedProperty, logs: _Logs) -> Told | None:
    """Sign-ins that a policy in report-only mode would have stopped."""
    if line.actual != REPORTING:
        return None
    stopped = [
        str(sign_in.get("userId", ""))
        for sign_in in await logs.sign_ins()
        for applied in sign_in.get("appliedConditionalAccessPolicies") or []
        if applied.get("displayName") == one.ref.item and applied.get("result") in STOPPED
    ]
    counts = {"sign_ins": len(stopped), "people": len(set(stopped))}
    text = t(
        "{policy}: in {days} days it would have stopped {sign_ins} sign-ins of {people} accounts",
        policy=one.ref.item, days=DAYS, **counts,
    )  # fmt: skip
    return text, counts


async def _second_factor(one: JudgedSetting, line: JudgedProperty, logs: _Logs) -> Told | None:
    """People who must register before a second factor is asked."""
    if "mfa" not in (line.wanted.value or []):
        return None
    counts = {"people": len(await logs.unregistered())}
    return t("{people} people have not registered a second factor", **counts), counts


async def _senders(one: JudgedSetting, line: JudgedProperty, logs: _Logs) -> Told | None:
    """Accounts that send mail with a password alone."""
    found = await logs.sign_ins(" and clientAppUsed eq 'Authenticated SMTP'")
    counts = {"sign_ins": len(found), "people": len({str(one.get("userId", "")) for one in found})}
    text = t("in {days} days {people} accounts sent mail by SMTP AUTH ({sign_ins} sign-ins)", days=DAYS, **counts)
    return text, counts


async def _guests(one: JudgedSetting, line: JudgedProperty, logs: _Logs) -> Told | None:
    """Guests whose organisation is not on the list."""
    allowed = {str(domain).casefold() for domain in line.wanted.value}
    domains = Counter(_domain(guest) for guest in await logs.guests())
    others = Counter({name: count for name, count in domains.items() if name not in allowed})
    named = [f"{name} {count}" for name, count in others.most_common(MOST_DOMAINS)]
    rest = others.total() - sum(count for _, count in others.most_common(MOST_DOMAINS))
    counts = {"guests": others.total(), "domains": len(others), "all_guests": domains.total()}
    text = t("{guests} of {all_guests} guests are of {domains} domains that are not on the list", **counts)
    listed = ", ".join([*named, *([t("others {count}", count=rest)] if rest else [])])
    return f"{text}: {listed}" if listed else text, counts


def _domain(guest: Mapping[str, Any]) -> str:
    """The domain of a guest: that of the address, else what Entra ID made of it (name_domain#EXT#@tenant)."""
    mail = str(guest.get("mail") or "")
    if "@" in mail:
        return mail.rpartition("@")[2].casefold()
    return str(guest.get("userPrincipalName") or "").partition("#EXT#")[0].rpartition("_")[2].casefold()


COUNTED: Mapping[tuple[str, str], Count] = {
    (POLICIES, "state"): _reported,
    (POLICIES, "grantControls.builtInControls"): _second_factor,
    ("exchange/transport", "SmtpClientAuthenticationDisabled"): _senders,
    ("entra/invitationDomains", "InvitationsAllowedAndBlockedDomainsPolicy.AllowedDomains"): _guests,
    ("sharepoint/settings", "sharingAllowedDomainList"): _guests,
}
"""What Graph can count, by the setting that would be noticed."""


def countable(plan: WritePlan) -> bool:
    """Whether there is anything in this plan that Graph can count."""
    return any((one.ref.resource, line.wanted.path) in COUNTED for one in plan.drifts() for line in one.lines)


async def count_impact(plan: WritePlan, client: GraphClient) -> list[Remark]:
    """For everything that differs and can be counted, the count, or why there is none."""
    logs = _Logs(client, dt.datetime.now(tz=dt.UTC))
    found: list[Remark] = []
    for one in plan.drifts():
        for line in one.lines:
            count = COUNTED.get((one.ref.resource, line.wanted.path))
            if count is None:
                continue
            try:
                told = await count(one, line, logs)
            except _RefusedError as refused:
                found.append(Remark(one.recipe, t("not counted who would be hit: {why}", why=refused)))
                continue
            if told is not None:
                found.append(Remark(one.recipe, *told))
    return list({(r.recipe, r.text): r for r in found}.values())


def forgotten(judged: Iterable[JudgedSetting], now: dt.datetime | None = None) -> Iterator[Remark]:
    """Policies that have only reported for a month, since they were made or last changed. Costs no request."""
    for one in judged:
        reading = one.reading
        if one.ref.resource != POLICIES or not isinstance(reading, Reading) or not reading.values:
            continue
        stamp = reading.raw.get("modifiedDateTime") or reading.raw.get("createdDateTime")
        if reading.values.get("state") != REPORTING or not stamp:
            continue
        days = ((now or dt.datetime.now(tz=dt.UTC)) - dt.datetime.fromisoformat(str(stamp))).days
        if days >= WAITING:
            text = t("{policy} has only reported for {days} days: was it forgotten?", policy=one.ref.item, days=days)
            yield Remark(one.recipe, text, {"days": days})
