"""The CrossGuard pack: the controls as policies of `pulumi preview` and `pulumi up`.

The engine fixes at load how a policy is enforced, and does not tell a pack its stack: so every control is registered
twice, mandatory and advisory, and per resource the stack's tenant decides which of the two speaks. A pack sees secrets
in clear: messages never hold a property's value. Where a value is not known before the update, the SDK would report a
mandatory policy as advisory and be done; here it becomes UNKNOWN, and is judged again when the update knows it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pulumi_policy as sdk
from pulumi_policy import policy

from ggi.audit.deviations import load_waivers
from ggi.audit.judge import Judge
from ggi.audit.summary import ranges
from ggi.catalogue.content import Catalogue, load_catalogue
from ggi.clock import today
from ggi.controls.control import Control
from ggi.controls.load import Controls, load_controls
from ggi.controls.observation import Facts, Observation, Subject
from ggi.controls.redaction import WEAK, kind_of_text
from ggi.controls.subjects import of_landscape, of_properties
from ggi.controls.verdict import Finding, Outcome
from ggi.enforcement.exemptions import Exemptions
from ggi.engine.target import CONTENT, INVENTORY
from ggi.errors import GgiError, InputError
from ggi.inventory.cluster import is_cluster_stack
from ggi.inventory.load import Inventory
from ggi.inventory.waiverfiles import Waivers
from ggi.inventory.waivers import WaiverFile
from ggi.landscape.build import landscape
from ggi.messages import t
from ggi.paths import ROOT

NAME = "ggi"
ADVISORY = "-advisory"
JUDGE = ("inventory", "inventory-stack")
"""Names of the policies that judge for all others, over one resource and over the stack."""
_LEVELS = (sdk.EnforcementLevel.ADVISORY, sdk.EnforcementLevel.MANDATORY)
Report = Callable[..., None]


def stack_of(urn: str) -> str:
    """The stack of a resource: `urn:pulumi:STACK::project::type::name`."""
    return urn.split("::")[0].removeprefix("urn:pulumi:")


def logical_name(urn: str) -> str:
    """The logical name of a resource, the last part of its URN."""
    return urn.rpartition("::")[2]


def message(finding: Finding, control: Control, evidence: str = "") -> str:
    """What the engine prints: id, where, what is wrong, what to do, and `evidence` where it can hold no secret."""
    head = f"{control.id} {finding.subject}: "
    where = f" ({finding.origin})" if finding.origin else ""
    if finding.outcome is Outcome.WAIVED and finding.waiver is not None:
        until = t("accepted by {role} until {date}", role=finding.waiver.approver, date=finding.waiver.expires)
        return f"{head}{control.file.message}; {until}"
    if finding.elsewhere:
        return finding.note
    if finding.outcome is Outcome.UNKNOWN:
        return f"{head}{control.file.title}: {t('not judged')}, {finding.note}"
    note = f"{finding.note}. " if finding.note else ""
    seen = f" ({evidence})" if evidence else ""
    return f"{head}{control.file.message}{seen}\n    {note}{control.file.remediation}{where}"


def spoken(finding: Finding) -> bool:
    """Whether a run says it: what deviates, what was waived, and what could not be judged for want of a value."""
    if finding.outcome is Outcome.UNKNOWN:
        return bool(finding.note)
    return finding.outcome in (Outcome.FAIL, Outcome.WAIVED)


@dataclass
class Tenancy:
    """One stack: its facts, its deviations, and the judge of its resources."""

    facts: Facts
    controls: Controls
    waivers: WaiverFile
    through: Exemptions

    @cached_property
    def judge(self) -> Judge:
        """The judge of single resources; the namespace is known from the landscape."""
        return Judge(self.controls, self.seen(of_landscape(self.facts.landscape)))

    @cached_property
    def references(self) -> Mapping[str, Mapping[str, str]]:
        """What kinds of values the Secrets of the landscape hold, by logical name."""
        return {
            o.name: {key: kind_of_text(text) for key, text in o.secrets.items()}
            for o in self.facts.landscape.objects
            if o.secrets
        }

    @cached_property
    def planned(self) -> frozenset[tuple[str, str, str]]:
        """(control, subject, evidence) of what deviates in the rendered landscape, which holds no secret's value."""
        found = Judge(self.controls, self.seen(of_landscape(self.facts.landscape))).findings()
        return frozenset((f.control, f.subject, f.evidence) for f in found if f.outcome is Outcome.FAIL)

    def evidence(self, finding: Finding) -> str:
        """What was seen, when the rendered landscape shows the same; else nothing: it could be a secret's value."""
        return finding.evidence if (finding.control, finding.subject, finding.evidence) in self.planned else ""

    def seen(self, subjects: Iterable[Subject]) -> Observation:
        """These subjects as they are judged, today."""
        return Observation(list(subjects), today(), self.facts, self.waivers)

    def subject(self, name: str, properties: Mapping[str, Any]) -> Subject:
        """A resource as subject. Of a Secret, only kinds of values are left."""
        found = of_properties(name, properties)
        known = self.references.get(name)
        if known is None or found.kind != "Secret":
            return found
        data = dict(found.body.get("data") or {})
        kinds = {key: WEAK if kind == WEAK else known.get(key, kind) for key, kind in data.items()}
        return Subject(name, {**found.body, "data": kinds}, found.unknown)


class Session:
    """What one run of the pack knows. Everything is read when the first resource of a stack comes by."""

    def __init__(self, catalogue: Catalogue, controls: Controls, inventory: Inventory) -> None:
        self.catalogue = catalogue
        self.controls = controls
        self.inventory = inventory
        self._waivers: Waivers | None = None
        self._stacks: dict[str, Tenancy] = {}

    def tenancy(self, stack: str) -> Tenancy:
        """The stack's facts. Raises InputError."""
        if stack not in self._stacks:
            if self._waivers is None:
                self._waivers = load_waivers(self.catalogue.roots, self.controls.by_id, self.controls.retired)
            tenant_id, _, name = stack.rpartition("-")
            tenant = self.inventory.tenant(tenant_id)
            built = landscape(self.inventory.environment(tenant, name), self.catalogue)
            waivers = self._waivers.get(tenant_id)
            facts = Facts(built, self.catalogue, self.inventory.registry)
            through = Exemptions.of_environment(stack, built.fingerprint)
            self._stacks[stack] = Tenancy(facts, self.controls, waivers.file if waivers else WaiverFile(), through)
        return self._stacks[stack]

    def of_resource(self, urn: str, properties: Any) -> list[Finding]:
        """All findings about one resource. Raises InputError."""
        tenancy = self.tenancy(stack_of(urn))
        found = tenancy.judge.of_subject(tenancy.subject(logical_name(urn), unwrapped(properties)))
        return tenancy.through.applied(found, self.controls.by_id)

    def message(self, stack: str, finding: Finding) -> str:
        """What the engine prints about a finding in this stack."""
        control = self.controls.by_id[finding.control]
        return message(finding, control, control.vocabulary.in_words(self.tenancy(stack).evidence(finding)))

    def of_stack(self, resources: Sequence[tuple[str, Any]]) -> list[Finding]:
        """The findings of all checks over all Kubernetes resources of a stack, as (URN, properties)."""
        if not resources:
            return []
        tenancy = self.tenancy(stack_of(resources[0][0]))
        seen = tenancy.seen(tenancy.subject(logical_name(u), unwrapped(p)) for u, p in resources)
        checks = [c for c in self.controls if c.check is not None]
        judge = Judge(checks, seen)
        judged = (f for c in checks if judge.in_force(c) for f in judge.of_check(c))
        found = tenancy.through.applied(judged, self.controls.by_id)
        # What no change can show is said once, by the first control that it holds for.
        hidden = sorted({f.control for f in found if f.elsewhere})
        once = [replace(f, note=f"{ranges(hidden)}: {f.note}") for f in found if f.elsewhere][:1]
        return [*once, *(f for f in found if not f.elsewhere)]


def unwrapped(value: Any) -> Any:
    """What is behind the SDK's proxies, which raise at the first unknown value; unknowns stay as they are sent."""
    if isinstance(value, Mapping):
        target = value["__target"] if type(value) is not dict else value
        return {key: unwrapped(item) for key, item in target.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        target = value["__target"] if type(value) is not list else value  # type: ignore[call-overload]
        return [unwrapped(item) for item in target]
    return value


def _is_judged(resource: Any) -> bool:
    """Whether a resource is an object of a landscape; what a cluster has of its own is no gemeente's."""
    kind = str(resource.resource_type)
    if is_cluster_stack(stack_of(resource.urn)):
        return False
    return kind.startswith("kubernetes:") and "kind" in resource.props["__target"]


def _reports(finding: Finding, mandatory: bool) -> bool:
    return spoken(finding) and finding.blocks == mandatory


class _Turn(threading.local):
    """What is judged in this thread: the policies that have something to say of it, None before it was judged."""

    speakers: frozenset[str] | None = None
    found: list[Finding] = []


class _Skips:
    """Lets the SDK pass over a policy that has nothing to say.

    The SDK decodes the properties anew for every policy, which takes a hundred times as long as judging them. It asks
    a policy's level first, and passes over one that is disabled (see `ask_policies`).
    """

    name: str
    turn: _Turn
    first: bool = False
    _level: sdk.EnforcementLevel = sdk.EnforcementLevel.ADVISORY

    @property
    def enforcement_level(self) -> sdk.EnforcementLevel:
        """The level at which the policy is registered; disabled while it has nothing to say."""
        speakers = self.turn.speakers
        silent = not self.first and speakers is not None and self.name not in speakers
        return sdk.EnforcementLevel.DISABLED if silent else self._level

    @enforcement_level.setter
    def enforcement_level(self, value: sdk.EnforcementLevel) -> None:
        self._level = value


def ask_policies() -> None:
    """Make the SDK ask each policy for its level, every time.

    The engine configures every policy with the level that it was registered with, and from then on the SDK (1.21) looks
    that up by name: all policies would run over every resource, ten seconds instead of one for a landscape.
    """
    servicer: Any = policy._PolicyAnalyzerServicer
    servicer._get_enforcement_level = lambda self, asked: asked.enforcement_level


DRY_RUN = "PULUMI_DRY_RUN"


def hear_of_previews() -> None:
    """Remember whether this is a preview: the engine tells when it configures the pack, and the SDK (1.21) drops it."""
    servicer: Any = policy._PolicyAnalyzerServicer
    configure = servicer.ConfigureStack

    def heard(self: Any, request: Any, context: Any) -> Any:
        os.environ[DRY_RUN] = str(request.dry_run).lower()
        return configure(self, request, context)

    servicer.ConfigureStack = heard


class _ResourcePolicy(_Skips, sdk.ResourceValidationPolicy):  # type: ignore[misc]
    """A rule over single objects."""


class _StackPolicy(_Skips, sdk.StackValidationPolicy):  # type: ignore[misc]
    """A check over all objects of a stack."""


def _name(finding: Finding) -> str:
    return finding.control if finding.blocks else f"{finding.control}{ADVISORY}"


class Pack:
    """The policies. Of each kind a first one judges for all, and then only those that have something to say follow."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.policies: list[sdk.Policy] = []
        self._registered: dict[str, Any] = {}
        """What the program asks for, by URN."""
        for stack in (False, True):
            turn = _Turn()
            kind = _StackPolicy if stack else _ResourcePolicy
            judged = self._of_stack if stack else self._of_resource
            kind.turn = turn
            first = kind(JUDGE[stack], t("The inventory knows the stack"), _judging(turn, judged), _LEVELS[True])
            first.first = True
            self.policies.append(first)
            for control in session.controls:
                if (control.rule is None) is stack:
                    for mandatory in (True, False):
                        name = control.id if mandatory else f"{control.id}{ADVISORY}"
                        speak = _speaking(turn, judged, self._told, control, mandatory)
                        self.policies.append(kind(name, str(control.file.title), speak, _LEVELS[mandatory]))

    def _of_resource(self, args: Any) -> list[Finding]:
        self._registered[args.urn] = unwrapped(args.props)
        return self.session.of_resource(args.urn, args.props) if _is_judged(args) else []

    def _told(self, args: Any, finding: Finding) -> str:
        place = args.urn if hasattr(args, "urn") else args.resources[0].urn
        return self.session.message(stack_of(place), finding)

    def _of_stack(self, args: Any) -> list[Finding]:
        """After an update what came of it; before it what was asked for.

        A dry run of server-side apply keeps what others own, such as a rule that was added by hand, which the update
        takes away. And after a refresh the engine also names what the program no longer registers: it is about to go.
        """
        kept = [r for r in args.resources if r.urn in self._registered or not self._registered]
        before = os.environ.get(DRY_RUN) == "true"
        asked = self._registered if before else {}
        return self.session.of_stack([(r.urn, asked.get(r.urn, r.props)) for r in kept if _is_judged(r)])


def _judging(turn: _Turn, judged: Callable[[Any], list[Finding]]) -> Callable[[Any, Report], None]:
    """The first policy: it judges. Wrong input is its violation, since what can't be judged must not go on."""

    def validate(args: Any, report: Report) -> None:
        turn.found, turn.speakers = [], frozenset()
        try:
            turn.found = judged(args)
        except GgiError as error:
            report(str(error))
        turn.speakers = frozenset(_name(f) for f in turn.found if spoken(f))

    return validate


def _speaking(
    turn: _Turn,
    judged: Callable[[Any], list[Finding]],
    told: Callable[[Any, Finding], str],
    control: Control,
    mandatory: bool,
) -> Callable[[Any, Report], None]:
    """A control's policy: it says what was found. Where the first policy is switched off, it judges by itself."""

    def validate(args: Any, report: Report) -> None:
        found = turn.found if turn.speakers is not None else judged(args)
        for finding in found:
            if finding.control == control.id and _reports(finding, mandatory):
                report(told(args, finding))

    return validate


def session_of_environment() -> Session:
    """The session that the variables of `ggi env` describe. Raises InputError."""
    further = tuple(Path(p) for p in os.environ.get(CONTENT, "").split(os.pathsep) if p)
    catalogue = load_catalogue(further)
    inventory = Inventory(Path(os.environ.get(INVENTORY, ROOT / "inventories")), catalogue.known)
    return Session(catalogue, load_controls(catalogue.roots), inventory)


def main() -> None:
    """Run the pack; `policies/__main__.py` calls this. Errors are for people."""
    try:
        session = session_of_environment()
        ask_policies()
        hear_of_previews()
        sdk.PolicyPack(NAME, Pack(session).policies, sdk.EnforcementLevel.MANDATORY)
    except InputError as error:
        raise SystemExit("\n".join(str(p) for p in error.problems)) from None
