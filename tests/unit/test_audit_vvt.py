"""The contribution to a Verklaring van Toepasselijkheid: it says what was seen, and never more."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from dataclasses import replace

import pytest

from ggi.assurance.statement import Applicable, Implemented, Statement, StatementLine, statement
from ggi.audit.audit import Audit, Place
from ggi.cli.main import main
from ggi.controls.control import Text
from ggi.controls.coverage import Coverage, NormCoverage, coverage, load_frameworks
from ggi.controls.verdict import Enforcement, Finding, Outcome
from ggi.inventory.waivers import NotApplicable, RemediationPlan, Waiver, WaiverFile
from ggi.paths import ROOT
from tests.content import (
    controls,
)

DAY = dt.date(2026, 11, 22)
LONG = "reason enough for a reader"


def row(how: Coverage = Coverage.PARTLY, *cited: str) -> NormCoverage:
    return NormCoverage(
        "BIO2", "1.3", "8.24.01", Text(nl="Versleuteling", en="Encryption"), how, cited or ("TLS-001",), ()
    )


def finding(outcome: Outcome, subject: str = "a/Gateway/public", control: str = "TLS-001") -> Finding:
    return Finding(control, subject, outcome, Enforcement.MANDATORY, "1.2")


def audit(*findings: Finding) -> Audit:
    by_id = controls().by_id
    return Audit("gm9901-prod", "Rijnstad", "prod", "2026.3", Place.PLAN, DAY, by_id, tuple(findings))


def line(*findings: Finding, how: Coverage = Coverage.PARTLY, cited: tuple[str, ...] = ()) -> StatementLine:
    return statement(audit(*findings), [row(how, *cited)], WaiverFile()).lines[0]


WAIVER = Waiver(
    control="TLS-001", resource="*", value="1.2", reason=LONG, owner="proceseigenaar", approver="CISO", granted=DAY,
    expires=DAY, compensating=LONG,
)  # fmt: skip
PLAN = RemediationPlan(
    control="TLS-001", resource="*", value="1.2", reason=LONG, owner="beheer", granted=DAY, plan=LONG, due=DAY
)
NONE = NotApplicable(control="TLS-001", resource="*", reason=LONG, owner="beheer", approver="CISO", granted=DAY)
PASS, FAIL, UNKNOWN = finding(Outcome.PASS), finding(Outcome.FAIL), finding(Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("findings", "how", "wanted"),
    [
        ([PASS], Coverage.PARTLY, Implemented.PARTLY),
        ([PASS], Coverage.AUTOMATED, Implemented.AUTOMATED),
        ([PASS, UNKNOWN], Coverage.AUTOMATED, Implemented.PARTLY),
        ([UNKNOWN], Coverage.PARTLY, Implemented.UNKNOWN),
        ([PASS, FAIL], Coverage.AUTOMATED, Implemented.DEVIATES),
        ([PASS, replace(FAIL, plan=PLAN)], Coverage.PARTLY, Implemented.PLANNED),
        ([FAIL, replace(FAIL, plan=PLAN)], Coverage.PARTLY, Implemented.DEVIATES),
        ([PASS, replace(FAIL, known_since=DAY)], Coverage.PARTLY, Implemented.KNOWN),
        ([PASS, replace(FAIL, outcome=Outcome.WAIVED, waiver=WAIVER)], Coverage.PARTLY, Implemented.ACCEPTED),
        ([finding(Outcome.NOT_APPLICABLE)], Coverage.PARTLY, Implemented.NOT_APPLICABLE),
        ([], Coverage.NOT_COVERED, Implemented.OUTSIDE),
        ([], Coverage.ORGANISATIONAL, Implemented.OUTSIDE),
    ],
)
def test_the_worst_that_was_seen_decides(findings: list[Finding], how: Coverage, wanted: Implemented) -> None:
    assert line(*findings, how=how).implemented is wanted


def test_no_line_calls_a_norm_implemented() -> None:
    assert not [word for word in Implemented if word.value.startswith("implemented") or word.value == "yes"]


def test_what_a_person_must_decide_is_left_to_a_person() -> None:
    assert line(how=Coverage.ORGANISATIONAL).applicable is Applicable.OPEN
    assert line(how=Coverage.NOT_COVERED).applicable is Applicable.OPEN
    assert line(PASS).owner == ""


def test_what_is_declared_not_applicable_is_out_with_its_reason_and_owner() -> None:
    found = line(replace(FAIL, outcome=Outcome.NOT_APPLICABLE, not_applicable=NONE))
    assert (found.applicable, found.reason, found.owner) == (Applicable.DECLARED_NOT, LONG, "beheer")
    part = line(PASS, replace(FAIL, outcome=Outcome.NOT_APPLICABLE, not_applicable=NONE))
    assert part.applicable is Applicable.YES
    assert "not applicable" in part.reason


def test_the_proof_counts_controls_and_says_where_and_when_they_looked() -> None:
    found = line(PASS, finding(Outcome.FAIL, control="TLS-002"), cited=("TLS-001", "TLS-002", "TLS-003"))
    assert found.proof == "1 of 3 partial proofs (TLS-001 TLS-002 TLS-003); opzet, from plan, 2026-11-22"


def test_the_annex_has_every_exception_and_every_failure_that_nobody_explained() -> None:
    file = WaiverFile(waivers=[WAIVER], plans=[PLAN], not_applicable=[NONE])
    open_, planned = finding(Outcome.FAIL, "b"), replace(FAIL, plan=PLAN)
    found = statement(audit(open_, planned), [row()], file)
    assert [item.resource for item in found.annex] == ["*", "*", "*", "b"]
    assert {item.norms for item in found.annex} == {"BIO2 8.24.01"}
    assert found.annex[0].compensating == LONG
    elsewhere = WaiverFile(waivers=[WAIVER.model_copy(update={"environments": ["accp"]})])
    assert statement(audit(), [row()], elsewhere).annex == ()


def test_every_norm_of_the_framework_has_one_line() -> None:
    rows = coverage(controls(), load_frameworks([ROOT]))
    found: Statement = statement(audit(), rows, WaiverFile())
    assert sorted(line.number for line in found.lines) == sorted(f"{r.framework} {r.id}" for r in rows)


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.usefixtures("content_once")
def test_it_is_written_in_every_format(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = ["--lang", language, "audit", "vvt", "gm9901", "--date", "2026-11-22", "--framework", "bio2"]
    assert main([*run, "--format", "csv"]) == 0
    separator = ";" if language == "nl" else ","
    table = list(csv.reader(io.StringIO(capsys.readouterr().out), delimiter=separator))
    assert {len(cells) for cells in table} == {8}
    assert len(table) > 100
    assert main([*run, "--format", "md"]) == 0
    assert "AVL-004" in capsys.readouterr().out
    assert main(run) == 0
    assert "Rijnstad" in capsys.readouterr().out
    assert main([*run, "--format", "docx"]) == 2


@pytest.mark.usefixtures("content_once")
def test_as_json_it_has_lines_and_annex(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "vvt", "gm9901", "--date", "2026-11-22", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {item["approver"] for item in found["annex"]} == {"CISO"}
    assert {item["kind"] for item in found["lines"]} == {"government measure", "ISO control"}
