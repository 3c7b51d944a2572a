"""The register of what was accepted, over the whole fleet: every deviation per environment, and what has become of it.

Judged from the plan, since that is where a deviation is accepted for. What ends soonest stands first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ggi.audit.assessment import Assessor
from ggi.errors import Origin
from ggi.inventory.load import Tenant
from ggi.inventory.models import Lifecycle as Life
from ggi.inventory.stack import Stack, StackKind
from ggi.inventory.waiverfiles import Waivers, WaiversOf
from ggi.inventory.waivers import SOON, AdoptedWaiver, Decision, Deviation, Ending, Lock, NotApplicable, RemediationPlan
from ggi.messages import mark


class DeviationKind(StrEnum):
    """What was decided."""

    WAIVER = "waiver"
    PLAN = "plan"
    NOT_APPLICABLE = "not applicable"
    LOCK = "lock"


KINDS = {
    DeviationKind.WAIVER: mark("waiver"),
    DeviationKind.PLAN: mark("plan"),
    DeviationKind.NOT_APPLICABLE: mark("not applicable"),
    DeviationKind.LOCK: mark("lock"),
}


class DeviationState(StrEnum):
    """What has become of it. All but the first three need somebody to act."""

    VALID = "valid"
    SOON = "ends soon"
    LATER = "begins later"
    OTHER = "another value"
    """What it is about deviates in another way than was accepted: a new finding."""
    EXPIRED = "expired"
    UNUSED = "unused"
    """It is about nothing: what deviated is mended, or its pattern is misspelt."""


STATES = {
    DeviationState.VALID: mark("valid"),
    DeviationState.SOON: mark("ends soon"),
    DeviationState.LATER: mark("begins later"),
    DeviationState.OTHER: mark("another value"),
    DeviationState.EXPIRED: mark("expired"),
    DeviationState.UNUSED: mark("unused"),
}
WRONG = frozenset({DeviationState.OTHER, DeviationState.EXPIRED, DeviationState.UNUSED})
"""States with which the register is not in order."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision in one environment. `ends` is its last day, None when it has none; `days` are left until then."""

    kind: DeviationKind
    control: str
    """Id of the control; empty for a lock."""
    resource: str
    """Pattern of logical names, or the key of the inventory."""
    tenant: str
    environment: str
    value: str
    owner: str
    approver: str
    granted: dt.date
    ends: dt.date | None
    days: int | None
    state: DeviationState
    reason: str
    proposal: str
    origin: Origin

    @property
    def stack(self) -> str:
        """Name of the stack."""
        return str(Stack(StackKind.LANDSCAPE, self.tenant, self.environment))


def _state(item: Decision, ends: dt.date | None, matched: bool, accepted: bool, on: dt.date) -> DeviationState:
    if ends is not None and ends < on:
        return DeviationState.EXPIRED
    if item.granted > on:
        return DeviationState.LATER
    if not matched:
        return DeviationState.UNUSED
    if not accepted:
        return DeviationState.OTHER
    return DeviationState.SOON if ends is not None and (ends - on).days <= SOON else DeviationState.VALID


def _entry(one: WaiversOf, item: Decision, environment: str, matched: bool, accepted: bool, on: dt.date) -> Entry:
    ends = item.due if isinstance(item, RemediationPlan) else item.expires if isinstance(item, Ending) else None
    kinds = (
        (Lock, DeviationKind.LOCK),
        (RemediationPlan, DeviationKind.PLAN),
        (NotApplicable, DeviationKind.NOT_APPLICABLE),
    )
    return Entry(
        kind=next((kind for of, kind in kinds if isinstance(item, of)), DeviationKind.WAIVER),
        control=item.control if isinstance(item, Deviation) else "",
        resource=item.resource if isinstance(item, Deviation) else item.key if isinstance(item, Lock) else "",
        tenant=one.tenant,
        environment=environment,
        value=str(getattr(item, "value", "")),
        owner=item.owner,
        approver=str(getattr(item, "approver", "")),
        granted=item.granted,
        ends=ends,
        days=None if ends is None else (ends - on).days,
        state=_state(item, ends, matched, accepted, on),
        reason=item.reason,
        proposal=item.proposal if isinstance(item, AdoptedWaiver) else "",
        origin=one.origin(item),
    )


def entries(assessor: Assessor, one: WaiversOf, tenant: Tenant) -> list[Entry]:
    """What one tenant's file has, per environment, what ends soonest first. Raises InputError.

    Where a decision holds in several environments, those in which it is about nothing are left out, unless it is about
    nothing in all of them.
    """
    names = () if tenant.file.state is Life.MERGED else tenant.environments
    environments = {name: assessor.inventory.environment(tenant, name) for name in names}
    judged = {name: assessor.of_environment(item).deviations() for name, item in environments.items()}
    on = assessor.date
    found: list[Entry] = []
    for item in (*one.file.deviations, *one.file.locks):
        rows = []
        for name in names:
            if not item.covers(name):
                continue
            if isinstance(item, Lock):
                matched = accepted = any(lock is item for lock in environments[name].opened)
            else:
                matched, accepted = id(item) in judged[name].used, id(item) in judged[name].accepted
            rows.append((matched, _entry(one, item, name, matched, accepted, on)))
        if not rows:
            found += [_entry(one, item, name, False, False, on) for name in item.environments or ("",)]
        met = [row for matched, row in rows if matched]
        found += met or [row for _, row in rows]
    return sorted(found, key=lambda e: (e.ends or dt.date.max, e.tenant, e.environment, e.control, e.resource))


@dataclass(frozen=True, slots=True)
class Proposed:
    """A region's proposal, and which of its gemeenten adopted it. It covers none of the others."""

    name: str
    control: str
    resource: str
    value: str
    reads: str
    ends: dt.date
    adopted: tuple[str, ...]
    open: tuple[str, ...]
    """Tenants of the region that did not adopt it."""
    origin: Origin


def proposals(waivers: Waivers, tenants: Iterable[Tenant]) -> list[Proposed]:
    """The proposals of the regions of these tenants."""
    listed = list(tenants)
    found = []
    for region in waivers.regions.values():
        mine = [tenant.id for tenant in listed if tenant.file.region == region.region]
        for proposal in region.proposals.values() if mine else ():
            name = f"{region.region}/{proposal.id}"
            took = tuple(
                i
                for i in mine
                if i in waivers.tenants and any(a.proposal == name for a in waivers.tenants[i].file.adopted)
            )
            found.append(
                Proposed(
                    name,
                    proposal.control,
                    proposal.resource,
                    proposal.value,
                    proposal.reads,
                    proposal.expires,
                    took,
                    tuple(i for i in mine if i not in took),
                    region.origin(proposal),
                )
            )
    return found
