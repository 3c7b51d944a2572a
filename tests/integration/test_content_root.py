"""A content root of somebody else, outside the checkout: the one that docs/en/adding-a-component.md shows."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from ggi.cli.main import main
from ggi.paths import ROOT

PAGE = ROOT / "docs" / "en" / "adding-a-component.md"
OURS = ("balie", "zaakportaal")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content root of the page, and beside it an inventory in which gm9901-prod has its components."""
    folder = tmp_path_factory.mktemp("theirs")
    page = PAGE.read_text(encoding="utf-8")
    for name, text in re.findall(r"^```\w+\n# (stacks/\S+)\n(.*?)^```$", page, re.M | re.S):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / "inventories", folder / "inventories")
    tenant = folder / "inventories" / "tenants" / "gm9901.yaml"
    asked = re.search(r"^```yaml\n(environments:.*?)^```$", page, re.M | re.S)
    assert asked
    components = json.dumps(yaml.safe_load(asked[1])["environments"]["prod"]["components"])
    before = tenant.read_text(encoding="utf-8")
    after = before.replace('window: "di 20:00-23:00"}', f'window: "di 20:00-23:00", components: {components}}}')
    assert after != before
    tenant.write_text(after, encoding="utf-8")
    return folder


@pytest.fixture
def options(root: Path) -> list[str]:
    return ["--content", str(root), "--inventory", str(root / "inventories")]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _rules(objects: list[dict[str, Any]], component: str, direction: str) -> str:
    """The rules of the NetworkPolicies that hold for a component's pods, as text."""
    found = [
        o["spec"][direction]
        for o in objects
        if o["kind"] == "NetworkPolicy"
        and o["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name") == component
        and direction in o["spec"]
    ]
    assert found
    return json.dumps(found)


def test_the_plan_shows_them_from_any_folder(root: Path, options: list[str]) -> None:
    done = subprocess.run(
        [str(ROOT / "ggi"), *options, "plan", "gm9901-prod"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^ +Balie +1\.0\.0 .*web 2 +balie\.rijnstad\.test$", done.stdout, re.M)
    assert re.search(r"^ +Zaakportaal +2\.1\.0 .*web 2, worker 2 +zaakportaal\.rijnstad\.test$", done.stdout, re.M)


def test_their_relations_are_there_at_both_ends(tmp_path: Path, options: list[str]) -> None:
    assert main([*options, "render", "gm9901-prod", "--out", str(tmp_path)]) == 0
    relations = _rows(tmp_path / "relations.csv")
    wanted = {("balie", "openzaak"), ("zaakportaal", "openzaak"), ("zaakportaal", "postgresql")}
    assert wanted <= {(row["consumer"], row["provider"]) for row in relations}
    objects = [
        document
        for path in sorted((tmp_path / "kubernetes").rglob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        if document
    ]
    for name in OURS:
        assert "openzaak" in _rules(objects, name, "egress")
        assert name in _rules(objects, "openzaak", "ingress")
    texts = {f"{o['kind']}/{o['metadata']['name']}": json.dumps(o) for o in objects}
    accepted = next(text for name, text in texts.items() if name.startswith("ConfigMap/openzaak-setup"))
    assert all(f"{name}-r1" in accepted for name in OURS)
    kinds = Counter(o["kind"] for o in objects if o["metadata"]["name"].startswith("zaakportaal"))
    assert kinds["Deployment"] == 2 and kinds["Job"] == 2 and kinds["HTTPRoute"] == 1


def test_controls_judge_them_and_what_they_say_is_explained(
    capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    assert main([*options, "audit", "gm9901-prod", "--date", "2026-11-22", "--json"]) == 0
    findings = [
        finding
        for finding in json.loads(capsys.readouterr().out)[0]["findings"]
        if any(finding["subject"].startswith(f"{name}/") or finding["subject"] == name for name in OURS)
    ]
    outcomes = Counter(finding["outcome"] for finding in findings)
    assert outcomes["PASS"] > 100
    assert set(outcomes) <= {"PASS", "UNKNOWN", "NOT_APPLICABLE"}
    assert {finding["control"] for finding in findings if finding["outcome"] == "UNKNOWN"} <= {"IMG-003", "SUP-002"}
