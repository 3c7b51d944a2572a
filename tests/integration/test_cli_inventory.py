"""validate, explain, new, inputs on the shipped inventory and on small ones of the tests' own."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from ggi.app.program import desired
from ggi.cli.main import main
from ggi.engine.run_context import RunContext
from ggi.errors import InputError
from ggi.inventory import new as new_file
from ggi.paths import ROOT

SHIPPED = ROOT / "inventories"


@pytest.fixture(autouse=True)
def surroundings(content_once: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GGI_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the shipped inventory."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "inventories"))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """One region, one tenant: the base of the corpus."""
    folder = Path(shutil.copytree(ROOT / "tests" / "corpus" / "base", tmp_path / "inventories"))
    shutil.copytree(SHIPPED / "registry", folder / "registry")
    return folder


def asked(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    """The JSON that a command prints."""
    result = main([*words, "--json"])
    told = capsys.readouterr()
    assert result == code, told.err
    return json.loads(told.out)


# validate


@pytest.mark.parametrize("date", ["2026-11-01", "2028-06-01"])
def test_the_shipped_inventory_has_no_error_today_and_later(date: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, "validate", "--date", date)
    assert found["errors"] == []
    assert found["tenants"] >= 11
    assert all(objects > 50 for objects in found["stacks"].values())


def test_dates_that_pass_become_warnings_and_no_errors(capsys: pytest.CaptureFixture[str]) -> None:
    def warned(date: str) -> set[str]:
        return {w["file"].rpartition("/")[2] for w in asked(capsys, "validate", "--date", date)["warnings"]}

    assert not {"gm9905.yaml", "gm9907.yaml", "gm9908.yaml"} & warned("2027-05-31")
    assert {"gm9905.yaml", "gm9907.yaml", "gm9908.yaml"} <= warned("2028-01-01")


def test_one_tenant_is_validated_without_the_faults_of_others(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copied / "tenants" / "gm9902.yaml").write_text("gemeente: GM9902\n", encoding="utf-8")
    where = ("--inventory", str(copied))
    assert asked(capsys, *where, "validate", code=2)["errors"]
    found = asked(capsys, *where, "validate", "gm9901")
    assert list(found["stacks"]) == ["gm9901-accp", "gm9901-prod"]
    assert found["errors"] == []


def test_one_tenant_is_validated_against_what_others_have(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = copied / "tenants" / "gm9901.yaml"
    text = path.read_text(encoding="utf-8")
    assert "domain: rijnstad.test" in text
    path.write_text(text.replace("domain: rijnstad.test", "domain: polderveen.test"), encoding="utf-8")
    errors = asked(capsys, "--inventory", str(copied), "validate", "gm9901", code=2)["errors"]
    assert {e["file"] for e in errors} == {"inventories/tenants/gm9901.yaml"}
    assert any("gm9902-prod" in e["message"] and "openzaak.polderveen.test" in e["message"] for e in errors)


def test_a_file_that_is_not_read_because_of_its_name_is_told(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small / "tenants" / "gm9902.yml").write_text("", encoding="utf-8")
    warnings = asked(capsys, "--inventory", str(small), "validate")["warnings"]
    assert [(w["file"], w["fix"]) for w in warnings] == [
        ("inventories/tenants/gm9902.yml", "Its name must end in .yaml.")
    ]


def test_a_release_in_productie_that_was_not_tried_is_warned_of(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small / "tenants" / "gm9901.yaml"
    text = path.read_text(encoding="utf-8").replace("2026.4", "X").replace("2026.3", "2026.4").replace("X", "2026.3")
    path.write_text(text, encoding="utf-8")
    warnings = asked(capsys, "--inventory", str(small), "validate", "--date", "2026-11-01")["warnings"]
    assert [(w["line"], w["message"]) for w in warnings] == [(8, "gm9901-prod has a newer release than gm9901-accp")]


def test_a_pending_herindeling_of_the_registry_must_be_declared(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small / "tenants" / "gm1696.yaml"
    text = (small / "tenants" / "gm9901.yaml").read_text(encoding="utf-8")
    text = text.replace("GM9901", "GM1696").replace("9901", "9916").replace("rijnstad", "wijdemeren")
    path.write_text(text, encoding="utf-8")
    where = ("--inventory", str(small), "validate", "--date")
    before = asked(capsys, *where, "2026-12-31")
    assert not before["errors"]
    assert "herindeling: {into: GM0402, date: 2027-01-01}" in before["warnings"][0]["fix"]
    after = asked(capsys, *where, "2027-01-01", code=2)
    assert "GM0402" in after["errors"][0]["message"]
    path.write_text(f"{text}herindeling: {{into: GM0402, date: 2027-01-01}}\n", encoding="utf-8")
    declared = asked(capsys, *where, "2027-01-01")
    assert not declared["errors"]
    assert any("state: merged" in w["fix"] for w in declared["warnings"])
    path.write_text(f"{text}herindeling: {{into: GM0402, date: 2027-02-01}}\n", encoding="utf-8")
    assert "the registry says" in asked(capsys, *where, "2027-01-01", code=2)["errors"][0]["message"]


# explain


def test_explain_names_file_line_and_layer_and_everything_that_was_overridden(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def add(name: str, text: str) -> None:
        path = small / name
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")

    add("national.yaml", "  openklant: {replicas: 2}\n")
    add("regions/oost.yaml", "components:\n  openklant: {replicas: 3}\n")
    add("regions/oost.yaml", "environments:\n  prod: {components: {openklant: {replicas: 4}}}\n")
    add("tenants/gm9901.yaml", "components:\n  openklant:\n    replicas: 5\n")
    found = asked(capsys, "--inventory", str(small), "explain", "gm9901", "components.openklant.replicas")
    assert found["value"] == 5
    assert found["otherwise"] == 3
    assert [(s["layer"], s["file"], s["value"]) for s in found["said"]] == [
        ("tenant", "inventories/tenants/gm9901.yaml", 5),
        ("region oost.prod", "inventories/regions/oost.yaml", 4),
        ("region oost", "inventories/regions/oost.yaml", 3),
        ("national", "inventories/national.yaml", 2),
    ]
    for said in found["said"]:
        lines = (small.parent / said["file"]).read_text(encoding="utf-8").splitlines()
        assert f"replicas: {said['value']}" in lines[said["line"] - 1]
    accp = asked(capsys, "--inventory", str(small), "explain", "gm9901-accp", "openklant.replicas")
    assert [s["layer"] for s in accp["said"]] == ["tenant", "region oost", "national"]


def test_explain_tells_how_a_value_follows_when_nobody_says_it(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def value(key: str) -> Any:
        found = asked(capsys, "--inventory", str(small), "explain", "gm9901", key)
        assert found["said"] == []
        return found["value"]

    found = asked(capsys, "--inventory", str(small), "explain", "gm9901", "components.openzaak.replicas")
    assert found["value"] == 3
    assert "160000 inhabitants" in found["derived"]
    assert value("namespace") == "gm9901-prod"
    assert value("openzaak.host") == "openzaak.rijnstad.test"
    assert value("openzaak.database") == "openzaak"
    assert value("network") == value("m365") == "gm9901"
    assert value("components.postgresql.storage") == "20Gi"


def test_explain_of_the_shipped_example_names_what_the_gemeente_overrides(capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, "explain", "gm9901", "components.openformulieren.replicas")
    assert [s["layer"] for s in found["said"]] == ["tenant", "region midden"]
    assert found["value"] == found["said"][0]["value"]


def test_explain_shows_each_layer_that_added_to_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, "explain", "gm9903", "components.openformulieren.embedded_on")
    assert found["value"] == ["mijn.noord.test", "www.suderwald.test"]
    assert [(s["layer"], s["how"]) for s in found["said"]] == [("tenant", "append"), ("region noord", "set")]
    assert [p["layer"] for p in found["parts"]] == ["region noord", "tenant"]


def test_explain_shows_who_locked_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, "explain", "gm9903", "components.postgresql.storage")
    assert found["said"][0]["locked"]
    assert main(["explain", "gm9903", "components.postgresql.storage"]) == 0
    assert "40Gi (locked)" in capsys.readouterr().out


def test_explain_shows_that_a_layer_cleared_what_a_value_was_part_of(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (small / "national.yaml").open("a", encoding="utf-8") as national:
        national.write("  openklant: {external: {host: klant.test, port: 443, cidrs: [10.0.0.0/24]}}\n")
    with (small / "tenants" / "gm9901.yaml").open("a", encoding="utf-8") as tenant:
        tenant.write("components: {openklant: {external: null}}\n")
    found = asked(capsys, "--inventory", str(small), "explain", "gm9901", "components.openklant.external.host")
    assert found["value"] is None
    assert [(s["layer"], s["how"]) for s in found["said"]] == [("tenant", "clear"), ("national", "set")]


def test_explain_finds_an_input_whose_id_has_a_dot(capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, "explain", "gm9908-accp", "inputs.fscmanager.certificate.on")
    assert found["value"] == "2026-11-02"
    assert found["said"][0]["file"] == "inventories/tenants/gm9908.yaml"


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("components.openformulieren.replica", "components.openformulieren.replicas"),
        ("components.openformuleren.replicas", "components.openformulieren"),
        ("componens", "components"),
        ("inhabitant", "inhabitants"),
    ],
)
def test_explain_asks_whether_another_key_was_meant(key: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "gm9901", key]) == 2
    assert f"Did you mean {meant}?" in capsys.readouterr().err


def test_explain_prints_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "gm9901-accp", "components.postgresql.instances"]) == 0
    told = capsys.readouterr().out
    assert "components.postgresql.instances = 2" in told
    assert "national.accp" in told
    assert "inventories/national.yaml:" in told


# new


def test_new_writes_a_file_that_is_valid_and_fits_the_schema_line(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--inventory", str(copied), "new", "GM0202", "--region", "midden"]) == 0
    told = capsys.readouterr().out
    assert "Arnhem (gm0202-prod)" in told
    path = copied / "tenants" / "gm0202.yaml"
    assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=../schema/tenant.schema.json\n")
    assert path.stat().st_mode & 0o777 == 0o644
    assert sorted(p.name for p in path.parent.iterdir() if p.name.startswith(".")) == []
    found = asked(capsys, "--inventory", str(copied), "validate", "gm0202")
    assert list(found["stacks"]) == ["gm0202-accp", "gm0202-prod"]
    assert found["errors"] == []


@pytest.mark.parametrize("word", ["gm0202", "0202", "Arnhem", "ARNHEM"])
def test_new_understands_a_code_and_a_name(word: str, small: Path) -> None:
    assert main(["--inventory", str(small), "new", word]) == 0
    assert (small / "tenants" / "gm0202.yaml").is_file()


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (["GM9950", "--name", '\'s-Hertogendaal, Broek: "Waard"', "--inhabitants", "100"], "gm9950.yaml"),
        (["sv-de-rijn", "--name", "Samenwerking De Rijn", "--inhabitants", "70000"], "sv-de-rijn.yaml"),
        (["Súdwest-Fryslân"], "gm1900.yaml"),
        (["sudwest-fryslan"], "gm1900.yaml"),
        (["'s-Hertogenbosch"], "gm0796.yaml"),
        (["Nuenen, Gerwen en Nederwetten"], "gm0820.yaml"),
        (["s Hertogenbosch"], "gm0796.yaml"),
        (["Den Bosch"], "gm0796.yaml"),
        (["'s-Gravenhage"], "gm0518.yaml"),
        (["den haag"], "gm0518.yaml"),
        (["Bergen (NH)"], "gm0373.yaml"),
        (["Bergen (NH.)"], "gm0373.yaml"),
        (["bergen noord-holland"], "gm0373.yaml"),
        (["Hengelo (O.)"], "gm0164.yaml"),
        (["Nuenen"], "gm0820.yaml"),
    ],
)
def test_new_writes_valid_files_for_difficult_names(
    words: list[str], file: str, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--inventory", str(small), "new", *words]) == 0
    capsys.readouterr()
    assert (small / "tenants" / file).is_file()
    assert asked(capsys, "--inventory", str(small), "validate")["errors"] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["GM9901"], "exists already"),
        (["GM0370"], "ggi new GM0439"),
        (["Beemster"], "part of GM0439"),
        (["GM0999"], "not in the registry"),
        (["Arnem"], "Did you mean Arnhem?"),
        (["Bergen"], "Bergen (NH.) (GM0373), Bergen (L.) (GM0893)"),
        (["GM9950"], "--inhabitants"),
        (["GM0202", "--region", "oest"], "Did you mean oost?"),
        (["../../x"], "there is no gemeente"),
        (["sv-X"], "there is no gemeente"),
        ([""], "there is no gemeente"),
    ],
)
def test_new_refuses_and_writes_nothing(
    words: list[str], told: str, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(small.rglob("*"))
    assert main(["--inventory", str(small), "new", *words]) == 2
    assert told in capsys.readouterr().err
    assert sorted(small.rglob("*")) == before


BEEMSTER = "GM0370 (Beemster) is part of GM0439 since 2022-01-01"


@pytest.mark.parametrize("command", [["preview"], ["up", "--yes"]], ids=["preview", "up"])
def test_a_gemeente_that_went_up_into_another_one_is_not_deployed(
    command: list[str], small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--inventory", str(small), "new", "GM0448"]) == 0
    path = small / "tenants" / "gm0448.yaml"
    text = path.read_text(encoding="utf-8").replace("GM0448", "GM0370")
    path.write_text(text + "name: Beemster\nprovince: Noord-Holland\ninhabitants: 10000\n", encoding="utf-8")
    path.rename(path.with_name("gm0370.yaml"))
    assert main(["--inventory", str(small), *command, "gm0370", "--sandbox"]) == 2
    told = capsys.readouterr().err
    assert "tenants/gm0370.yaml:" in told
    assert BEEMSTER in told
    # And by plain Pulumi neither.
    with pytest.raises(InputError, match=re.escape(BEEMSTER)):
        desired(RunContext(small), "gm0370-prod")


def test_new_asks_for_the_region_when_there_are_several(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--inventory", str(copied), "new", "GM0202"]) == 2
    assert "Add --region with one of: midden, noord." in capsys.readouterr().err


def test_new_writes_nothing_when_the_layers_below_make_the_file_invalid(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (small / "national.yaml").write_text("components: {opennotificaties: {enabled: true}}\n", encoding="utf-8")
    assert main(["--inventory", str(small), "new", "GM0202"]) == 2
    assert "switched off" in capsys.readouterr().err
    assert not (small / "tenants" / "gm0202.yaml").exists()


def test_a_write_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        new_file.write_new(tmp_path / "gm0202.yaml", "x")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_came_into_being_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "gm0202.yaml"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="exists already"):
        new_file.write_new(path, "other")
    assert [p.read_text(encoding="utf-8") for p in tmp_path.iterdir()] == ["mine"]


# inputs


def test_inputs_tells_what_is_open_by_when_and_what_was_supplied(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {r["id"]: r for r in asked(capsys, "inputs", "gm9908-accp")}
    assert rows["fscmanager.certificate"]["supplied"] == "2026-11-02"
    waiting = rows["fscinway.certificate"]
    assert waiting["supplied"] is None
    assert waiting["by"] < "2027-06-01"
    assert all(r["what"] and r["role"] and r["days"] > 0 for r in rows.values())


def test_inputs_of_all_stacks_has_each_stack_that_asks_something(capsys: pytest.CaptureFixture[str]) -> None:
    stacks = {r["stack"] for r in asked(capsys, "inputs")}
    assert {"gm9901-prod", "gm9908-accp"} <= stacks


def test_inputs_without_a_date_counts_back_from_go_live(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inputs", "gm9902"]) == 0
    told = capsys.readouterr().out
    assert "days before go-live" in told
    assert "gm9902-prod" in told
