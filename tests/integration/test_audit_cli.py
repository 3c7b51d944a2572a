"""The commands audit and controls: what they print, and with which exit code they end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from ggi.cli.main import main
from ggi.paths import ROOT

ON = ["--date", "2026-11-22"]


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """A copy of the inventory, to plant something in."""
    shutil.copytree(ROOT / "inventories", tmp_path / "inventories")
    return tmp_path / "inventories"


def plant(inventory: Path, tenant: str, old: str, new: str) -> None:
    path = inventory / "tenants" / f"{tenant}.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_landscape_that_complies_ends_with_zero_and_counts_every_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "gm9901", *ON]) == 0
    out = capsys.readouterr().out
    closing = out.splitlines()[-1]
    assert "gm9901-prod" in closing
    assert "2026-11-22" in closing
    for word in ("comply", "do not", "waived", "not applicable", "not judged"):
        assert word in closing


def test_what_was_not_judged_is_an_error_when_one_asks_for_it() -> None:
    assert main(["audit", "gm9901", *ON, "--strict"]) == 1


def test_of_many_landscapes_what_was_not_judged_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "gm9902-accp", "gm9902-prod", *ON]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in out[:2]] == ["gm9902-accp", "gm9902-prod"]
    assert out[2] == "Not judged:"
    assert [line.split()[:3] for line in out[4:]] == [
        ["DOM-001..007,", "INT-001..010,", "SEC-007"],
        # The length of Open Formulieren's sessions is in its database (open-forms 3.5.6, src/openforms/middleware.py).
        ["APP-009", "2", "Sessions"],
        ["IMG-003", "2", "The"],
        ["SUP-002", "2", "Every"],
    ]


def test_a_planted_violation_ends_with_one_and_names_the_line(
    inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(inventory, "gm9902", "components:\n", "components:\n  postgresql: {instances: 1}\n")
    assert main(["--inventory", str(inventory), "audit", "gm9902", *ON]) == 1
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "AVL-005" in line]
    assert "inventories/tenants/gm9902.yaml:17" in row
    assert "instances" in row


def test_an_audit_as_json_holds_everything_and_only_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "gm9901", "gm9902-accp", *ON, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [audit["stack"] for audit in found] == ["gm9901-prod", "gm9902-accp"]
    assert found[0]["proof"] == "opzet"
    assert sum(found[0]["counts"].values()) == len(found[0]["findings"])
    waived = [f for f in found[0]["findings"] if f["outcome"] == "WAIVED"]
    assert {f["waiver"]["approver"] for f in waived} == {"CISO"}


def test_an_expired_waiver_fails_by_itself_and_covers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "gm9901", "--date", "2027-10-01", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)[0]["findings"]
    failed = {f["control"] for f in found if f["outcome"] == "FAIL"}
    assert {"AVL-004", "GOV-003", "GOV-001"} <= failed


@pytest.mark.parametrize(
    "arguments", [["--date", "yesterday"], ["--from", "memory"], ["--date", "2026-13-01"], ["--no-such-option"]]
)
def test_wrong_use_ends_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "gm9901", *arguments]) == 2
    assert capsys.readouterr().out == ""


def test_an_unknown_stack_is_wrong_input() -> None:
    assert main(["audit", "gm9999"]) == 2


@pytest.mark.parametrize("language", ["en", "nl"])
def test_controls_are_listed_and_shown_in_both_languages(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang", language, "controls", "list"]) == 0
    listed = capsys.readouterr().out
    assert main(["--lang", language, "controls", "show", "pod-001"]) == 0
    shown = capsys.readouterr().out
    title = {"en": "Containers do not run as root", "nl": "Containers draaien niet als root"}[language]
    assert title in listed
    assert title in shown
    assert "variables.bad" in shown


@pytest.mark.parametrize(("name", "place"), [("hst-004", "policies/hosts/HST-004"), ("EN-04", "cookbook/recipes")])
def test_what_a_report_names_is_a_control_also_on_hosts_and_in_microsoft_365(
    name: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["controls", "show", name]) == 0
    assert place in capsys.readouterr().out
    assert main(["controls", "list"]) == 0
    assert name.upper() in capsys.readouterr().out
    assert main(["controls", "coverage", "--json"]) == 0
    assert any(name.upper() in row["controls"] for row in json.loads(capsys.readouterr().out))


def test_a_control_that_does_not_exist_is_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["controls", "show", "POD-100"]) == 2
    assert "POD-" in capsys.readouterr().err


def test_controls_as_json_hold_their_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["controls", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) > 70
    assert all(control["sources"] for control in found)


def test_coverage_shows_gaps_and_calls_no_norm_met(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["controls", "coverage", "bio2", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 117, "BIO2 v1.3 has 117 active government measures"
    assert {row["coverage"] for row in rows} == {"partly", "organisational", "not covered"}
    assert main(["controls", "coverage", "BIO3"]) == 2
    capsys.readouterr()
    assert main(["controls", "coverage"]) == 0
    assert "a person decides" in capsys.readouterr().out


def test_admission_policies_are_printed_as_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["controls", "admission"]) == 0
    kinds = [document["kind"] for document in yaml.safe_load_all(capsys.readouterr().out)]
    assert kinds.count("ValidatingAdmissionPolicy") > 40
    assert kinds.count("ValidatingAdmissionPolicyBinding") > kinds.count("ValidatingAdmissionPolicy")
