"""What files must agree on with each other, and what the calendar makes of them. Dates are given, never the clock's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ggi.errors import Origin, Problem, raise_if
from ggi.inventory.models import Lifecycle
from ggi.inventory.registry import Registry
from ggi.inventory.resolve import Environment
from ggi.inventory.stack import Stack, StackKind
from ggi.inventory.tenant import Tenant
from ggi.inventory.types import ENVIRONMENTS, release_order
from ggi.inventory.validate import nearest, origin_of
from ggi.inventory.waiverfiles import Waivers
from ggi.messages import t

MOST_BEHIND = 2
"""A stack may be this many releases behind; then its next upgrade skips more than its supplier tests (our own rule)."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that only one stack can have: `what` says in words what it is, `key` makes it unique."""

    what: str
    key: tuple[str, ...]
    stack: str
    origin: Origin


def check_claims(claims: Iterable[Claim], problems: list[Problem]) -> None:
    """Two stacks with the same host name, namespace or database are a problem."""
    first: dict[tuple[str, ...], Claim] = {}
    for claim in claims:
        holder = first.setdefault(claim.key, claim)
        if holder.stack != claim.stack:
            problems.append(
                Problem(
                    t("{stack} and {other} both have {what}", stack=claim.stack, other=holder.stack, what=claim.what),
                    t("Give one of them another one; the other says so in {place}.", place=holder.origin),
                    claim.origin,
                )
            )


def check_oins(tenants: Iterable[Tenant], problems: list[Problem]) -> None:
    """An OIN names one organisation (Logius, OIN-Stelsel)."""
    first: dict[str, Tenant] = {}
    for tenant in tenants:
        oin = tenant.file.oin
        if oin is None:
            continue
        holder = first.setdefault(oin, tenant)
        if holder is not tenant:
            problems.append(
                Problem(
                    t("{tenant} and {other} have the same OIN {oin}", tenant=tenant.id, other=holder.id, oin=oin),
                    t("Correct one of them; the other is in {place}.", place=origin_of(holder.tree, "oin")),
                    origin_of(tenant.tree, "oin"),
                )
            )


def check_codes(
    tenants: Sequence[Tenant],
    registry: Registry,
    on: dt.date,
    problems: list[Problem],
    warnings: list[Problem],
    unread: Collection[str] = (),
) -> None:
    """Codes that ended, and both ends of every herindeling, on the date `on`. `unread` are ids whose file is wrong."""
    by_code = {tenant.code: tenant for tenant in tenants if tenant.code}
    for tenant in tenants:
        code, change = tenant.code, tenant.file.herindeling
        if code is None:
            continue
        ended = registry.successions.get(code)
        if change is None:
            if ended is not None:
                _undeclared(tenant, ended.into, ended.date, on, problems, warnings)
            continue
        place = origin_of(tenant.tree, "herindeling")
        if ended is not None and (ended.into, ended.date) != (change.into, change.date):
            message = t("the registry says that {code} goes on in {into} from {date} on", code=code, into=ended.into,
                        date=ended.date)  # fmt: skip
            problems.append(Problem(message, t("Correct this, or the registry."), place))
        successor = by_code.get(change.into)
        into = origin_of(tenant.tree, "herindeling", "into")
        if not registry.knows(change.into):
            problems.append(Problem(t("{code} is not in the registry of gemeenten", code=change.into), "", into))
        elif successor is None and change.into.lower() in unread:
            continue
        elif successor is None:
            message = t("{code} has no tenant file that could take over", code=change.into)
            warnings.append(Problem(message, t("Write one: ggi new {code}", code=change.into), into))
        elif successor.file.herindeling is not None and successor.file.herindeling.into == code:
            problems.append(Problem(t("{one} and {two} go on in each other", one=code, two=change.into), "", into))
        elif successor.file.state not in (Lifecycle.ACTIVE, Lifecycle.ONBOARDING):
            message = t("{code} takes over, but its state is {state}", code=change.into, state=successor.file.state)
            problems.append(Problem(message, t("Name a gemeente that stays."), into))
        if change.date <= on and tenant.file.state is not Lifecycle.MERGED:
            message = t(
                "{tenant} is part of {into} since {date}", tenant=tenant.name, into=change.into, date=change.date
            )
            warnings.append(Problem(message, t("When its data went over, write `state: merged`."), place))
        if change.date > on and tenant.file.state is Lifecycle.MERGED:
            message = t("{tenant} is merged, but goes on until {date}", tenant=tenant.name, date=change.date)
            problems.append(Problem(message, t("Write `state: active`."), origin_of(tenant.tree, "state")))


def refuse_ended(tenant: Tenant, registry: Registry, on: dt.date) -> None:
    """Raise InputError when the gemeente went up into another one: its landscape is no longer changed."""
    ended: list[Problem] = []
    check_codes([tenant], registry, on, ended, [])
    raise_if(ended)


def _undeclared(
    tenant: Tenant, into: str, date: dt.date, on: dt.date, problems: list[Problem], warnings: list[Problem]
) -> None:
    """The registry knows of an end that the tenant's file does not mention."""
    fix = t("Write `{example}`.", example=f"herindeling: {{into: {into}, date: {date}}}")
    place = origin_of(tenant.tree, "gemeente")
    code = tenant.code
    if date <= on:
        message = t("{code} ({name}) is part of {into} since {date}", code=code, name=tenant.name, into=into, date=date)
        problems.append(Problem(message, fix, place))
    else:
        message = t(
            "{code} ({name}) will be part of {into} on {date}", code=code, name=tenant.name, into=into, date=date
        )
        warnings.append(Problem(message, fix, place))


def check_dates(tenants: Iterable[Tenant], on: dt.date, warnings: list[Problem]) -> None:
    """Dates that passed while the file still says otherwise."""
    for tenant in tenants:
        leaving = tenant.file.offboarding
        if leaving is not None and leaving.date < on and leaving.export_verified is None:
            message = t("{tenant} left on {date}; its export was not verified", tenant=tenant.name, date=leaving.date)
            fix = t("Let the receiving party confirm the export, then write `export_verified`.")
            warnings.append(Problem(message, fix, origin_of(tenant.tree, "offboarding")))
        for name, block in tenant.file.environments.items():
            if tenant.file.state is Lifecycle.ONBOARDING and block.live is not None and block.live < on:
                stack = Stack(StackKind.LANDSCAPE, tenant.id, name)
                message = t("{stack} went live on {date}, and is still onboarding", stack=stack, date=block.live)
                fix = t("Write `state: active`, or another date.")
                warnings.append(Problem(message, fix, origin_of(tenant.tree, "environments", name)))


def check_releases(
    environments: Iterable[Environment], releases: Mapping[str, dt.date], on: dt.date, warnings: list[Problem]
) -> None:
    """Releases that lie far behind, or that run in productie before they were tried.

    `releases` gives the date of each one; those of after `on` do not count.
    """
    out = sorted((name for name, date in releases.items() if date <= on), key=release_order)
    tried: dict[str, list[Environment]] = {}
    for environment in environments:
        behind = sum(release_order(name) > release_order(environment.release) for name in out)
        place = environment.origin("release")
        if behind > MOST_BEHIND:
            message = t("{stack} is {count} releases behind", stack=environment.stack, count=behind)
            warnings.append(Problem(message, t("The newest is {name}.", name=out[-1]), place))
        for earlier in tried.setdefault(environment.tenant.id, []):
            before = ENVIRONMENTS.index(earlier.name) < ENVIRONMENTS.index(environment.name)
            if before and release_order(earlier.release) < release_order(environment.release):
                message = t("{stack} has a newer release than {other}", stack=environment.stack, other=earlier.stack)
                warnings.append(Problem(message, t("Try a release in the earlier environment first."), place))
        tried[environment.tenant.id].append(environment)


def check_waiver_files(
    waivers: Waivers, folder: Path, tenants: Collection[str], regions: Collection[str], problems: list[Problem]
) -> None:
    """Files beside the inventory (its parent is `folder`) for a tenant or region that it does not have.

    A further content root may serve another inventory, and so may the checkout's own.
    """
    for one in waivers.tenants.values():
        if one.root == folder and one.tenant not in tenants:
            message = t("there is no tenant {name}", name=one.tenant)
            problems.append(Problem(message, nearest(one.tenant, tenants), one.tree.origin))
    for region in waivers.regions.values():
        if region.root == folder and region.region not in regions:
            message = t("there is no region {name}", name=region.region)
            problems.append(Problem(message, nearest(region.region, regions), region.tree.origin))


def check_locks(
    waivers: Waivers, environments: Iterable[Environment], on: dt.date, problems: list[Problem], warnings: list[Problem]
) -> None:
    """Waivers that open locks: none is expired on the date `on`, and each opens one in these environments."""
    opened: dict[str, set[int]] = {}
    for environment in environments:
        opened.setdefault(environment.tenant.id, set()).update(map(id, environment.opened))
    for tenant, used in opened.items():
        for lock in waivers.locks(tenant):
            place = waivers.tenants[tenant].origin(lock)
            if lock.expired(on):
                message = t("the waiver of {key} ended on {date}", key=lock.key, date=lock.expires)
                fix = t("Take the value out of the tenant's file, or have it accepted anew.")
                problems.append(Problem(message, fix, place))
            elif lock.expires_soon(on):
                message = t("the waiver of {key} ends on {date}", key=lock.key, date=lock.expires)
                warnings.append(Problem(message, t("Take the value back, or have it accepted anew in time."), place))
            if id(lock) not in used:
                message = t("this waiver opens no lock: {key} is not locked, or has another value", key=lock.key)
                problems.append(Problem(message, t("Remove it, or correct its key or value."), place))
