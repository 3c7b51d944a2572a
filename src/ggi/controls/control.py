"""What a control is: the model of `control.yaml`, and the control as it is judged with.

Ids are a family and a number, and are never reused. Families, frameworks, kinds and the words of evidence are content:
`ggi.controls.terms` reads them, and the loaders of controls and recipes refuse what no content root has.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from ggi.controls.evidence import Seen, Vocabulary
from ggi.controls.reads import Reads
from ggi.controls.verdict import Enforcement, Verdict
from ggi.errors import Origin
from ggi.inventory.models import Model
from ggi.inventory.types import ENVIRONMENTS, Date, Line
from ggi.inventory.waivers import ControlId
from ggi.messages import language, t

if TYPE_CHECKING:
    from ggi.controls.observation import Observation


class Severity(StrEnum):
    """How bad a finding is. Decides, with the environment, whether it refuses a change."""

    CRITICAL = "critical"
    """Data or the neighbour gemeente is at risk at once: refused in every environment."""
    HIGH = "high"
    """Refused in accp and prod."""
    MEDIUM = "medium"
    """Refused in prod."""
    LOW = "low"
    """Warned of, never refused."""


_MANDATORY: Mapping[Severity, frozenset[str]] = {
    Severity.CRITICAL: frozenset(ENVIRONMENTS),
    Severity.HIGH: frozenset({"accp", "prod"}),
    Severity.MEDIUM: frozenset({"prod"}),
    Severity.LOW: frozenset(),
}


class Measure(StrEnum):
    """What kind of obligation it is; decides whether a deviation can be accepted (BIO2 v1.3, part 1)."""

    GOVERNMENT = "government-measure"
    """An overheidsmaatregel: not waivable, only not applicable or carried with a plan."""
    ISO = "iso-control"
    """A control of ISO 27002, or a practice of ours: waivable with reason, owner and end."""


class Proof(StrEnum):
    """What an auditor can be shown with it."""

    DESIGN = "opzet"
    EXISTENCE = "bestaan"
    OPERATION = "werking"


class Text(Model):
    """A text in both languages."""

    nl: Annotated[str, Field(min_length=3)]
    en: Annotated[str, Field(min_length=3)]

    def __str__(self) -> str:
        return self.nl if language() == "nl" else self.en


class SourceReference(Model):
    """Where a control comes from."""

    framework: Line
    """Its name, as in policies/frameworks/ or policies/frameworks.yaml."""
    version: Line
    id: Line
    text: Text
    """What it asks, in our own words."""

    def __str__(self) -> str:
        return f"{self.framework} {self.version}, {self.id}"


class ControlFile(Model):
    """A control, as its folder's control.yaml says it."""

    id: ControlId
    """Stable; the folder has the same name."""
    title: Text
    """The rule as one sentence: what must hold."""
    why: Text
    """What goes wrong without it."""
    severity: Annotated[Severity, Field(strict=False)]
    since: Date
    """First day on which it counts."""
    measure: Annotated[Measure, Field(strict=False)]
    proof: Annotated[list[Annotated[Proof, Field(strict=False)]], Field(min_length=1)]
    """What it can show at most; what was seen depends on where the audit looked."""
    sources: Annotated[list[SourceReference], Field(min_length=1)]
    kinds: list[Line] = []
    """Kubernetes kinds that it looks at (policies/kinds.yaml); `pods` is every kind that makes pods."""
    facts: list[Literal["landscape", "tenant", "release", "waivers", "domains", "live", "trail"]] = []
    """What a check.py looks at beside objects."""
    when: str = ""
    """CEL: which objects of these kinds are meant; default all."""
    variables: dict[str, str] = {}
    """CEL by name; used as variables.name."""
    cel: str = ""
    """CEL: true when the object complies. Without it, the folder has a check.py."""
    evidence: str = ""
    """CEL: what was seen, without secrets, as codes with values: `replicas=1; no-owners`. A waiver accepts this."""
    seen: Seen = {}
    """The words of its codes; `{value}` stands for the value, `{first}` and `{rest}` for parts of it."""
    shared: list[Line] = []
    """Codes of which policies/evidence.yaml has the words."""
    message: Text
    """What is wrong, as one sentence without values."""
    remediation: Text
    images: bool = False
    """It speaks of the image that runs. Where another one runs under that name, it is never met."""
    inventory: Annotated[str, Field(pattern=r"^[a-z{}_.-]*$")] = ""
    """The key of the inventory that causes it: components.{component}.replicas."""

    @model_validator(mode="after")
    def _fits_together(self) -> ControlFile:
        if self.cel and not self.kinds:
            raise ValueError(t("a control with CEL names the kinds that it looks at"))
        if self.cel and not self.evidence:
            raise ValueError(t("a control with CEL says what it saw: `evidence`"))
        if self.measure is Measure.GOVERNMENT and not any(s.framework == "BIO2" for s in self.sources):
            raise ValueError(t("a government measure cites BIO2"))
        return self


class RetiredControl(Model):
    """An id that is no longer used."""

    id: ControlId
    title: Text
    on: Date
    reason: Text
    successor: ControlId | None = None


class RetiredFile(Model):
    """All ids that are no longer used (policies/controls/retired.yaml)."""

    retired: list[RetiredControl] = []


Check = Callable[["Observation"], Iterable[Verdict]]


@dataclass(frozen=True)
class Control:
    """A control that was read and compiled. `rule` gives 1 (complies), 0 (does not) or 2 (not meant); None: `check`."""

    file: ControlFile
    kinds: frozenset[str]
    origin: Origin
    variables: Mapping[str, str] = field(default_factory=dict)
    rule_text: str = ""
    """The CEL of `rule`, all variables written out."""
    rule: Any | None = None
    evidence: Any | None = None
    check: Check | None = None
    reads: Reads | None = None
    """What `rule` may read of an object."""
    family: Text | None = None
    """What its family is about."""
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    """The words that its evidence is shown in."""

    @property
    def id(self) -> str:
        """The stable id."""
        return self.file.id

    @property
    def is_recipe(self) -> bool:
        """Whether it is a recipe for Microsoft 365, of which an id begins with two letters."""
        return self.id.index("-") == 2

    @property
    def waivable(self) -> bool:
        """Whether a deviation can be accepted."""
        return self.file.measure is not Measure.GOVERNMENT

    def enforcement(self, environment: str, date: dt.date) -> Enforcement:
        """What a finding does to a change of this environment on this date."""
        if date < self.file.since:
            return Enforcement.DISABLED
        mandatory = environment in _MANDATORY[self.file.severity]
        return Enforcement.MANDATORY if mandatory else Enforcement.ADVISORY


def mandatory_environments(severity: Severity) -> tuple[str, ...]:
    """Environments in which a finding of this severity refuses a change."""
    return tuple(name for name in ENVIRONMENTS if name in _MANDATORY[severity])


LIVE_ONLY = frozenset({"live", "domains"})
"""Facts that are known of what runs alone."""


def refuses(control: Control) -> bool:
    """Whether it can refuse a change of a landscape; others count for the exit code of an audit."""
    file = control.file
    if control.is_recipe or (not file.kinds and not file.facts):
        return False
    return bool(file.kinds) or not set(file.facts) <= LIVE_ONLY
