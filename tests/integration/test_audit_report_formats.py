"""Reports that programs read: valid by the schema of their format, all counting alike, the same at every run."""

from __future__ import annotations

import argparse
import base64
import csv
import io
import json
import re
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections import Counter
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import openpyxl
import pytest
import xmlschema
from trestle.core.validator_factory import validator_factory
from trestle.oscal import OSCAL_VERSION
from trestle.oscal.assessment_results import AssessmentResults

from ggi.audit.audit import Audit, Place
from ggi.controls.subjects import of_objects
from ggi.controls.verdict import Outcome
from ggi.landscape.build import landscape
from ggi.report.audit.formats import FORMATS
from ggi.report.audit.oscal import VERSION
from ggi.report.audit.run import AuditRun
from ggi.report.audit.tables import COLUMNS, inert
from tests import audits

SCHEMAS = Path(__file__).parent / "report_schemas"
CANARY = "kanarie-5f0c9e1d"


@pytest.fixture(scope="module", params=["clean", "everything", "fleet"])
def run(request: pytest.FixtureRequest) -> AuditRun:
    found: Audit | AuditRun = getattr(audits, request.param)()
    return found if isinstance(found, AuditRun) else audits.run(found)


def made(run: AuditRun, name: str) -> bytes:
    return FORMATS[name].make(run)


def counts(run: AuditRun) -> dict[str, int]:
    """What the JSON counts, which is what every other format must count."""
    found: Counter[str] = Counter()
    for audit in json.loads(made(run, "json")):
        assert Counter(f["outcome"] for f in audit["findings"]) == Counter(
            {k: v for k, v in audit["counts"].items() if v}
        )
        found.update(audit["counts"])
    return dict(found)


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"pdf"}))
def test_the_same_audits_give_the_same_bytes(run: AuditRun, name: str) -> None:
    again = AuditRun(run.audits, run.rows, run.earlier)
    assert made(run, name) == made(again, name)


def test_a_pdf_is_the_same_at_every_run_and_readable_by_assistive_technology() -> None:
    pytest.importorskip("weasyprint", reason="no Pango on this machine", exc_type=OSError)
    # A part of it, since setting a page takes a while: the drawing, every status, hostile text.
    part = replace(audits.everything(), findings=audits.everything().findings[:60] + audits.everything().failed)
    one, two = (made(AuditRun((part,)), "pdf") for _ in range(2))
    assert one.startswith(b"%PDF-")
    assert one == two
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", one, re.DOTALL)
    plain = b"".join(zlib.decompress(stream) if stream[:1] == b"x" else stream for stream in streams)
    assert b"pdfuaid:part" in plain
    assert b"/StructTreeRoot" in plain


def test_a_pdf_holds_no_time_where_fonttools_cuts_its_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library HarfBuzz-subset, WeasyPrint leaves that to fontTools, which dates what it writes."""
    fonts = pytest.importorskip("weasyprint.pdf.fonts", reason="no Pango on this machine", exc_type=OSError)
    monkeypatch.setattr(fonts, "harfbuzz_subset", None)
    clock = SimpleNamespace(time=count(1_800_000_000, 86_400).__next__)
    monkeypatch.setattr("fontTools.misc.timeTools.time", clock)
    part = replace(audits.everything(), findings=audits.everything().failed[:1])
    one, two = (made(AuditRun((part,)), "pdf") for _ in range(2))
    assert one == two


def test_junit_is_valid_and_counts_as_the_json_does(run: AuditRun) -> None:
    root, told = ET.fromstring(made(run, "junit")), counts(run)  # noqa: S314
    xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd")).validate(root)
    assert len(root.findall(".//failure")) == told["FAIL"] == sum(int(s.get("failures", "")) for s in root)
    skipped = told["WAIVED"] + told["UNKNOWN"] + told["NOT_APPLICABLE"]
    assert len(root.findall(".//skipped")) == skipped == sum(int(s.get("skipped", "")) for s in root)
    assert len(root.findall(".//error")) == sum(len(audit.problems) for audit in run.audits)
    cases = sum(told.values()) + sum(len(audit.problems) for audit in run.audits)
    assert len(root.findall(".//testcase")) == cases == sum(int(s.get("tests", "")) for s in root)


def test_sarif_is_valid_and_counts_as_the_json_does(run: AuditRun) -> None:
    log: dict[str, Any] = json.loads(made(run, "sarif"))
    schema = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    jsonschema.validators.validator_for(schema)(schema).validate(log)
    told, listed = counts(run), Counter[str]()
    for one in log["runs"]:
        listed.update(result["properties"]["outcome"] for result in one["results"])
        for result in one["results"]:
            assert one["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
            assert (result["kind"] == "open") == (result["properties"]["outcome"] == "UNKNOWN")
            assert ("suppressions" in result) == (result["properties"]["outcome"] == "WAIVED")
    assert listed == Counter({name: told[name] for name in ("FAIL", "WAIVED", "UNKNOWN") if told[name]})
    assert sum((Counter(one["properties"]["counts"]) for one in log["runs"]), Counter()) == Counter(
        {name: count for name, count in told.items() if count}
    )


def test_sarif_points_to_the_line_of_the_inventory_that_causes_it() -> None:
    log = json.loads(made(audits.run(audits.planted()), "sarif"))
    (result,) = [r for r in log["runs"][0]["results"] if r["ruleId"] == "AVL-005"]
    place = result["locations"][0]["physicalLocation"]
    lines = (audits.inventory().root / "tenants" / "gm9902.yaml").read_text(encoding="utf-8").splitlines()
    assert "instances: 1" in lines[place["region"]["startLine"] - 1]
    assert place["artifactLocation"]["uri"].endswith("inventories/tenants/gm9902.yaml")


def test_oscal_is_valid_and_counts_as_the_json_does(run: AuditRun, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(made(run, "oscal"))
    found = AssessmentResults.oscal_read(path)
    assert found is not None
    assert validator_factory.get(argparse.Namespace(mode="all")).model_is_valid(found, True, tmp_path)
    document = json.loads(path.read_text(encoding="utf-8"))["assessment-results"]
    assert document["metadata"]["oscal-version"] == VERSION == OSCAL_VERSION
    observations = [one for result in document["results"] for one in result["observations"]]
    told = Counter(prop["value"] for one in observations for prop in one["props"] if prop["name"] == "outcome")
    assert told == +Counter(counts(run))


def test_oscal_refers_to_nothing_that_it_does_not_hold(run: AuditRun) -> None:
    document = json.loads(made(run, "oscal"))["assessment-results"]
    for result in document["results"]:
        observations = {one["uuid"] for one in result["observations"]}
        assert len(observations) == len(result["observations"])
        risks = {one["uuid"] for one in result.get("risks", [])}
        components = {one["uuid"] for one in result["local-definitions"]["components"]}
        assert {s["subject-uuid"] for o in result["observations"] for s in o["subjects"]} <= components
        for finding in result["findings"]:
            assert {o["observation-uuid"] for o in finding["related-observations"]} <= observations
            assert {r["risk-uuid"] for r in finding.get("related-risks", [])} <= risks


def test_oscal_satisfies_only_what_was_wholly_judged_and_complies() -> None:
    document = json.loads(made(audits.run(audits.everything()), "oscal"))["assessment-results"]
    stack = audits.run(audits.everything()).stacks[0]
    for finding in document["results"][0]["findings"]:
        control = finding["target"]["target-id"].removesuffix("_obj").upper()
        outcomes = {f.outcome for f in stack.judged[control].findings}
        assert outcomes != {Outcome.NOT_APPLICABLE}, f"{control} is neither satisfied nor not"
        satisfied = finding["target"]["status"]["state"] == "satisfied"
        assert satisfied == (outcomes <= {Outcome.PASS, Outcome.NOT_APPLICABLE}), control


def test_csv_has_a_line_per_finding_and_no_cell_is_a_formula(run: AuditRun) -> None:
    rows = list(csv.DictReader(io.StringIO(made(run, "csv").decode())))
    assert tuple(rows[0]) == COLUMNS
    assert Counter(row["outcome"] for row in rows) == +Counter(counts(run))
    assert not [cell for row in rows for cell in row.values() if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", " =1", "|calc", "%0a"])
def test_what_a_spreadsheet_would_run_is_made_inert(text: str) -> None:
    assert inert(text) == f"'{text}"
    assert inert(f"a{text}") == f"a{text}"


def test_a_workbook_has_every_finding_and_no_formula(run: AuditRun) -> None:
    content = io.BytesIO(made(run, "xlsx"))
    with zipfile.ZipFile(content) as archive:
        assert not [name for name in archive.namelist() if re.search(rb"<f[ >]", archive.read(name))]
    book = openpyxl.load_workbook(content, read_only=True)
    head, *rows = book.worksheets[1].iter_rows(values_only=True)
    assert head == COLUMNS
    outcome = COLUMNS.index("outcome")
    assert Counter(row[outcome] for row in rows) == +Counter(counts(run))


def test_markdown_cannot_be_broken_out_of() -> None:
    text = made(audits.run(audits.everything()), "md").decode()
    (line,) = [line for line in text.splitlines() if "alert" in line]
    assert "<script" not in line.replace("\\<", "")
    # A table of five columns has six bars that are not escaped.
    assert line.replace("\\\\", "").replace("\\|", "").count("|") == 6


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"pdf"}))
def test_no_format_holds_a_secret_of_the_cluster(name: str, bitten: AuditRun) -> None:
    content = made(bitten, name)
    if name == "xlsx":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = b"".join(archive.read(part) for part in archive.namelist())
    for form in (CANARY, base64.b64encode(CANARY.encode()).decode(), CANARY.encode().hex()):
        assert form.encode() not in content


@pytest.fixture(scope="module")
def bitten() -> AuditRun:
    """A live audit of a cluster in which every Secret, and what people copy one into, holds a canary."""
    tenant, environment = audits.inventory().find("gm9902")
    built = landscape(audits.inventory().environment(tenant, environment), audits.catalogue())
    coded = base64.b64encode(CANARY.encode()).decode()
    objects: list[dict[str, Any]] = []
    for item in built.objects:
        body: dict[str, Any] = json.loads(json.dumps(item.body))
        if item.kind == "Secret":
            body["data"] = dict.fromkeys(item.secrets, coded) | {"planted": coded}
            body["stringData"] = {"password": CANARY}
            notes = body["metadata"].setdefault("annotations", {})
            notes["kubectl.kubernetes.io/last-applied-configuration"] = json.dumps({"data": {"password": coded}})
        if item.kind == "Deployment":
            body["spec"]["template"]["spec"]["containers"][0].setdefault("env", []).append(
                {"name": "DB_PASSWORD", "value": CANARY}
            )
        objects.append(body)
    found = audits.run(audits.audit("gm9902", of_objects(objects, built), Place.LIVE))
    assert any(f.outcome is Outcome.FAIL and f.control.startswith("SEC") for f in found.audits[0].findings)
    return found
