"""The trail of operation: no line is changed, removed, added or moved unseen, and urgency opens only what it says."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ggi.assurance.identity import identity, same_person
from ggi.assurance.trail import Trail, add, begin, end, read_trail, urgent_findings
from ggi.controls.verdict import Enforcement, Finding, Outcome
from ggi.enforcement.exemptions import Exemptions
from ggi.engine.run_context import RunContext
from ggi.errors import WorkError

STACK = "gm9901-prod"
NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
THROUGH = [["POD-001", "a/Deployment/web", "web"]]


def written(path: Path, count: int = 4) -> list[bytes]:
    """A trail of some operations; returns its lines."""
    for number in range(count // 2):
        begun = begin(path, STACK, {"operation": "up", "change": f"W2611-000{number}", "who": identity()})
        end(path, STACK, begun, "done", {"create": number}, 1.25, "f" * 12)
    return path.read_bytes().splitlines(keepends=True)


def test_what_was_written_is_read_with_numbers_and_hashes_that_chain(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    written(path, 6)
    trail = read_trail(path, STACK)
    assert not trail.problems
    assert [r["number"] for r in trail.records] == [1, 2, 3, 4, 5, 6]
    assert all(b["previous"] == a["hash"] for a, b in zip(trail.records, trail.records[1:], strict=False))
    assert trail.head == trail.records[-1]["hash"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_any_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    content = b"".join(written(path, 2))
    for number in range(len(content)):
        for bit in (0, 5):
            changed = bytearray(content)
            changed[number] ^= 1 << bit
            path.write_bytes(bytes(changed))
            assert read_trail(path, STACK).problems, f"byte {number}"


@given(st.permutations(range(6)), st.integers(1, 6))
def test_lines_that_are_moved_or_taken_out_of_the_middle_are_noticed(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], kept: int
) -> None:
    path = tmp_path_factory.mktemp("trail") / "t.jsonl"
    lines = written(path, 6)
    chosen = order[:kept]
    path.write_bytes(b"".join(lines[i] for i in chosen))
    assert bool(read_trail(path, STACK).problems) is (chosen != list(range(kept)))


def test_a_line_of_another_stack_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    written(path)
    assert read_trail(path, "gm9902-prod").problems


def test_nothing_is_added_to_a_trail_that_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    lines = written(path)
    path.write_bytes(lines[0].replace(b"W2611", b"W2612") + b"".join(lines[1:]))
    with pytest.raises(WorkError, match="not as it was written"):
        add(path, STACK, {"kind": "begin"})
    path.write_bytes(b"".join(lines)[:-9])
    with pytest.raises(WorkError, match="not as it was written"):
        add(path, STACK, {"kind": "begin"})


def test_many_that_add_at_once_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    threads = [threading.Thread(target=add, args=(path, STACK, {"kind": "begin", "n": n})) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trail = read_trail(path, STACK)
    assert not trail.problems
    assert sorted(r["n"] for r in trail.records) == list(range(12))


def test_times_are_in_utc(tmp_path: Path) -> None:
    amsterdam = dt.datetime(2026, 7, 1, 1, 30, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert add(tmp_path / "t.jsonl", STACK, {"kind": "begin"}, amsterdam)["at"] == "2026-06-30T23:30:00+00:00"


def test_what_identifies_is_taken_as_given_and_never_made_up() -> None:
    assert "ci" not in identity({})
    found = identity({"GITLAB_CI": "true", "CI_JOB_ID": "81"})
    assert found["ci"] == {"system": "GitLab", "user": "", "run": "81"}
    assert identity({"USER": "somebody-else", "LOGNAME": "somebody-else"})["user"] != "somebody-else"


def test_one_person_is_recognised_in_two_runs() -> None:
    a = {"user": "runner", "host": "x", "ci": {"system": "GitLab", "user": "anna", "run": "1"}}
    b = {"user": "runner", "host": "y", "ci": {"system": "GitLab", "user": "anna", "run": "2"}}
    c = {"user": "runner", "host": "x", "ci": {"system": "GitLab", "user": "bert", "run": "3"}}
    assert same_person(a, b)
    assert not same_person(a, c)
    assert same_person({"user": "x", "host": "h"}, {"user": "x", "host": "h"})


# -- urgent ------------------------------------------------------------------------------------------------------------


def urgent(path: Path, **more: Any) -> RunContext:
    """The context of an urgent update that began."""
    said = {"operation": "up", "fingerprint": "f1", "change": "W1", "urgent": {"reason": "why", "findings": THROUGH}}
    return RunContext(path, urgent=begin(path, STACK, {"who": identity()} | said | more)["hash"], trail=path)


def failing(subject: str = "a/Deployment/web", evidence: str = "web") -> Finding:
    return Finding("POD-001", subject, Outcome.FAIL, Enforcement.MANDATORY, evidence)


def test_an_urgent_update_goes_through_what_it_named_and_nothing_else(tmp_path: Path) -> None:
    run = urgent(tmp_path / "t.jsonl")
    through = Exemptions.of(STACK, "f1", run)
    named, other, worse = through.applied([failing(), failing("a/Deployment/worker"), failing(evidence="web, db")])
    assert not named.blocks
    assert named.outcome is Outcome.FAIL
    assert "W1" in named.note
    assert other.blocks
    assert worse.blocks


def test_a_variable_alone_opens_nothing(tmp_path: Path) -> None:
    run = urgent(tmp_path / "t.jsonl")
    for changed in (
        replace(run, urgent="0" * 64),
        replace(run, trail=tmp_path / "none.jsonl"),
        replace(run, trail=None),
    ):
        assert Exemptions.of(STACK, "f1", changed).applied([failing()])[0].blocks
    assert Exemptions.of(STACK, "f2", run).applied([failing()])[0].blocks, "another landscape"
    assert Exemptions.of("gm9902-prod", "f1", run).applied([failing()])[0].blocks
    end(tmp_path / "t.jsonl", STACK, read_trail(tmp_path / "t.jsonl", STACK).records[0], "done", {}, 1, "f1")
    assert Exemptions.of(STACK, "f1", run).applied([failing()])[0].blocks, "it is over"


def test_a_trail_that_was_changed_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    run = urgent(path)
    record = json.loads(path.read_text(encoding="utf-8"))
    record["urgent"]["findings"].append(["NET-001", "x", "y"])
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
    assert urgent_findings(path, STACK, run.urgent, "f1") == frozenset()


def test_what_was_urgent_stays_open_until_it_is_approved(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    urgent(path)
    end(tmp_path / "t.jsonl", STACK, read_trail(tmp_path / "t.jsonl", STACK).records[0], "done", {}, 1, "f1")
    assert [r["number"] for r in read_trail(path, STACK).urgent_open()] == [1]
    add(path, STACK, {"kind": "approval", "of": 1, "role": "CISO"})
    assert not list(read_trail(path, STACK).urgent_open())


def test_a_trail_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_trail(tmp_path / "none.jsonl", STACK) == Trail(tmp_path / "none.jsonl", STACK, (), ())


def test_a_landscape_has_the_same_fingerprint_in_every_process() -> None:
    # Pack and command line are two processes; an urgent update is let through for one landscape alone.
    code = (
        "from ggi.catalogue.content import load_catalogue as c; from ggi.inventory.load import Inventory as I;"
        "from ggi.landscape.build import landscape as l; from ggi.paths import ROOT as r; k = c();"
        "i = I(r / 'inventories', k.known); print(l(i.environment(i.tenant('gm9901'), 'prod'), k).fingerprint)"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "5")
    }
    assert len(found) == 1


@pytest.mark.parametrize("line", [b"{}", b"[1]", b'{"kind":"begin"}', b'{"hash":"x","kind":"end","number":5}'])
def test_a_line_without_what_every_line_has_is_told_and_not_read(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"".join(written(path)) + line + b"\n")
    trail = read_trail(path, STACK)
    assert [str(problem.origin) for problem in trail.problems] == [f"{path}:5"]
    assert len(trail.records) == 4
    assert trail.head == trail.records[-1]["hash"]
