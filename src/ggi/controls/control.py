"""What a control is: the model of `control.yaml`, and the control as it is judged with.

Ids are a family of three letters and a number, and are never reused:
POD pods, IMG images, NET network, TLS encryption, CRT certificates, SEC secrets, IDM identity, APP application
configuration, LOG logging, AVL availability, DAT data and databases, FSC exchange with other organisations, API the
rules for APIs, DOM domains for web and mail, SUP suppliers, GOV the tenant file and the process around it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from ggi.controls.reads import Reads
from ggi.controls.verdict import Enforcement, Verdict
from ggi.errors import Origin
from ggi.inventory.models import Model
from ggi.inventory.types import ENVIRONMENTS, Date, Line
from ggi.inventory.waivers import ControlId
from ggi.messages import language, t

if TYPE_CHECKING:
    from ggi.controls.observation import Observation

FAMILIES = (
    "POD",
    "IMG",
    "NET",
    "TLS",
    "CRT",
    "SEC",
    "IDM",
    "APP",
    "LOG",
    "AVL",
    "DAT",
    "FSC",
    "API",
    "DOM",
    "SUP",
    "GOV",
)
RECIPES = ("TM", "TX", "TE", "TA", "TC", "TG", "SF", "EN", "EX", "RT")
"""Families of recipes for Microsoft 365 (`cookbook/recipes/`), which are controls too."""
HOSTS = ("HST",)
"""The family of controls over hosts (`policies/hosts/`)."""


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

    framework: Literal[
        "BIO2",
        "ISO 27002",
        "NCSC TLS",
        "Forum Standaardisatie",
        "internet.nl",
        "Haven",
        "NL GOV API Design Rules",
        "Digikoppeling",
        "FSC",
        "CIS Kubernetes",
        "Pod Security Standards",
        # Of recipes for Microsoft 365:
        "SCuBA",
        "CIS Microsoft 365",
        "EIDSCA",
        "CIPP",
        "DPIA SLM Rijk",
        "Microsoft",
        "GGI",
    ]
    version: Line
    id: Line
    text: Text
    """What it asks, in our own words."""

    def __str__(self) -> str:
        return f"{self.framework} {self.version}, {self.id}"


Kinds = Literal[
    "pods",
    "Namespace",
    "ConfigMap",
    "Secret",
    "ServiceAccount",
    "Service",
    "PersistentVolumeClaim",
    "ResourceQuota",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "PodDisruptionBudget",
    "NetworkPolicy",
    "Role",
    "RoleBinding",
    "Gateway",
    "HTTPRoute",
    "TLSRoute",
    "ClientTrafficPolicy",
    "Certificate",
    "Issuer",
    "Cluster",
    "Database",
]


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
    kinds: list[Kinds] = []
    """Kubernetes kinds that it looks at; `pods` is every kind that makes pods."""
    facts: list[Literal["landscape", "tenant", "release", "waivers", "domains"]] = []
    """What a check.py looks at beside objects."""
    when: str = ""
    """CEL: which objects of these kinds are meant; default all."""
    variables: dict[str, str] = {}
    """CEL by name; used as variables.name."""
    cel: str = ""
    """CEL: true when the object complies. Without it, the folder has a check.py."""
    evidence: str = ""
    """CEL: what was seen, as a short text without secrets; a waiver accepts exactly this."""
    message: Text
    """What is wrong, as one sentence without values."""
    remediation: Text
    inventory: Annotated[str, Field(pattern=r"^[a-z{}_.-]*$")] = ""
    """The key of the inventory that causes it: components.{component}.replicas."""

    @model_validator(mode="after")
    def _fits_together(self) -> ControlFile:
        if self.id.partition("-")[0] not in (*FAMILIES, *RECIPES, *HOSTS):
            raise ValueError(t("{id} is of no family; known: {names}", id=self.id, names=", ".join(FAMILIES)))
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

    @property
    def id(self) -> str:
        """The stable id."""
        return self.file.id

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
