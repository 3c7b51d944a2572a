"""The CrossGuard pack: the controls as policies of `pulumi preview` and `pulumi up`.

The engine fixes at load how a policy is enforced, and does not tell a pack its stack: so every control is registered
twice, mandatory and advisory, and per resource the stack's tenant decides which of the two speaks. A pack sees secrets
in clear: messages never hold a property's value. Where a value is not known before the update, the SDK would report a
mandatory policy as advisory and be done; here it becomes UNKNOWN, and is judged again when the update knows it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pulumi_policy as sdk
from pulumi_policy import policy

from ggi.audit.assessment import Assessment, Assessor
from ggi.audit.judge import Judge
from ggi.audit.summary import ranges
from ggi.controls.control import Control
from ggi.controls.load import Controls
from ggi.controls.observation import Subject
from ggi.controls.redaction import WEAK, kind_of_text
from ggi.controls.subjects import of_properties
from ggi.controls.verdict import Finding, Outcome
from ggi.enforcement.exemptions import Exemptions
from ggi.engine.run_context import RunContext
from ggi.errors import GgiError
from ggi.inventory.stack import Stack, StackKind, kind_of
from ggi.messages import t

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


def is_reported(finding: Finding) -> bool:
    """Whether a run says it: what deviates, what was waived, and what could not be judged for want of a value."""
    if finding.outcome is Outcome.UNKNOWN:
        return bool(finding.note)
    return finding.outcome in (Outcome.FAIL, Outcome.WAIVED)


@dataclass
class JudgedStack:
    """One stack: what is known of it, what may go through, and the judge of its resources."""

    assessment: Assessment
    exemptions: Exemptions

    @cached_property
    def judge(self) -> Judge:
        """The judge of single resources; the namespace is known from the landscape."""
        return self.assessment.judge(self.assessment.planned)

    @cached_property
    def references(self) -> Mapping[str, Mapping[str, str]]:
        """What kinds of values the Secrets of the landscape hold, by logical name."""
        return {
            o.name: {key: kind_of_text(text) for key, text in o.secrets.items()}
            for o in self.assessment.landscape.objects
            if o.secrets
        }

    @cached_property
    def planned(self) -> frozenset[tuple[str, str, str]]:
        """(control, subject, evidence) of what deviates in the rendered landscape, which holds no secret's value."""
        found = self.assessment.judge(self.assessment.planned).findings()
        return frozenset((f.control, f.subject, f.evidence) for f in found if f.outcome is Outcome.FAIL)

    def evidence(self, finding: Finding) -> str:
        """What was seen, when the rendered landscape shows the same; else nothing: it could be a secret's value."""
        return finding.evidence if (finding.control, finding.subject, finding.evidence) in self.planned else ""

    def subject(self, name: str, properties: Mapping[str, Any]) -> Subject:
        """A resource as subject. Of a Secret, only kinds of values are left."""
        found = of_properties(name, properties)
        known = self.references.get(name)
        if known is None or found.kind != "Secret":
            return found
        data = dict(found.body.get("data") or {})
        kinds = {key: WEAK if kind == WEAK else known.get(key, kind) for key, kind in data.items()}
        return Subject(name, {**found.body, "data": kinds}, found.unknown)


class PackRun:
    """What one run of the pack knows. A stack is looked up when its first resource comes by."""

    def __init__(self, assessor: Assessor, context: RunContext) -> None:
        self.assessor = assessor
        self.context = context
        self._stacks: dict[str, JudgedStack] = {}

    @property
    def controls(self) -> Controls:
        """The controls that are policies."""
        return self.assessor.controls

    def stack(self, name: str) -> JudgedStack:
        """What is known of the stack with this name. Raises InputError."""
        if name not in self._stacks:
            stack, inventory = Stack.parse(name), self.assessor.inventory
            environment = inventory.environment(inventory.tenant(stack.owner), stack.environment)
            found = self.assessor.of_environment(environment)
            through = Exemptions.of(name, found.landscape.fingerprint, self.context)
            self._stacks[name] = JudgedStack(found, through)
        return self._stacks[name]

    def of_resource(self, urn: str, properties: Any) -> list[Finding]:
        """All findings about one resource. Raises InputError."""
        stack = self.stack(stack_of(urn))
        found = stack.judge.of_subject(stack.subject(logical_name(urn), unwrapped(properties)))
        return stack.exemptions.applied(found, self.controls.by_id)

    def message(self, stack: str, finding: Finding) -> str:
        """What the engine prints about a finding in this stack."""
        control = self.controls.by_id[finding.control]
        return message(finding, control, control.vocabulary.in_words(self.stack(stack).evidence(finding)))

    def of_stack(self, resources: Sequence[tuple[str, Any]]) -> list[Finding]:
        """The findings of all checks over all Kubernetes resources of a stack, as (URN, properties)."""
        if not resources:
            return []
        stack = self.stack(stack_of(resources[0][0]))
        checks = [c for c in self.controls if c.check is not None]
        judge = stack.assessment.judge((stack.subject(logical_name(u), unwrapped(p)) for u, p in resources), checks)
        judged = (f for c in checks if judge.in_force(c) for f in judge.of_check(c))
        found = stack.exemptions.applied(judged, self.controls.by_id)
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
    if kind_of(stack_of(resource.urn)) is StackKind.CLUSTER:
        return False
    return kind.startswith("kubernetes:") and "kind" in resource.props["__target"]


def _reports(finding: Finding, mandatory: bool) -> bool:
    return is_reported(finding) and finding.blocks == mandatory


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

    def __init__(self, run: PackRun) -> None:
        self.run = run
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
            for control in run.controls:
                if (control.rule is None) is stack:
                    for mandatory in (True, False):
                        name = control.id if mandatory else f"{control.id}{ADVISORY}"
                        speak = _speaking(turn, judged, self._told, control, mandatory)
                        self.policies.append(kind(name, str(control.file.title), speak, _LEVELS[mandatory]))

    def _of_resource(self, args: Any) -> list[Finding]:
        self._registered[args.urn] = unwrapped(args.props)
        return self.run.of_resource(args.urn, args.props) if _is_judged(args) else []

    def _told(self, args: Any, finding: Finding) -> str:
        place = args.urn if hasattr(args, "urn") else args.resources[0].urn
        return self.run.message(stack_of(place), finding)

    def _of_stack(self, args: Any) -> list[Finding]:
        """After an update what came of it; before it what was asked for.

        A dry run of server-side apply keeps what others own, such as a rule that was added by hand, which the update
        takes away. And after a refresh the engine also names what the program no longer registers: it is about to go.
        """
        kept = [r for r in args.resources if r.urn in self._registered or not self._registered]
        before = os.environ.get(DRY_RUN) == "true"
        asked = self._registered if before else {}
        return self.run.of_stack([(r.urn, asked.get(r.urn, r.props)) for r in kept if _is_judged(r)])


def _judging(turn: _Turn, judged: Callable[[Any], list[Finding]]) -> Callable[[Any, Report], None]:
    """The first policy: it judges. Wrong input is its violation, since what can't be judged must not go on."""

    def validate(args: Any, report: Report) -> None:
        turn.found, turn.speakers = [], frozenset()
        try:
            turn.found = judged(args)
        except GgiError as error:
            report(str(error))
        turn.speakers = frozenset(_name(f) for f in turn.found if is_reported(f))

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


def run_pack(assessor: Assessor, context: RunContext) -> None:
    """Register the policies with the SDK and serve them until the engine ends."""
    ask_policies()
    hear_of_previews()
    sdk.PolicyPack(NAME, Pack(PackRun(assessor, context)).policies, sdk.EnforcementLevel.MANDATORY)
