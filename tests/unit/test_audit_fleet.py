"""All stacks of an inventory at once: the same verdicts as one by one, and alike objects judged once."""

from __future__ import annotations

import datetime as dt
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ggi.audit import alike
from ggi.audit.content import Controls, load_controls
from ggi.audit.facts import Facts, Seen
from ggi.audit.judge import Judge
from ggi.audit.subjects import of_landscape
from ggi.audit.verdict import Finding, Outcome
from ggi.catalogue.content import load_catalogue
from ggi.fleet.auditing import Summary, audit_all
from ggi.inventory.load import Inventory
from ggi.landscape.build import landscape
from ggi.paths import ROOT

pytestmark = pytest.mark.unit
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
def summaries(root: Path) -> list[Summary]:
    return list(audit_all(root, [ROOT], DATE, workers=1))


def seen(root: Path) -> Iterator[Seen]:
    catalogue = load_catalogue()
    inventory = Inventory(root, catalogue.known)
    for environment in inventory.environments():
        built = landscape(environment, catalogue)
        yield Seen(of_landscape(built), DATE, Facts(built, catalogue, inventory.registry))


def plain(findings: Iterator[Finding]) -> list[tuple[str, str, str, str]]:
    return sorted((f.control, f.subject, f.outcome.value, f.evidence) for f in findings)


def test_every_stack_of_every_tenant_is_judged(summaries: list[Summary]) -> None:
    stacks = [summary.stack for summary in summaries]
    assert stacks == sorted(stacks) and {stack.rpartition("-")[0] for stack in stacks} == set(KEPT)


def test_a_summary_counts_what_the_judge_finds(root: Path, summaries: list[Summary], controls: Controls) -> None:
    for summary, what in zip(summaries, seen(root), strict=True):
        found = list(Judge(controls, what).findings())
        assert summary.stack == what.stack
        counts = Counter(f.outcome for f in found)
        assert {o: n for o, n in summary.total.items() if n} == dict(counts)
        assert all(f.outcome is not Outcome.PASS for f in summary.findings)


def test_several_workers_give_what_one_gives(root: Path, summaries: list[Summary]) -> None:
    assert list(audit_all(root, [ROOT], DATE, workers=2)) == summaries


def test_what_is_alike_gets_the_verdicts_and_evidence_that_it_gets_alone(
    root: Path, controls: Controls, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered = [plain(Judge(controls, what, full=True).findings()) for what in seen(root)]
    monkeypatch.setattr(alike, "shared", lambda _: False)
    alone = [plain(Judge(controls, what, full=True).findings()) for what in seen(root)]
    assert remembered == alone


def test_a_field_that_no_rule_names_is_not_seen() -> None:
    body = {"kind": "Job", "spec": {"backoffLimit": 3, "data": {"anything": 1}, "other": [{"backoffLimit": 1}]}}
    assert alike.visible(body, frozenset({"spec", "backoffLimit"})) == [
        ("spec", [("backoffLimit", 3), ("data", [("anything", 1)])])
    ]


def test_the_worst_outcome_stands_for_a_control(summaries: list[Summary]) -> None:
    counts = {"POD-001": {Outcome.PASS: 3, Outcome.FAIL: 1}, "POD-002": {Outcome.PASS: 1, Outcome.UNKNOWN: 1}}
    summary = Summary("s", "t", "prod", "2026.4", counts, ())
    outcomes = [summary.outcome(control) for control in ("POD-001", "POD-002", "POD-003")]
    assert outcomes == [Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE]
