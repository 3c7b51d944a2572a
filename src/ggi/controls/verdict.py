"""What a control says about one thing: the outcome, the evidence, and what to do."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from ggi.errors import Origin
from ggi.inventory.waivers import NotApplicable, RemediationPlan, Waiver


class Outcome(StrEnum):
    """UNKNOWN is never shown or counted as PASS."""

    PASS = "PASS"  # noqa: S105
    FAIL = "FAIL"
    WAIVED = "WAIVED"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    UNKNOWN = "UNKNOWN"


class Enforcement(StrEnum):
    """What a finding does to a change: refuse it, warn of it, or nothing because the control is not in force yet."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a `check.py` yields: one per subject. `evidence` is what was seen; it never holds a secret's value.

    `subject` is a logical name (`openzaak/Deployment/web`), or that of a relation, component or stack.
    Example: `def check(seen: Observation) -> Iterator[Verdict]: ...`; `verdict` makes one.
    """

    subject: str
    outcome: Outcome
    evidence: str = ""
    origin: Origin | None = None
    elsewhere: bool = False
    """Nothing in this place can show it; another place can."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One verdict with everything that a report needs; texts come from the control.

    `origin` is where the inventory causes it. `waiver` is set when the outcome is WAIVED, `not_applicable` when it is
    NOT_APPLICABLE by declaration, `plan` when it stays FAIL but does not block. `note` explains UNKNOWN and the like.
    """

    control: str
    subject: str
    outcome: Outcome
    enforcement: Enforcement
    evidence: str = ""
    note: str = ""
    origin: Origin | None = None
    waiver: Waiver | None = None
    not_applicable: NotApplicable | None = None
    plan: RemediationPlan | None = None
    known_since: dt.date | None = None
    """Set by a baseline: this failure was there when the landscape came in. It stays a failure and does not block."""
    urgent: bool = False
    """An urgent update goes through it. It stays a failure, and somebody must approve it afterwards."""
    elsewhere: bool = False
    """UNKNOWN because nothing in this place can show it; an audit of another place can."""

    @property
    def blocks(self) -> bool:
        """Whether a change with this finding is refused."""
        explained = self.plan is not None or self.known_since is not None or self.urgent
        return self.outcome is Outcome.FAIL and self.enforcement is Enforcement.MANDATORY and not explained
