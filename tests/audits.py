"""Audits that the tests of reports share: of the examples, with a planted violation, and with every status at once."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from ggi.audit.audit import Audit, Place, run_audit
from ggi.audit.deviations import load_waivers
from ggi.controls.coverage import NormCoverage, coverage, load_frameworks
from ggi.controls.observation import Facts, Subject
from ggi.controls.subjects import of_landscape
from ggi.controls.verdict import Enforcement, Finding, Outcome
from ggi.errors import Origin, Problem
from ggi.inventory.load import Inventory
from ggi.inventory.waivers import RemediationPlan
from ggi.landscape.build import landscape
from ggi.paths import ROOT
from ggi.report.audit.run import AuditRun
from ggi.report.audit.since import Earlier
from tests.content import catalogue, controls

DATE = dt.date(2026, 11, 22)
PLANTED = "components:\n  postgresql: {instances: 1}\n"
"""One instance of the database in productie: AVL-005."""
HOSTILE = "=1+1<script>alert('x')</script>]]>|`*&amp;\x07\"'"
"""What a name in a cluster could be, if an API server let it: a formula, markup, and what XML can't hold."""


@cache
def norms() -> tuple[NormCoverage, ...]:
    return tuple(coverage(controls(), load_frameworks(catalogue().roots)))


@cache
def inventory() -> Inventory:
    """The examples, with the planted violation in gm9902."""
    folder = Path(tempfile.mkdtemp()) / "inventories"
    shutil.copytree(ROOT / "inventories", folder)
    path = folder / "tenants" / "gm9902.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("components:\n", PLANTED), encoding="utf-8")
    return Inventory(folder, catalogue().known)


def audit(name: str, subjects: Sequence[Subject] | None = None, place: Place = Place.PLAN) -> Audit:
    """The audit of a stack, of its plan unless `subjects` say otherwise."""
    tenant, environment = inventory().find(name)
    built = landscape(inventory().environment(tenant, environment), catalogue())
    facts = Facts(built, catalogue(), inventory().registry)
    waivers = load_waivers(catalogue().roots, controls().by_id, controls().retired).get(tenant.id)
    return run_audit(facts, of_landscape(built) if subjects is None else subjects, controls(), place, DATE, waivers)


@cache
def clean() -> Audit:
    """gm9901: complies, with accepted deviations."""
    return audit("gm9901")


@cache
def planted() -> Audit:
    """gm9902, with one instance of its database."""
    return audit("gm9902")


def _failing(control: str, subject: str, evidence: str, enforcement: Enforcement = Enforcement.MANDATORY) -> Finding:
    return Finding(control, subject, Outcome.FAIL, enforcement, evidence, origin=Origin("inventories/x.yaml", 3))


@cache
def everything() -> Audit:
    """The planted audit with every status, with text that is hostile to every format, and with a problem."""
    plan = RemediationPlan(
        control="POD-003",
        resource="openzaak/*",
        value="-",
        reason="Wacht op de leverancier, die er aan werkt.",
        owner="proceseigenaar",
        granted=DATE,
        plan="De leverancier levert een nieuwe versie.",
        due=DATE + dt.timedelta(days=90),
    )
    more = (
        _failing("POD-001", HOSTILE, HOSTILE),
        _failing("POD-002", "openzaak/Deployment/web", "+cmd", Enforcement.ADVISORY),
        replace(_failing("POD-003", "openzaak/Deployment/web", "-"), plan=plan),
        replace(_failing("POD-004", "openzaak/Deployment/web", "@sum"), known_since=dt.date(2026, 1, 31)),
        replace(clean().findings[0], subject="openzaak/ConfigMap/odd", note=HOSTILE),
    )
    waived = tuple(finding for finding in clean().findings if finding.waiver)
    findings = sorted((*planted().findings, *more, *waived), key=lambda f: (f.control, f.subject, f.evidence))
    problem = Problem("a deviation matches nothing", "Remove it.", Origin("policies/waivers/gm9902.yaml", 4))
    return replace(planted(), findings=tuple(findings), problems=(problem,))


def run(*audits: Audit, earlier: Earlier | None = None) -> AuditRun:
    """A run over `audits`."""
    return AuditRun(audits, norms(), earlier)


@cache
def small() -> AuditRun:
    """Everything but most of what complies: all that a page can show, in a page that is quick to look through."""
    notable = {f.control for f in everything().findings if f.outcome is not Outcome.PASS or f.control.endswith("-005")}
    seen: Counter[str] = Counter()
    kept = []
    for finding in everything().findings:
        seen[finding.control] += 1
        wanted = finding.outcome is not Outcome.PASS or finding.subject == "openzaak/Deployment/web"
        if finding.control in notable and (wanted or seen[finding.control] <= 2):
            kept.append(finding)
    return AuditRun((replace(everything(), findings=tuple(kept)),), norms()[::4])


@cache
def fleet() -> AuditRun:
    """Several landscapes, of which one deviates."""
    return run(audit("sv-drieland"), everything())
