"""A content root outside the checkout, as docs/en/content-roots.md describes it: its files, and its commands."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ggi.paths import ROOT

PAGE = ROOT / "docs" / "en" / "content-roots.md"
WAIVERS = """waivers:
  - control: AVL-004
    resource: fscmanager/Deployment/server
    value: {value}  # accepted
    reason: Er kan maar één manager zijn.
    owner: proceseigenaar
    approver: CISO
    granted: 2026-10-05
    expires: 2027-09-30
    compensating: Zij start binnen een minuut.
"""


def ggi(*words: str, code: int = 0) -> str:
    """What a command says; it must end with this exit code."""
    command = [sys.executable, "-m", "ggi", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ})
    assert done.returncode == code, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content root of the page."""
    folder = tmp_path_factory.mktemp("outside") / "our-landscape"
    (folder / "stacks").mkdir(parents=True)
    blocks = re.findall(r"^```yaml\n# (\S+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) == 4
    for name, text in blocks:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def commands() -> list[list[str]]:
    """The commands of the page, without the program."""
    return [shlex.split(line)[1:] for line in re.findall(r"^\$ (.+)$", PAGE.read_text(encoding="utf-8"), re.M)]


@pytest.mark.parametrize("command", commands(), ids=lambda words: " ".join(words[2:]))
def test_the_commands_of_the_page_work(command: list[str], root: Path, tmp_path: Path) -> None:
    words = [str(root) if word == "../our-landscape" else word for word in command]
    if "--format" in words:
        words += ["--out", str(tmp_path)]
    said = ggi(*words, code=1 if "check" in words else 0)
    assert {"list": "OUR-001", "show": "OUR-001", "coverage": "House rules"}.get(words[3], "") in said


def test_controls_recipes_and_norms_from_outside_are_listed_and_counted(root: Path) -> None:
    listed = {item["id"]: item for item in json.loads(ggi("--content", str(root), "controls", "list", "--json"))}
    assert {"OUR-001", "OX-01", "POD-001", "HST-001", "TM-01"} <= set(listed)
    assert listed["OUR-001"]["admission"] is True
    shown = ggi("--content", str(root), "--lang", "nl", "controls", "show", "OUR-001")
    assert "House rules 1, 1.1: Zo min mogelijk poorten" in shown
    rows = json.loads(ggi("--content", str(root), "controls", "coverage", "House rules", "--json"))
    assert [(row["id"], row["coverage"], row["controls"]) for row in rows] == [
        ("1.1", "automated", ["OUR-001", "OX-01"])
    ]


def test_a_control_from_outside_judges_and_its_evidence_is_told_in_the_readers_language(root: Path) -> None:
    control = root / "policies" / "controls" / "OUR-001" / "control.yaml"
    text = control.read_text(encoding="utf-8")
    control.write_text(text.replace("size() <= 4", "size() <= 0"), encoding="utf-8")
    try:
        words = ("--content", str(root), "audit", "gm9901-prod", "--control", "OUR-001")
        (audit,) = json.loads(ggi(*words, "--json", code=1))
        assert {f["evidence"] for f in audit["findings"] if f["subject"] == "openzaak/Service/web"} == {"ports=1"}
        assert "1 ports" in ggi(*words, code=1)
        assert "1 poorten" in ggi("--lang", "nl", *words, code=1)
    finally:
        control.write_text(text, encoding="utf-8")


def test_the_page_of_an_audit_names_the_family_from_outside(root: Path, tmp_path: Path) -> None:
    words = ("--content", str(root), "audit", "gm9901-prod", "--control", "OUR-001", "--format", "html")
    for language, family, seen in (("en", "Our house rules", "1 ports"), ("nl", "Onze huisregels", "1 poorten")):
        ggi("--lang", language, *words, "--out", str(tmp_path / language))
        page = "".join(p.read_text(encoding="utf-8") for p in (tmp_path / language).glob("*.html"))
        assert family in page
        assert seen in page


def test_a_recipe_from_outside_judges_a_tenant(root: Path) -> None:
    said = json.loads(ggi("--content", str(root), "m365", "check", "m365-rijnstad", "--sandbox", "--json", code=1))
    text = json.dumps(said)
    assert '"OX-01"' in text
    assert "EnableFederationAccess=true" in text


def test_what_a_content_root_lacks_is_told_with_file_and_line(root: Path, tmp_path: Path) -> None:
    lacking = tmp_path / "lacking"
    (lacking / "stacks").mkdir(parents=True)
    place = lacking / "policies" / "controls" / "OUR-001"
    place.mkdir(parents=True)
    text = (root / "policies" / "controls" / "OUR-001" / "control.yaml").read_text(encoding="utf-8")
    (place / "control.yaml").write_text(text, encoding="utf-8")
    said = ggi("--content", str(lacking), "controls", "list", code=2)
    assert "policies/controls/OUR-001/control.yaml:1: error: OUR-001 is of no family" in said
    assert re.search(r"OUR-001/control.yaml:9: error: there is no framework House rules", said)
    (lacking / "policies" / "kinds.yaml").write_text(
        "kinds:\n  Service: {group: other.example, version: v1, plural: services}\n", encoding="utf-8"
    )
    assert "policies/kinds.yaml:2: error: the kind Service is known already as v1" in ggi(
        "--content", str(lacking), "controls", "list", code=2
    )


def test_waivers_of_the_old_form_are_refused_and_migrated(tmp_path: Path) -> None:
    waivers = tmp_path / "policies" / "waivers"
    waivers.mkdir(parents=True)
    (tmp_path / "stacks").mkdir()
    file = waivers / "gm9902.yaml"
    file.write_text(WAIVERS.replace("{value}", "'replicas 1'"), encoding="utf-8")
    content = ("--content", str(tmp_path))
    told = ggi(*content, "waivers", code=2)
    assert "policies/waivers/gm9902.yaml:2: error: replicas 1 is no evidence of AVL-004" in told
    assert json.loads(ggi(*content, "waivers", "migrate", "--json", code=1))["rewritten"] == [
        ["policies/waivers/gm9902.yaml:4", "replicas 1", "replicas=1"]
    ]
    assert "'replicas 1'" in file.read_text(encoding="utf-8"), "it only told"
    assert "replicas 1 -> replicas=1" in ggi(*content, "waivers", "migrate", "--write")
    assert file.read_text(encoding="utf-8") == WAIVERS.replace("{value}", "replicas=1")
    ggi(*content, "waivers", "migrate")
    file.write_text(WAIVERS.replace("{value}", "something else"), encoding="utf-8")
    assert "gm9902.yaml:4" in ggi(*content, "waivers", "migrate", "--write", code=1)
