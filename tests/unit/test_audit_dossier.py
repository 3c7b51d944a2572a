"""The dossier: every operation of the period is in the population, and the sample follows from the trails alone."""

from __future__ import annotations

import datetime as dt
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ggi.assurance.dossier import dossier, norms_of, period, take_sample
from ggi.assurance.history import updates
from ggi.assurance.trail import Trail, add, read_trail, trail_file
from ggi.cli.main import main
from ggi.controls.coverage import NormCoverage, coverage, load_frameworks
from ggi.controls.load import load_controls
from ggi.errors import InputError
from ggi.paths import ROOT

POLICY = {"controls": {"TLS-001": {"PASS": 3}, "TLS-007": {"PASS": 2, "WAIVED": 1}, "POD-001": {"FAIL": 9}}}
WHO = {"user": "beheer", "host": "x"}


@cache
def rows() -> list[NormCoverage]:
    return coverage(load_controls([ROOT]), load_frameworks([ROOT]))


def operation(path: Path, at: dt.datetime, end: str = "done", **more: Any) -> dict[str, Any]:
    stack = path.stem
    record = {"kind": "begin", "operation": "up", "who": WHO, "change": "W1", "policy": POLICY, **more}
    begun = add(path, stack, record, at)
    if end:
        add(path, stack, {"kind": "end", "of": begun["number"], "outcome": end, "fingerprint": "f"}, at)
    return begun


def filled(folder: Path, count: int = 30) -> Trail:
    path = folder / "gm9901-prod.jsonl"
    for number in range(count):
        operation(path, dt.datetime(2026, 1 + number % 12, 1, tzinfo=dt.UTC))
    return read_trail(path, "gm9901-prod")


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-Q1", "2026-01-01", "2026-03-31"),
        ("2026-Q4", "2026-10-01", "2026-12-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026-12", "2026-12-01", "2026-12-31"),
        ("2026-01-05..2026-01-05", "2026-01-05", "2026-01-05"),
    ],
)
def test_a_period_is_whole_days(text: str, first: str, last: str) -> None:
    found = period(text)
    assert (found.first.isoformat(), found.last.isoformat()) == (first, last)
    assert found.covers(f"{first}T00:00:00+00:00")
    assert found.covers(f"{last}T23:59:59+00:00")


@pytest.mark.parametrize("text", ["", "26", "2026-13", "2026-Q5", "2026-02-01..2026-01-01", "yesterday", "2026-1"])
def test_what_is_no_period_is_wrong_input(text: str) -> None:
    with pytest.raises(InputError, match="not a period"):
        period(text)


def test_a_norm_is_meant_by_its_id_when_only_one_framework_has_it() -> None:
    some = next(r for r in rows() if r.framework == "BIO2" and r.controls)
    assert norms_of(some.id, rows()) == (some,)
    assert norms_of(f"bio2:{some.id}", rows()) == (some,)
    with pytest.raises(InputError, match="no norm"):
        norms_of("BIO2:99.99", rows())


def test_the_population_is_every_operation_of_the_period_and_nothing_else(tmp_path: Path) -> None:
    trail = filled(tmp_path)
    whole = dossier((), period("2026"), [trail])
    assert len(whole.population) == 30
    assert len(whole.sample) == 25
    quarter = dossier((), period("2026-Q1"), [trail])
    assert {item.at[:7] for item in quarter.population} == {"2026-01", "2026-02", "2026-03"}
    assert dossier((), period("2025"), [trail]).population == ()


@given(st.permutations(range(12)), st.integers(1, 20))
def test_the_sample_does_not_depend_on_the_order_and_is_as_large_as_it_can_be(order: list[int], size: int) -> None:
    listed = _population()
    found = take_sample([listed[i] for i in order], "BIO2 8.24.01", period("2026"), size)
    assert found == take_sample(listed, "BIO2 8.24.01", period("2026"), size)
    assert len(found) == min(size, 12)


@cache
def _population() -> list[Any]:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        return list(dossier((), period("2026"), [filled(Path(folder), 12)]).population)


def test_another_norm_or_period_takes_another_sample() -> None:
    samples = {take_sample(_population(), norm, period(p), 4) for norm in ("a", "b", "c") for p in ("2026", "2026-Q1")}
    assert len(samples) > 1


def test_an_operation_says_how_the_controls_of_the_norm_judged_it_and_how_it_ended(tmp_path: Path) -> None:
    path, at = tmp_path / "gm9901-prod.jsonl", dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    operation(path, at)
    operation(path, at, end="failed")
    operation(path, at, end="")
    add(path, "gm9901-prod", {"kind": "refused", "operation": "up", "who": WHO, "policy": POLICY}, at)
    number = operation(path, at, urgent={"reason": "a leak was found", "findings": []})["number"]
    norm = NormCoverage("X", "1", "1", rows()[0].subject, rows()[0].coverage, ("TLS-001", "TLS-007"), ())
    found = dossier([norm], period("2026"), [read_trail(path, "gm9901-prod")])
    assert [item.outcome for item in found.population] == [
        "done", "failed", "without end", "refused by the controls", "done",
    ]  # fmt: skip
    assert {item.verdict for item in found.population} == {"PASS 5, WAIVED 1"}
    assert (found.population[-1].urgent, found.population[-1].approval) == ("a leak was found", "OPEN")
    add(path, "gm9901-prod", {"kind": "approval", "of": number, "role": "CISO", "who": WHO}, at)
    again = dossier([norm], period("2026"), [read_trail(path, "gm9901-prod")])
    assert again.population[-1].approval == "CISO, 2026-03-01: beheer@x; stated"


@pytest.mark.usefixtures("content_once")
def test_the_command_shows_checks_and_refuses_what_was_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GGI_STATE_HOME", str(tmp_path))
    path = trail_file("gm9901-prod", None)
    operation(path, dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
    norm = next(f"BIO2:{r.id}" for r in rows() if r.framework == "BIO2" and "TLS-001" in r.controls)
    run = ["dossier", "--norm", norm, "--period", "2026"]
    assert main([*run, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["population"][0]["change"] == "W1"
    assert found["sample"] == [found["population"][0]["hash"]]
    assert main([*run, "--format", "md"]) == 0
    assert "| gm9901\\-prod" in capsys.readouterr().out.replace("gm9901-prod", "gm9901\\-prod")
    path.write_text(path.read_text(encoding="utf-8").replace('"W1"', '"W2"'), encoding="utf-8")
    assert main(run) == 1
    assert "not as it was written" in capsys.readouterr().out


# -- approval ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("content_once")
def test_another_person_approves_what_was_urgent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GGI_STATE_HOME", str(tmp_path))
    path = trail_file("gm9901-prod", None)
    at = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    operation(path, at, urgent={"reason": "a leak was found", "findings": []})
    approve = ["approve", "gm9901", "1", "--role", "CISO"]
    assert main(["waivers", "gm9901"]) == 1
    assert "urgent" in capsys.readouterr().out
    monkeypatch.setattr("ggi.assurance.identity.identity", lambda **_: WHO)
    assert main(approve) == 2
    assert "does not approve it" in capsys.readouterr().err
    monkeypatch.setattr("ggi.assurance.identity.identity", lambda **_: {"user": "ciso", "host": "y"})
    assert main(approve) == 0
    assert main(approve) == 2, "it is approved"
    assert main(["waivers", "gm9901"]) == 0


# -- the engine's own history ------------------------------------------------------------------------------------------


def history(folder: Path, stack: str, *messages: str, kind: str = "update") -> str:
    """The folder of a file backend with these updates; returns the backend."""
    place = folder / ".pulumi" / "history" / "ggi" / stack
    place.mkdir(parents=True, exist_ok=True)
    for number, message in enumerate(messages):
        at = int(dt.datetime(2026, 3, 1, number, tzinfo=dt.UTC).timestamp())
        item = {"kind": kind, "startTime": at, "message": message}
        (place / f"{stack}-{kind}-{number}.history.json").write_text(json.dumps(item), encoding="utf-8")
    return f"file://{folder}"


def test_what_was_cut_off_the_trail_shows_in_the_engine_s_history(tmp_path: Path) -> None:
    path, at = tmp_path / "gm9901-prod.jsonl", dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    begun = [operation(path, at, end="") for _ in range(3)]
    backend = history(tmp_path, "gm9901-prod", *(f"ggi-trail/1 {r['number']} {r['hash']}" for r in begun))
    found = updates(backend, "gm9901-prod")
    assert found is not None
    whole = read_trail(path, "gm9901-prod")
    assert dossier((), period("2026"), [whole], histories={"gm9901-prod": found}).problems == []
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    cut = read_trail(path, "gm9901-prod")
    assert cut.problems == (), "the file alone does not show it"
    (problem,) = dossier((), period("2026"), [cut], histories={"gm9901-prod": found}).problems
    assert "lacks the update" in problem.message


def test_updates_without_the_toolkit_are_counted_and_refreshes_are_not(tmp_path: Path) -> None:
    history(tmp_path, "gm9901-prod", "by hand", "")
    backend = history(tmp_path, "gm9901-prod", "read again", kind="refresh")
    found = updates(backend, "gm9901-prod")
    assert found is not None
    trail = read_trail(tmp_path / "none.jsonl", "gm9901-prod")
    assert dossier((), period("2026"), [trail], histories={"gm9901-prod": found}).outside == {"gm9901-prod": 2}
    assert dossier((), period("2025"), [trail], histories={"gm9901-prod": found}).outside == {}


def test_a_history_that_is_elsewhere_is_not_called_empty() -> None:
    assert updates("s3://bucket", "gm9901-prod") is None
