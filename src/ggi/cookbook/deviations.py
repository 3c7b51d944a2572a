"""A tenant's declared deviations from the Cookbook (`policies/waivers/m365/<id>.yaml`): they win over a change.

The same kinds, roles and terms as every other deviation; the accepted value is the evidence that `ggi m365 check
--json` and the audit show. A later worsening has other evidence, and is a new finding.
The first measurement (nulmeting) drafts the file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from ggi.audit.deviations import Deviations, deviations_in
from ggi.clock import today
from ggi.controls.verdict import Outcome as AuditOutcome
from ggi.cookbook.content import Cookbook
from ggi.cookbook.control import controls_of
from ggi.cookbook.judge import Compliance, JudgedSetting
from ggi.cookbook.plan import Waived
from ggi.cookbook.targets import M365Tenant
from ggi.inventory.waiverfiles import WaiversOf
from ggi.messages import t

FOLDER = Path("policies") / "waivers" / "m365"
ENVIRONMENT = "prod"
"""A Microsoft 365 tenant has no OTAP."""
EXPLAINED = frozenset({AuditOutcome.WAIVED, AuditOutcome.NOT_APPLICABLE})


def deviations_of(roots: Sequence[Path], tenant: M365Tenant, book: Cookbook) -> WaiversOf | None:
    """The deviations of a tenant, if it has any. Raises InputError with every problem found."""
    return deviations_in(roots, FOLDER, tenant.id, tenant.stack, book.recipes)


def waived_in(roots: Sequence[Path], tenant: M365Tenant, book: Cookbook) -> Waived:
    """Whether a drift is covered today."""
    own = deviations_of(roots, tenant, book)
    if own is None:
        return lambda _: False
    controls = controls_of(book)
    deviations = Deviations(own.file, ENVIRONMENT, today())

    def waived(one: JudgedSetting) -> bool:
        if one.outcome is not Compliance.DRIFT:
            return False
        return deviations.of(controls[one.recipe], str(one.ref), one.evidence).outcome in EXPLAINED

    return waived


DRAFT_DAYS = 90
"""Until when a draft holds: short, since nobody has decided anything yet."""


def draft(judged: Iterable[JudgedSetting], book: Cookbook, date: dt.date) -> str:
    """A file for policies/waivers/m365/. Reason, compensation and roles are for people; the file says so."""
    waivers = [
        {
            "control": one.recipe,
            "resource": str(one.ref).replace(" ", "?"),
            "value": one.evidence,
            "reason": f"DRAFT, to be decided: {book.recipes[one.recipe].file.title.en}",
            "compensating": "DRAFT, to be decided",
            "owner": book.recipes[one.recipe].file.owner,
            "approver": "DRAFT: the role that accepts the risk",
            "granted": date.isoformat(),
            "expires": (date + dt.timedelta(days=DRAFT_DAYS)).isoformat(),
        }
        for one in judged
        if one.outcome is Compliance.DRIFT
    ]
    head = "# yaml-language-server: $schema=../../schema/waivers.schema.json\n# " + t(
        "A draft by ggi m365 baseline: decide on each, write reason and roles, or remove it and let it be mended."
    )
    text = yaml.safe_dump({"waivers": waivers}, sort_keys=False, allow_unicode=True, width=110)
    return f"{head}\n{text}"
