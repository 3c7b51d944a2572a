"""The CrossGuard pack: the controls as policies of `pulumi preview` and `pulumi up`.

The engine fixes at load how a policy is enforced, and does not tell a pack its stack: so every control is registered
twice, mandatory and advisory, and per resource the stack's tenant decides which of the two speaks. A pack sees secrets
in clear: messages never hold a property's value. Where a value is not known before the update, the SDK would report a
mandatory policy as advisory and be done; here it becomes UNKNOWN, and is judged again when the update knows it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pulumi_policy as sdk

from ggi.audit.content import Controls, load_controls
from ggi.audit.control import Control
from ggi.audit.deviations import WaiversOf, load_waivers
from ggi.audit.facts import Facts, Seen, Subject
from ggi.audit.judge import Judge, today
from ggi.audit.redact import WEAK, kind_of_text
from ggi.audit.subjects import of_landscape, of_properties
from ggi.audit.verdict import Finding, Outcome
from ggi.catalogue.content import Catalogue, load_catalogue
from ggi.engine.target import CONTENT, INVENTORY
from ggi.errors import GgiError, InputError
from ggi.inventory.load import Inventory
from ggi.inventory.waivers import WaiverFile
from ggi.landscape.build import landscape
from ggi.messages import t
from ggi.paths import ROOT

NAME = "ggi"
ADVISORY = "-advisory"
Report = Callable[..., None]


def stack_of(urn: str) -> str:
    """The stack of a resource: `urn:pulumi:STACK::project::type::name`."""
    return urn.split("::")[0].removeprefix("urn:pulumi:")


def logical_name(urn: str) -> str:
    """The logical name of a resource, the last part of its URN."""
    return urn.rpartition("::")[2]


def message(finding: Finding, control: Control) -> str:
    """What the engine prints: id, what is wrong, where, what to do. Never what was seen."""
    head = f"{control.id} {finding.subject}: "
    where = f" ({finding.origin})" if finding.origin else ""
    if finding.outcome is Outcome.WAIVED and finding.waiver is not None:
        until = t("accepted by {role} until {date}", role=finding.waiver.approver, date=finding.waiver.expires)
        return f"{head}{control.file.message}; {until}"
    if finding.outcome is Outcome.UNKNOWN:
        return f"{head}{control.file.title}: {t('not judged')}, {finding.note}"
    note = f" {finding.note}." if finding.note else ""
    return f"{head}{control.file.message}.{note} {control.file.remediation}{where}"


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

    def seen(self, subjects: Iterable[Subject]) -> Seen:
        """These subjects as they are judged, today."""
        return Seen(list(subjects), today(), self.facts, self.waivers)

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
        self._waivers: Mapping[str, WaiversOf] | None = None
        self._stacks: dict[str, Tenancy] = {}
        self._judged: dict[str, list[Finding]] = {}

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
            self._stacks[stack] = Tenancy(facts, self.controls, waivers.file if waivers else WaiverFile())
        return self._stacks[stack]

    def of_resource(self, urn: str, properties: Any, *, first: bool = True) -> list[Finding]:
        """All findings about one resource. The engine asks policy by policy; the `first` one judges for all.

        The SDK hands every policy a fresh copy of the properties, so comparing them would cost more than judging.
        """
        if first or urn not in self._judged:
            tenancy = self.tenancy(stack_of(urn))
            subject = tenancy.subject(logical_name(urn), unwrapped(properties))
            self._judged[urn] = list(tenancy.judge.of_subject(subject))
        return self._judged[urn]

    def of_stack(self, control: Control, resources: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[Finding]:
        """The findings of one check over all Kubernetes resources of a stack, as (URN, properties)."""
        listed = list(resources)
        if not listed:
            return
        tenancy = self.tenancy(stack_of(listed[0][0]))
        seen = tenancy.seen(tenancy.subject(logical_name(urn), properties) for urn, properties in listed)
        judge = Judge([control], seen)
        if judge.in_force(control):
            yield from judge.of_check(control)


def unwrapped(value: Any) -> Any:
    """What is behind the SDK's proxies, which raise at the first unknown value; unknowns stay as they are sent."""
    if isinstance(value, Mapping):
        target = value["__target"] if type(value) is not dict else value
        return {key: unwrapped(item) for key, item in target.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        target = value["__target"] if type(value) is not list else value  # type: ignore[call-overload]
        return [unwrapped(item) for item in target]
    return value


def _is_kubernetes(resource: Any) -> bool:
    kind = str(resource.resource_type)
    return kind.startswith("kubernetes:") and "kind" in resource.props["__target"]


def _reports(finding: Finding, mandatory: bool) -> bool:
    return spoken(finding) and finding.blocks == mandatory


def _policies(control: Control, session: Session, first: bool) -> Iterator[sdk.Policy]:
    """A control's two policies; the `first` control is asked before all others about each resource."""
    for mandatory in (True, False):

        def resource(args: Any, report: Report, mandatory: bool = mandatory) -> None:
            if not _is_kubernetes(args):
                return
            asked = first and mandatory
            found = _guarded(lambda: session.of_resource(args.urn, args.props, first=asked), report, mandatory)
            for finding in found:
                if finding.control == control.id and _reports(finding, mandatory):
                    report(message(finding, control))

        def stack(args: Any, report: Report, mandatory: bool = mandatory) -> None:
            found = [(r.urn, unwrapped(r.props)) for r in args.resources if _is_kubernetes(r)]
            for finding in _guarded(lambda: list(session.of_stack(control, found)), report, mandatory):
                if _reports(finding, mandatory):
                    report(message(finding, control))

        level = sdk.EnforcementLevel.MANDATORY if mandatory else sdk.EnforcementLevel.ADVISORY
        name = control.id if mandatory else f"{control.id}{ADVISORY}"
        title = str(control.file.title)
        if control.rule is not None:
            yield sdk.ResourceValidationPolicy(name, title, resource, level)
        else:
            yield sdk.StackValidationPolicy(name, title, stack, level)


def _guarded(work: Callable[[], list[Finding]], report: Report, mandatory: bool) -> list[Finding]:
    """The findings; wrong input is a violation of its own, since what can't be judged must not go on."""
    try:
        return work()
    except GgiError as error:
        if mandatory:
            report(str(error))
        return []


def policies(session: Session) -> list[sdk.Policy]:
    """Every policy of the pack."""
    rules = [control for control in session.controls if control.rule is not None]
    checks = [control for control in session.controls if control.rule is None]
    return [p for control in (*rules, *checks) for p in _policies(control, session, control is rules[0])]


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
        sdk.PolicyPack(NAME, policies(session), sdk.EnforcementLevel.MANDATORY)
    except InputError as error:
        raise SystemExit("\n".join(str(p) for p in error.problems)) from None
