"""The files below policies/: whole, in both languages, with sources that exist, and schemas that are fresh."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from ggi.controls.control import Text
from ggi.controls.coverage import load_frameworks, stray_sources
from ggi.controls.load import load_controls
from ggi.controls.schema import policy_schemas
from ggi.controls.terms import load_terms
from ggi.errors import InputError
from ggi.hosts.audit import controls_of
from ggi.hosts.controls import load_host_controls
from ggi.inventory.schema import stale
from ggi.inventory.tree import read
from ggi.paths import ROOT
from tests.content import controls

FOLDER = ROOT / "policies"


def files() -> list[Path]:
    return sorted(p for p in FOLDER.rglob("*.yaml") if p.name != "PulumiPolicy.yaml")


def test_the_schemas_are_fresh() -> None:
    assert not stale(FOLDER / "schema", policy_schemas()), "run: ./ggi controls schema"


def test_every_file_names_a_schema_that_exists_and_fits_it() -> None:
    for path in files():
        head = path.read_text(encoding="utf-8").splitlines()[0]
        match = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", head)
        assert match, f"{path} names no schema"
        schema = (path.parent / match.group(1)).resolve()
        assert schema.is_file(), f"{path} names {schema}, which is not there"
        content = json.loads(json.dumps(read(path, path.name).plain(), default=str))
        jsonschema.validate(content, json.loads(schema.read_text(encoding="utf-8")))


def test_every_id_is_of_a_known_family_and_stands_for_its_folder() -> None:
    families = load_terms([]).families
    for control in controls():
        assert families[control.id[:3]].over == "objects"
        assert controls().folders[control.id].name == control.id


def texts() -> list[tuple[str, Text]]:
    found = []
    for control in controls():
        file = control.file
        found += [(f"{control.id} {key}", getattr(file, key)) for key in ("title", "why", "message", "remediation")]
        found += [(f"{control.id} {source}", source.text) for source in file.sources]
    return found


def test_texts_are_sentences_in_both_languages() -> None:
    for where, text in texts():
        for one in (text.nl, text.en):
            assert one[0].isupper() or one[0] in "`", where
            assert "\n" not in one, where
        assert text.nl != text.en, where


def test_dutch_is_not_english() -> None:
    english = re.compile(r"\b(the|and|is not|must|without|every)\b", re.I)
    dutch = re.compile(r"\b(het|niet|zonder|wordt|een)\b", re.I)
    for where, text in texts():
        assert not english.search(re.sub(r"`[^`]*`", "", text.nl)), (where, text.nl)
        assert not dutch.search(re.sub(r"`[^`]*`", "", text.en)), (where, text.en)


def test_every_source_is_one_that_its_framework_has() -> None:
    hosts = controls_of(load_host_controls([ROOT])).values()
    assert [str(p) for p in stray_sources([*controls(), *hosts], load_frameworks([ROOT]))] == []


def test_a_government_measure_cites_the_bio_and_everything_else_can_be_waived() -> None:
    for control in controls():
        if not control.waivable:
            assert any(s.framework == "BIO2" for s in control.file.sources), control.id


def test_a_control_of_which_nothing_loads_is_told_with_all_that_is_wrong(tmp_path: Path) -> None:
    shown = {}
    for name, change in {
        "POD-901": ("cel: variables.bad.size() == 0", "cel: variables.nope.size() =="),
        "POD-902": ("severity: high", "severity: terrible"),
        "POD-903": ("id: POD-903", "id: POD-001"),
    }.items():
        folder = tmp_path / "policies" / "controls" / name
        folder.mkdir(parents=True)
        text = (FOLDER / "controls" / "POD-001" / "control.yaml").read_text(encoding="utf-8")
        text = text.replace("id: POD-001", f"id: {name}").replace(*change)
        (folder / "control.yaml").write_text(text, encoding="utf-8")
        lines = text.splitlines()
        wanted = change[1] if change[1] in lines else next(line for line in lines if line.startswith(change[1][:3]))
        shown[name] = lines.index(wanted) + 1
    with pytest.raises(InputError) as caught:
        load_controls([tmp_path])
    told = {str(p.origin) for p in caught.value.problems}
    assert f"policies/controls/POD-901/control.yaml:{shown['POD-901']}" in told
    assert f"policies/controls/POD-902/control.yaml:{shown['POD-902']}" in told
    assert any(place.startswith("policies/controls/POD-903/") for place in told)


def test_a_retired_id_is_never_used_again(tmp_path: Path) -> None:
    folder = tmp_path / "policies" / "controls" / "POD-001"
    folder.mkdir(parents=True)
    text = (FOLDER / "controls" / "POD-001" / "control.yaml").read_text(encoding="utf-8")
    (folder / "control.yaml").write_text(text, encoding="utf-8")
    (folder.parent / "retired.yaml").write_text(
        "retired:\n  - id: POD-001\n    title: {nl: Oud, en: Old}\n    on: 2026-01-01\n"
        "    reason: {nl: Vervangen, en: Replaced}\n    successor: POD-002\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="retired"):
        load_controls([tmp_path])
