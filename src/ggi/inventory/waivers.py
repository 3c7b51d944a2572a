"""Accepted deviations of one tenant (`policies/waivers/<tenant>.yaml`), as data: who accepted what, why, until when.

Three kinds. A **waiver** accepts one value of one control for a time; a later worsening is a new finding. A control can
be **not applicable**, with a reason. A **plan** carries a finding that may not be accepted (a BIO2 government measure):
it stays a failure in every report, but does not block a change that mends something else.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import re
from collections.abc import Iterable
from functools import cache
from typing import Annotated

from pydantic import Field, model_validator

from ggi.inventory.models import Model
from ggi.inventory.types import Date, EnvironmentName, Line, Matching
from ggi.messages import t

ControlId = Annotated[str, Matching(r"[A-Z]{3}-[0-9]{3}", lambda: t("the id of a control such as POD-001"))]
"""Three letters for the family and a number; never reused."""

Pattern = Annotated[
    str,
    Matching(r"[A-Za-z0-9*?._/>+-]+", lambda: t("a logical name such as openzaak/Deployment/web; * is anything"), 200),
]
"""Matches whole logical names; `*` stands for any characters."""

LONGEST = 366
"""Days that a waiver lasts at most: twelve months."""
PLACEHOLDER = "xxxxxxxx"
"""Stands in a name for the tag that the engine computes (NO_TAG of the catalogue, which builds on this package)."""
SOON = 30
"""Days before the end in which a waiver warns."""


class Deviation(Model):
    """What every deviation says."""

    control: ControlId
    resource: Pattern
    """What it is about, by logical name: openzaak/Deployment/web, or openzaak/*."""
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


class Waiver(Deviation):
    """A deviation that was accepted for a time."""

    value: str
    """The accepted value, as the audit shows it as evidence."""
    approver: Line
    """Role that accepted the risk; another one than the owner."""
    expires: Date
    """Last day, at most twelve months after the decision."""
    compensating: Annotated[str, Field(min_length=10)]
    """What is done instead."""

    @model_validator(mode="after")
    def _lasts_a_year_at_most(self) -> Waiver:
        if self.expires < self.granted:
            raise ValueError(t("it ends before it was granted"))
        if (self.expires - self.granted).days > LONGEST:
            raise ValueError(t("a waiver lasts twelve months at most"))
        if self.owner.casefold() == self.approver.casefold():
            raise ValueError(t("owner and approver must be two roles"))
        return self

    def expired(self, date: dt.date) -> bool:
        """Whether it no longer holds on `date`; the last day counts."""
        return date > self.expires

    def expires_soon(self, date: dt.date) -> bool:
        """Whether it holds, but for 30 days at most."""
        return not self.expired(date) and (self.expires - date).days <= SOON


class NotApplicable(Deviation):
    """A control that has no meaning here."""

    approver: Line


class Plan(Deviation):
    """A finding that will be mended: it stays a failure, and does not block."""

    plan: Annotated[str, Field(min_length=10)]
    """What will be done."""
    due: Date
    """When it will be done; after that it blocks again."""


class WaiverFile(Model):
    """All deviations of one tenant; the file's name is the tenant's id."""

    waivers: list[Waiver] = []
    not_applicable: list[NotApplicable] = []
    plans: list[Plan] = []

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """All of them: waivers, what is not applicable, plans."""
        return (*self.waivers, *self.not_applicable, *self.plans)


@cache
def matcher(pattern: str) -> re.Pattern[str]:
    """A pattern of logical names as a regular expression; `*` is anything, also a slash."""
    return re.compile(fnmatch.translate(pattern))


def admission_data(file: WaiverFile, environment: str, objects: Iterable[tuple[str, str, str, str]]) -> dict[str, str]:
    """The data of the ConfigMap that admission policies read: per control a line per object that may deviate.

    `objects` are (logical name, kind, name in the cluster, that name without its hash or ""). A line is a regular
    expression (RE2) of `Kind/name=evidence`. A waiver allows its accepted value alone; the other two any value. Dates
    are not in it, since neither a landscape nor the API server's rules know the day: an expired waiver refuses the
    next change (control GOV-003), and is gone when it is taken out of the file.
    """
    listed = list(objects)
    lines: dict[str, list[str]] = {}
    for item in file.deviations:
        if not item.covers(environment):
            continue
        value = re.escape(item.value) if isinstance(item, Waiver) else ".*"
        for logical, kind, name, base in listed:
            if matcher(item.resource).match(logical):
                tagged = re.escape(name).replace(PLACEHOLDER, "[0-9a-z]{8}")
                named = f"{re.escape(base)}(-r[0-9]+)?-[0-9a-z]{{8}}" if base else tagged
                lines.setdefault(item.control, []).append(f"^{kind}/{named}={value}$")
    return {control: "\n".join(sorted(found)) for control, found in sorted(lines.items())}
