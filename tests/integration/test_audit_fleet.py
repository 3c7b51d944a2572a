"""All stacks of an inventory at once: the same verdicts as one by one, and a brief audit hides nothing."""

from __future__ import annotations

import datetime as dt
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ggi.app.workspace import Workspace
from ggi.audit.audit import Audit, Place, run_audit
from ggi.controls.load import Controls, load_controls
from ggi.controls.observation import Facts, Observation
from ggi.controls.subjects import of_landscape
from ggi.controls.verdict import Finding, Outcome
from ggi.fleet.auditing import audit_all
from ggi.inventory.load import Inventory
from ggi.inventory.stack import Stack
from ggi.landscape.build import landscape
from ggi.paths import ROOT
from tests.content import catalogue

DATE = dt.date(2026, 11, 22)
KEPT = ("gm9902", "gm9907", "sv-drieland")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory of three tenants."""
    found = tmp_path_factory.mktemp("fleet") / "inventories"
    shutil.copytree(ROOT / "inventories", found)
    for path in (found / "tenants").glob("*.yaml"):
        if path.stem not in KEPT:
            path.unlink()
    return found


@pytest.fixture(scope="module")
def controls() -> Controls:
    return load_controls([ROOT])


@pytest.fixture(scope="module")
def audits(root: Path) -> list[Audit]:
    return list(audit_all(Workspace(root), DATE, workers=1))


def seen(root: Path) -> Iterator[Observation]:
    inventory = Inventory(root, catalogue().known)
    for environment in inventory.environments():
        built = landscape(environment, catalogue())
        yield Observation(of_landscape(built), DATE, Facts(built, catalogue(), inventory.registry))


def plain(findings: Iterable[Finding]) -> list[tuple[str, str, str, str]]:
    return sorted((f.control, f.subject, f.outcome.value, f.evidence) for f in findings)


def test_every_stack_of_every_tenant_is_judged(audits: list[Audit]) -> None:
    stacks = [audit.stack for audit in audits]
    assert stacks == sorted(stacks) and {stack.rpartition("-")[0] for stack in stacks} == set(KEPT)


def test_a_brief_audit_counts_what_a_full_one_lists(root: Path, audits: list[Audit]) -> None:
    full = list(audit_all(Workspace(root), DATE, full=True, workers=1))
    for brief, whole in zip(audits, full, strict=True):
        assert brief.counts == whole.counts and brief.judged == whole.judged
        assert brief.findings == tuple(f for f in whole.findings if f.outcome is not Outcome.PASS)
        assert brief.passed == Counter(f.control for f in whole.findings if f.outcome is Outcome.PASS)


def test_a_full_audit_of_many_is_that_of_each(root: Path, controls: Controls) -> None:
    for one, what in zip(audit_all(Workspace(root), DATE, full=True, workers=1), seen(root), strict=True):
        alone = run_audit(what.facts, what.subjects, controls, Place.PLAN, DATE)
        assert plain(one.findings) == plain(alone.findings)


def test_several_workers_give_what_one_gives(root: Path, audits: list[Audit]) -> None:
    found = list(audit_all(Workspace(root), DATE, workers=2))
    assert [replace(one, controls={}) for one in found] == [replace(one, controls={}) for one in audits]
    assert all(one.controls.keys() == audits[0].controls.keys() for one in found)


def test_the_stacks_that_are_asked_for_are_judged_in_that_order(root: Path) -> None:
    asked = [Stack.parse(name) for name in ("sv-drieland-prod", "gm9902-prod")]
    assert [a.stack for a in audit_all(Workspace(root), DATE, asked, workers=1)] == ["sv-drieland-prod", "gm9902-prod"]
