"""What commands say in Dutch has no English in it, and what they tell programs does not depend on the language."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from ggi import messages
from ggi.cli.main import main
from ggi.cli.typer_words import ERRORS, translate_error
from ggi.paths import ROOT

INVENTORY = ROOT / "inventories"
REPLICAS = "components.openformulieren.replicas"
COMMANDS = {
    "plan gm9908-accp": "everything else denied",
    "validate": "warnings",
    f"explain gm9901 {REPLICAS}": "default from the number of inhabitants",
    "explain gm9902 components.openzaak.replicas": "nobody says it; it follows",
    "inputs gm9908-accp": "What was supplied is recorded in the tenant's file",
    "release diff 2026.3 2026.4": "digest unknown",
    "plan --help": "Show what a landscape will hold",
    "new --help": "Show this message and exit.",
}
"""Commands, each with words that it says in English."""

ENGLISH = re.compile(r"\b(the|and|with|not|from|what|this|nobody|waits|said by|overrides|needs)\b", re.IGNORECASE)
"""Words that are in nearly every English sentence of ours, and in no Dutch one."""

pytestmark = pytest.mark.usefixtures("content_once")


def said(line: str, language: str, capsys: pytest.CaptureFixture[str], inventory: Path = INVENTORY) -> str:
    """All that a command prints in a language."""
    main(["--inventory", str(inventory), "--lang", language, *line.split()])
    captured = capsys.readouterr()
    # Help pages are wrapped, so lines are joined.
    return " ".join((captured.out + captured.err).split())


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_says_nothing_in_english_when_asked_for_dutch(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert COMMANDS[line] in said(line, "en", capsys)
    dutch = said(line, "nl", capsys)
    assert COMMANDS[line] not in dutch
    assert not ENGLISH.findall(dutch), dutch


@pytest.mark.parametrize(
    ("line", "dutch"),
    [
        ("plan", "Fout: Het argument STACK ontbreekt."),
        ("plan gm9901 --jsn", "Fout: De optie --jsn bestaat niet. Bedoelt u --json?"),
        ("plan gm9901 gm9902", "Fout: Te veel argumenten: gm9902"),
        ("plann", "Fout: De opdracht plann bestaat niet."),
        ("render gm9901", "Fout: De optie '--out' ontbreekt."),
        ("render gm9901 --out", "Fout: De optie --out heeft een waarde nodig."),
        ("plan gm9901 --json=1", "Fout: De optie --json heeft geen waarde."),
        ("plan gm99999", "fout: er is geen deelnemer of stack gm99999"),
    ],
)
def test_an_error_is_told_in_dutch(line: str, dutch: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert dutch in said(line, "nl", capsys)


def test_a_wrong_file_is_told_in_dutch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "inventories"
    shutil.copytree(INVENTORY, folder)
    tenant = folder / "tenants" / "gm9901.yaml"
    tenant.write_text(tenant.read_text(encoding="utf-8") + "ringg: 1\n", encoding="utf-8")
    told = said("validate", "nl", capsys, folder)
    assert "fout: onbekend sleutelwoord ringg Bedoelt u ring?" in told
    assert not ENGLISH.findall(told)


def test_a_message_of_typer_that_is_not_known_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_language", "nl")
    assert translate_error("Value must be an iterable.") == "Value must be an iterable."
    assert len({text for _, text in ERRORS}) == len(ERRORS)


@pytest.mark.parametrize("name", ["fr", "", "NL", "nederlands"])
def test_a_language_that_is_not_there_is_wrong_use(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang", name, "plan", "gm9901"]) == 2
    captured = capsys.readouterr()
    assert "Invalid value for --lang: write en or nl" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("line", [line for line in COMMANDS if "--help" not in line])
def test_json_is_the_same_in_both_languages(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    english, dutch = (said(f"{line} --json", language, capsys) for language in ("en", "nl"))
    assert english == dutch
    assert english.startswith(("{", "["))


def test_an_empty_text_stays_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_language", "nl")
    assert messages.t("") == ""
    assert messages.t("yes") == "ja"


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"GGI_LANG": "nl"}, "nl"),
        ({"LANG": "nl_NL.UTF-8"}, "nl"),
        ({"LC_ALL": "C.UTF-8", "LANG": "nl_NL.UTF-8"}, "en"),
        ({"GGI_LANG": "en", "LANG": "nl_NL.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_comes_from_the_environment(
    variables: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GGI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert messages._from_environment() == language


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("lst", "De opdracht lst bestaat niet. Bedoelt u list?"),
        ("plan gm9901 --content", "De optie --content heeft een waarde nodig."),
        ("approve gm9901 twelve --role CISO", "Ongeldige waarde voor 'NUMBER': schrijf een geheel getal"),
        ("plan net-rijnstad", "Zie `ggi hosts --help`"),
        ("explain m365-rijnstad ring", "Zie `ggi m365 --help`"),
        ("plan cluster-noord", "Zie `ggi preview --help`"),
    ],
)
def test_what_was_typed_wrong_is_told_with_what_was_meant(
    line: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--lang", "nl", *line.split()]) == 2
    assert told in capsys.readouterr().err
