"""Accepted deviations of one tenant (`policies/waivers/<tenant>.yaml`), as data: who accepted what, why, until when.

Four kinds. A **waiver** accepts one value of one control for a time; a later worsening is a new finding. A control can
be **not applicable**, with a reason. A **plan** carries a finding that may not be accepted (a BIO2 government measure):
it stays a failure in every report, but does not block a change that mends something else. And a waiver can open a
**lock** of the inventory for one accepted value ("pas toe of leg uit").

A region proposes waivers (`policies/waivers/regions/<region>.yaml`). A proposal has no effect: a gemeente that wants it
**adopts** it in its own file, with its own roles, date and end, and as it reads on that day.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import hashlib
import json
import re
from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, Protocol

from pydantic import Field, model_validator

from ggi.inventory.marks import Free
from ggi.inventory.models import Model
from ggi.inventory.types import Date, EnvironmentName, Line, Matching, Slug
from ggi.messages import t

ControlId = Annotated[
    str,
    Matching(
        r"[A-Z]{3}-[0-9]{3}|[A-Z]{2}-[0-9]{2}",
        lambda: t("the id of a control such as POD-001, or of a recipe such as TM-01"),
    ),
]
"""Three letters for the family and a number; never reused."""

Pattern = Annotated[
    str,
    Matching(r"[A-Za-z0-9*?._/>+-]+", lambda: t("a logical name such as openzaak/Deployment/web; * is anything"), 200),
]
"""Matches whole logical names; `*` stands for any characters."""

Key = Annotated[
    str,
    Matching(r"[a-z][A-Za-z0-9_.-]*", lambda: t("a key of the inventory such as components.postgresql.instances"), 200),
]
"""A key of the inventory, its steps joined by dots."""

LONGEST = 366
"""Days that a waiver lasts at most: twelve months."""
ACCEPTED = "ggi/waivers"
"""Annotation of a namespace with what its admission lets through; `admission_text` writes it."""
PLACEHOLDER = "xxxxxxxx"
"""Stands in a name for the tag that the engine computes (NO_TAG of the catalogue, which builds on this package)."""
SOON = 30
"""Days before the end in which a waiver warns."""


class Decision(Model):
    """What every decision says: why, and who owns what follows from it."""

    environments: list[EnvironmentName] = []
    """Environments in which it holds; default all."""
    reason: Annotated[str, Field(min_length=10)]
    """Why, for a reader who does not know the system."""
    owner: Line
    """Role that owns the risk, not a person's name."""
    granted: Date
    """Date of the decision."""

    def covers(self, environment: str) -> bool:
        """Whether it holds in this environment."""
        return not self.environments or environment in self.environments


class Deviation(Decision):
    """A decision about a control."""

    control: ControlId
    resource: Pattern
    """What it is about, by logical name: openzaak/Deployment/web, or openzaak/*."""

    @property
    def about(self) -> str:
        """What it is about, in one line."""
        return f"{self.control} {self.resource}"


class _Term(Protocol):
    @property
    def granted(self) -> dt.date: ...
    @property
    def expires(self) -> dt.date: ...
    @property
    def owner(self) -> str: ...
    @property
    def approver(self) -> str: ...


def _two_roles(item: Any) -> None:
    """The one who bears a risk does not accept it. Raises ValueError."""
    if item.owner.casefold() == item.approver.casefold():
        raise ValueError(t("owner and approver must be two roles"))


def _check_term(item: _Term) -> None:
    """It ends after it began, within twelve months, and was approved by another role. Raises ValueError."""
    if item.expires < item.granted:
        raise ValueError(t("it ends before it was granted"))
    if (item.expires - item.granted).days > LONGEST:
        raise ValueError(t("a waiver lasts twelve months at most"))
    _two_roles(item)


class Ending(Decision):
    """A decision that accepts a risk for a time."""

    approver: Line
    """Role that accepted the risk; another one than the owner."""
    expires: Date
    """Last day, at most twelve months after the decision."""
    compensating: Annotated[str, Field(min_length=10)]
    """What is done instead."""

    @model_validator(mode="after")
    def _lasts_a_year_at_most(self) -> Ending:
        _check_term(self)
        return self

    def expired(self, date: dt.date) -> bool:
        """Whether it no longer holds on `date`; the last day counts."""
        return date > self.expires

    def expires_soon(self, date: dt.date) -> bool:
        """Whether it holds, but for 30 days at most."""
        return not self.expired(date) and (self.expires - date).days <= SOON


class Waiver(Deviation, Ending):
    """A deviation that was accepted for a time."""

    value: str
    """The accepted evidence, in its canonical form: `replicas=1`. `ggi audit STACK --json` shows it."""


class AdoptedWaiver(Waiver):
    """A waiver that a gemeente took over from its region; it is made when files are read, and never written."""

    proposal: str


class Lock(Ending):
    """A locked value of the inventory that this tenant may have otherwise."""

    key: Key
    value: Any
    """The accepted value, as the inventory says it."""

    @property
    def about(self) -> str:
        """What it is about, in one line."""
        return self.key

    def accepts(self, value: Any) -> bool:
        """Whether this is the accepted value; true is not 1."""
        return json.dumps(value, sort_keys=True, default=str) == json.dumps(self.value, sort_keys=True, default=str)


class NotApplicable(Deviation):
    """A control that has no meaning here."""

    approver: Line
    """Role that decided it; another one than the owner."""

    @model_validator(mode="after")
    def _has_two_roles(self) -> NotApplicable:
        _two_roles(self)
        return self


class RemediationPlan(Deviation):
    """A finding that will be mended: it stays a failure, and does not block."""

    value: str
    """The evidence when the plan was made, in its canonical form; anything else blocks again."""
    plan: Annotated[str, Field(min_length=10)]
    """What will be done."""
    due: Date
    """When it will be done; after that it blocks again."""

    @model_validator(mode="after")
    def _is_due_later(self) -> RemediationPlan:
        if self.due < self.granted:
            raise ValueError(t("it is due before it was granted"))
        return self


class Proposal(Waiver):
    """A waiver that a region proposes to its gemeenten. It covers nothing."""

    id: Slug

    @property
    def reads(self) -> str:
        """v and eight hexadecimal digits that change with every word of it: an adoption names what was read."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return f"v{hashlib.sha256(text.encode()).hexdigest()[:8]}"


class Adoption(Model):
    """A gemeente takes over a proposal of its region, by its own decision."""

    proposal: Annotated[
        str, Matching(r"[a-z0-9-]+/[a-z0-9-]+", lambda: t("a proposal of a region such as midden/one-manager"))
    ]
    """Region and id."""
    reads: Annotated[str, Matching(r"v[0-9a-f]{8}", lambda: t("what `ggi waivers` shows: v and eight digits"))]
    """The proposal as it was read; when the region changes it, it must be adopted anew."""
    environments: list[EnvironmentName] = []
    """Environments in which it holds; default those of the proposal."""
    owner: Line
    """Role of this gemeente that owns the risk."""
    approver: Line
    """Role of this gemeente that accepted it; another one than the owner."""
    granted: Date
    """Date of this gemeente's decision."""
    expires: Date
    """Last day; not after the proposal's own."""

    @model_validator(mode="after")
    def _lasts_a_year_at_most(self) -> Adoption:
        _check_term(self)
        return self


class RegionWaiverFile(Model):
    """What a region proposes; the file's name is the region's."""

    proposals: Annotated[list[Proposal], Free("proposals", unique=("id",))]


class WaiverFile(Model):
    """All deviations of one tenant; the file's name is the tenant's id."""

    waivers: Annotated[list[Waiver], Free("decisions")] = []
    adopted: Annotated[list[Adoption], Free("decisions", unique=("proposal",))] = []
    """Proposals of the region that this gemeente takes over."""
    not_applicable: Annotated[list[NotApplicable], Free("decisions")] = []
    plans: Annotated[list[RemediationPlan], Free("decisions")] = []
    locks: Annotated[list[Lock], Free("decisions")] = []
    """Locked values of the inventory that may differ here."""

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """All that are about controls: waivers, what is not applicable, plans."""
        return (*self.waivers, *self.not_applicable, *self.plans)

    @property
    def ending(self) -> tuple[tuple[Waiver | RemediationPlan | Lock, dt.date], ...]:
        """Every decision that ends, with its last day."""
        return (
            *((item, item.expires) for item in self.waivers),
            *((item, item.expires) for item in self.locks),
            *((item, item.due) for item in self.plans),
        )


@cache
def matcher(pattern: str) -> re.Pattern[str]:
    """A pattern of logical names as a regular expression; `*` is anything, also a slash."""
    return re.compile(fnmatch.translate(pattern))


def admission_line(control: str, kind: str, name: str, base: str, value: str | None) -> str:
    """One line of what admission lets through: the control's id, a space, and a pattern (RE2) of `Kind/name=evidence`.

    `name` is that in the cluster, `base` the name without its hash or "". Without `value`, any evidence will do.
    """
    tagged = re.escape(name).replace(PLACEHOLDER, "[0-9a-z]{8}")
    named = f"{re.escape(base)}(-r[0-9]+)?-[0-9a-z]{{8}}" if base else tagged
    return f"{control} ^{kind}/{named}={'.*' if value is None else re.escape(value)}$"


def admission_text(file: WaiverFile, environment: str, objects: Iterable[tuple[str, str, str, str]]) -> str:
    """What admission policies read of a tenant's deviations: a line per control and object that may deviate.

    `objects` are (logical name, kind, name in the cluster, that name without its hash or ""). A waiver or plan allows
    its own value alone; what is not applicable, any. Dates are not in it, since neither a landscape nor the API
    server's rules know the day: an expired waiver refuses the next change (control GOV-003), and is gone when it is
    taken out of the file.
    """
    listed = list(objects)
    lines = {
        admission_line(
            item.control, kind, name, base, item.value if isinstance(item, Waiver | RemediationPlan) else None
        )
        for item in file.deviations
        if item.covers(environment)
        for logical, kind, name, base in listed
        if matcher(item.resource).match(logical)
    }
    return "\n".join(sorted(lines))
