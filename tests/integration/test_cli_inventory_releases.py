"""release list, show and diff."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ggi.catalogue.content import load_catalogue
from ggi.catalogue.release import UNKNOWN, difference
from ggi.cli.main import main


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_list_has_every_release_in_order_with_its_stacks(capsys: pytest.CaptureFixture[str]) -> None:
    rows = asked(capsys, "release", "list")
    assert [r["release"] for r in rows[:2]] == ["2026.3", "2026.4"]
    assert all(r["components"] > 0 for r in rows)
    assert sum(r["stacks"] for r in rows) >= 20


def test_a_difference_names_both_sides_and_what_an_operator_must_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["release", "diff", "2026.3", "2026.4"]) == 0
    told = capsys.readouterr().out
    releases = load_catalogue().releases
    changes = difference(releases["2026.3"], releases["2026.4"])
    assert changes
    for change in changes:
        assert change.component in told
        assert change.before.partition("@")[0] in told
        assert change.after.partition("@")[0] in told
        assert change.notes in told


def test_an_unknown_digest_is_shown_as_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    release = load_catalogue().releases["2026.4"]
    unknown = sum(i.digest == UNKNOWN for c in release.model.components.values() for i in c.images.values())
    assert main(["release", "show", "2026.4"]) == 0
    assert capsys.readouterr().out.count("unknown") == unknown
    shown = asked(capsys, "release", "show", "2026.4")
    digests = [i["digest"] for c in shown["components"].values() for i in c["images"].values()]
    assert digests.count("unknown") == unknown


def test_a_release_does_not_differ_from_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(capsys, "release", "diff", "2026.4", "2026.4")["changes"] == []
    assert main(["release", "diff", "2026.4", "2026.4"]) == 0
    assert "are the same" in capsys.readouterr().out


def test_a_release_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["release", "diff", "2026.3", "2026.5"]) == 2
    assert "Did you mean 2026.3?" in (told := capsys.readouterr().err) or "Did you mean 2026.4?" in told
