"""An audit of a Microsoft 365 tenant: what was read, live or from a snapshot, judged by the recipes as controls."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from ggi.audit.audit import Audit, Place, audit_of
from ggi.audit.deviations import Deviations
from ggi.controls.control import Control
from ggi.controls.verdict import Enforcement, Finding
from ggi.controls.verdict import Outcome as AuditOutcome
from ggi.cookbook.content import Cookbook
from ggi.cookbook.control import controls_of, version_of
from ggi.cookbook.deviations import ENVIRONMENT
from ggi.cookbook.judge import Compliance, JudgedSetting, judge
from ggi.cookbook.reading import ReadResult, Ref
from ggi.cookbook.targets import M365Tenant, RecipeTarget
from ggi.inventory.waiverfiles import WaiversOf
from ggi.inventory.waivers import NotApplicable, WaiverFile, matcher


def audit_tenant(
    tenant: M365Tenant,
    book: Cookbook,
    targets: Iterable[RecipeTarget],
    seen: Mapping[Ref, ReadResult],
    own: WaiversOf | None,
    place: Place,
    date: dt.date,
    *,
    simulated: bool = False,
) -> Audit:
    """Findings sorted by recipe and object. What could not be read is UNKNOWN, with the reason."""
    controls = controls_of(book)
    deviations = Deviations(own.file if own else WaiverFile(), ENVIRONMENT, date)
    findings = [
        _finding(one, controls[one.recipe], deviations, tenant, date)
        for one in judge(targets, seen, book)
        if controls[one.recipe].enforcement(ENVIRONMENT, date) is not Enforcement.DISABLED
    ]
    return audit_of(
        findings,
        deviations,
        own,
        stack=tenant.stack,
        tenant=tenant.file.name,
        release=version_of(book),
        place=place,
        controls=controls,
        simulated=simulated,
    )


def _finding(
    one: JudgedSetting, control: Control, deviations: Deviations, tenant: M365Tenant, date: dt.date
) -> Finding:
    subject = str(one.ref)
    enforcement = control.enforcement(ENVIRONMENT, date)
    if one.outcome is Compliance.COMPLIANT:
        return Finding(control.id, subject, AuditOutcome.PASS, enforcement, one.evidence, one.note)
    if one.outcome is Compliance.UNREADABLE:
        declared = _not_applicable(deviations, control.id, subject, date)
        if declared is not None:
            outcome, why = AuditOutcome.NOT_APPLICABLE, declared.reason
            return Finding(control.id, subject, outcome, enforcement, note=why, not_applicable=declared)
        return Finding(control.id, subject, AuditOutcome.UNKNOWN, enforcement, note=str(one.reason))
    place = tenant.origin("recipes", control.id)
    found = Finding(control.id, subject, AuditOutcome.FAIL, enforcement, one.evidence, one.note, place)
    return deviations.explained(control, found)


def _not_applicable(deviations: Deviations, control: str, subject: str, date: dt.date) -> NotApplicable | None:
    """What has no meaning here need not be readable."""
    for item in deviations.file.not_applicable:
        if item.control == control and item.granted <= date and matcher(item.resource).match(subject):
            deviations.used.add(id(item))
            deviations.accepted.add(id(item))
            return item
    return None
