"""The first measurement: what was known does not count, what is new or deviates otherwise does, and it only shrinks."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ggi.audit.audit import Audit, Place
from ggi.audit.baseline import Baseline, compare_baseline, freeze, load_baseline, with_baseline
from ggi.cli.main import main
from ggi.controls.verdict import Enforcement, Finding, Outcome
from ggi.errors import InputError
from ggi.paths import ROOT

DAY = dt.date(2026, 11, 22)
LATER = dt.date(2027, 2, 1)
names = st.sampled_from(["POD-001", "NET-002", "TLS-003"])
subjects = st.sampled_from(["a/Deployment/web", "a/Deployment/worker", "gm9901-prod"])
failures = st.dictionaries(st.tuples(names, subjects), st.text(max_size=8), max_size=9)


def audit(failed: dict[tuple[str, str], str], date: dt.date = DAY, unknown: tuple[tuple[str, str], ...] = ()) -> Audit:
    findings = [Finding(c, s, Outcome.FAIL, Enforcement.MANDATORY, e) for (c, s), e in failed.items()]
    findings += [Finding(c, s, Outcome.UNKNOWN, Enforcement.MANDATORY) for c, s in unknown]
    return Audit("gm9901-prod", "Rijnstad", "prod", "2026.3", Place.PLAN, date, {}, tuple(findings))


def frozen(found: Audit, earlier: Baseline | None = None) -> Baseline:
    return Baseline.model_validate(json.loads(freeze([found], earlier)))


@given(failures)
def test_what_was_frozen_is_known_and_blocks_nothing(failed: dict[tuple[str, str], str]) -> None:
    again = with_baseline(audit(failed, LATER), frozen(audit(failed)))
    assert all(f.outcome is Outcome.FAIL and f.known_since == DAY and not f.blocks for f in again.findings)
    assert len(compare_baseline(again, frozen(audit(failed))).known) == len(failed)


@given(failures, failures)
def test_every_later_failure_is_new_or_changed_or_known_and_what_is_gone_is_mended(
    before: dict[tuple[str, str], str], after: dict[tuple[str, str], str]
) -> None:
    baseline = frozen(audit(before))
    again = with_baseline(audit(after, LATER), baseline)
    found = compare_baseline(again, baseline)
    assert {(f.control, f.subject) for f in found.new} == after.keys() - before.keys()
    assert {(f.control, f.subject) for f, _ in found.changed} == {
        k for k in after.keys() & before.keys() if after[k] != before[k]
    }
    assert {(k.control, k.subject) for k in found.mended} == before.keys() - after.keys()
    counted = [f for f in again.failed if f.blocks]
    assert {(f.control, f.subject) for f in counted} == {k for k in after if before.get(k) != after[k]}


@given(failures, failures)
def test_a_baseline_never_grows(before: dict[tuple[str, str], str], after: dict[tuple[str, str], str]) -> None:
    baseline = frozen(audit(before))
    left = frozen(with_baseline(audit(after, LATER), baseline), baseline)
    kept = {(k.control, k.subject, k.evidence, k.since) for k in left.stacks["gm9901-prod"].findings}
    assert kept == {(c, s, e, DAY) for (c, s), e in before.items() if after.get((c, s)) == e}
    assert left.stacks["gm9901-prod"].date == DAY


def test_what_can_not_be_judged_now_is_not_called_mended() -> None:
    before = {("POD-001", "a/Deployment/web"): "x", ("NET-002", "a/Deployment/web"): "y"}
    again = audit({}, LATER, unknown=(("POD-001", "a/Deployment/web"), ("NET-002", "gm9901-prod")))
    found = compare_baseline(again, frozen(audit(before)))
    assert found.mended == ()
    assert len(found.unjudged) == 2


def test_a_stack_that_was_never_frozen_is_wrong_input() -> None:
    other = replace(audit({}), stack="gm9902-prod")
    with pytest.raises(InputError, match="no stack gm9902-prod"):
        with_baseline(other, frozen(audit({})))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "ggi-baseline/2", "stacks": {}}', "\ufeff{"])
def test_a_file_that_is_no_baseline_is_wrong_input(tmp_path: Path, text: str) -> None:
    (tmp_path / "b.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="no baseline"):
        load_baseline(tmp_path / "b.json")


@pytest.mark.usefixtures("content_once")
def test_only_what_is_new_counts_for_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inventory, file = tmp_path / "inventories", tmp_path / "b.json"
    shutil.copytree(ROOT / "inventories", inventory)
    tenant = inventory / "tenants" / "gm9902.yaml"
    clean = tenant.read_text(encoding="utf-8")
    one = clean.replace("components:\n", "components:\n  postgresql: {instances: 1}\n")
    run = ["--inventory", str(inventory), "audit", "gm9902", "--date"]
    tenant.write_text(one, encoding="utf-8")
    assert main([*run, "2026-11-22", "--freeze", str(file)]) == 0
    assert main([*run, "2026-11-22", "--freeze", str(file)]) == 2, "what is frozen once is not frozen anew"
    assert main([*run, "2026-11-25"]) == 1
    capsys.readouterr()
    assert main([*run, "2026-11-25", "--baseline", str(file)]) == 0
    assert "known since 2026-11-22" in capsys.readouterr().out
    # On that day its release is too old as well.
    assert main([*run, "2027-01-01", "--baseline", str(file)]) == 1
    assert "+ GOV-001" in capsys.readouterr().out
    tenant.write_text(clean, encoding="utf-8")
    capsys.readouterr()
    assert main([*run, "2026-11-25", "--baseline", str(file), "--freeze", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "AVL-005" in [row[0] for row in told[0]["baseline"]["mended"]]
    tenant.write_text(one, encoding="utf-8")
    assert main([*run, "2026-11-26", "--baseline", str(file)]) == 1, "what was mended once is new when it comes back"
