"""All stacks of an inventory at once: the same verdicts as one by one, and a brief audit hides nothing."""

from __future__ import annotations

import copy
import datetime as dt
import random
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from benchmarks.mutation.mutants import mutants
from ggi.audit.audit import Audit, Place, run_audit
from ggi.audit.judge import Judge
from ggi.controls import cel
from ggi.controls.cel_functions import MATCHES
from ggi.controls.load import Controls, load_controls
from ggi.controls.observation import Facts, Observation, Subject
from ggi.controls.subjects import of_landscape
from ggi.controls.verdict import Finding, Outcome
from ggi.fleet.auditing import audit_all
from ggi.inventory.load import Inventory
from ggi.landscape.build import landscape
from ggi.paths import ROOT
from tests.content import catalogue, standard

DATE = dt.date(2026, 11, 22)
KEPT = ("gm9902", "gm9907", "sv-drieland")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory of three tenants."""
    found = tmp_path_factory.mktemp("fleet") / "inventories"
    shutil.copytree(ROOT / "inventories", found)
    for path in (found / "tenants").glob("*.yaml"):
        if path.stem not in KEPT:
            path.unlink()
    return found


@pytest.fixture(scope="module")
def controls() -> Controls:
    return load_controls([ROOT])


@pytest.fixture(scope="module")
def audits(root: Path) -> list[Audit]:
    return list(audit_all(root, [ROOT], DATE, workers=1))


def seen(root: Path) -> Iterator[Observation]:
    inventory = Inventory(root, catalogue().known)
    for environment in inventory.environments():
        built = landscape(environment, catalogue())
        yield Observation(of_landscape(built), DATE, Facts(built, catalogue(), inventory.registry))


def plain(findings: Iterable[Finding]) -> list[tuple[str, str, str, str]]:
    return sorted((f.control, f.subject, f.outcome.value, f.evidence) for f in findings)


def test_every_stack_of_every_tenant_is_judged(audits: list[Audit]) -> None:
    stacks = [audit.stack for audit in audits]
    assert stacks == sorted(stacks) and {stack.rpartition("-")[0] for stack in stacks} == set(KEPT)


def test_a_brief_audit_counts_what_a_full_one_lists(root: Path, audits: list[Audit]) -> None:
    full = list(audit_all(root, [ROOT], DATE, full=True, workers=1))
    for brief, whole in zip(audits, full, strict=True):
        assert brief.counts == whole.counts and brief.judged == whole.judged
        assert brief.findings == tuple(f for f in whole.findings if f.outcome is not Outcome.PASS)
        assert brief.passed == Counter(f.control for f in whole.findings if f.outcome is Outcome.PASS)


def test_a_full_audit_of_many_is_that_of_each(root: Path, controls: Controls) -> None:
    for one, what in zip(audit_all(root, [ROOT], DATE, full=True, workers=1), seen(root), strict=True):
        alone = run_audit(what.facts, what.subjects, controls, Place.PLAN, DATE)
        assert plain(one.findings) == plain(alone.findings)


def test_several_workers_give_what_one_gives(root: Path, audits: list[Audit]) -> None:
    found = list(audit_all(root, [ROOT], DATE, workers=2))
    assert [replace(one, controls={}) for one in found] == [replace(one, controls={}) for one in audits]
    assert all(one.controls.keys() == audits[0].controls.keys() for one in found)


def test_the_stacks_that_are_asked_for_are_judged_in_that_order(root: Path) -> None:
    asked = [("sv-drieland", "prod"), ("gm9902", "prod")]
    assert [a.stack for a in audit_all(root, [ROOT], DATE, asked, workers=1)] == ["sv-drieland-prod", "gm9902-prod"]


@cache
def reference() -> Observation:
    """The larger example."""
    return Observation(of_landscape(standard()), DATE, Facts(standard(), catalogue()))


def nodes(value: Any, steps: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of everything in an object."""
    yield steps
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in inner:
        yield from nodes(item, (*steps, step))


def spoilt(body: Any, steps: tuple[str | int, ...], value: Any) -> Any:
    """The body with another value, often of another type, in one place."""
    if not steps:
        return value
    result = copy.copy(body)
    result[steps[0]] = spoilt(body[steps[0]], steps[1:], value)
    return result


def changed_subjects() -> Iterator[Subject]:
    """Every object as it is; of one of each kind all mutants, of the others a sample; and values of other types."""
    chosen, kinds = random.Random(20261130), set()  # noqa: S311  (a sample)
    for subject in reference().subjects:
        yield subject
        every = [mutant for mutant in mutants(subject) if mutant.steps]
        places = [(steps, value) for steps in nodes(subject.body) if steps[1:] for value in (None, 7, "x", {})]
        if subject.kind in kinds:
            every, places = chosen.sample(every, min(len(every), 10)), chosen.sample(places, 10)
        kinds.add(subject.kind)
        yield from (Subject(subject.name, body) for mutant in every if (body := mutant.body()))
        yield from (Subject(subject.name, spoilt(subject.body, *place)) for place in places)


def test_judging_all_rules_at_once_gives_what_each_rule_gives_alone(controls: Controls) -> None:
    """Also of broken objects, and against the rules as they are written, with the `matches` of the library itself."""
    rules = [control for control in controls if control.rule is not None]
    alone = [replace(control, rule=cel.environment().compile(control.rule_text)) for control in rules]
    brief, oracle = Judge(rules, reference(), brief=True), Judge(alone, reference(), full=True)
    met: Counter[Outcome] = Counter()
    errors = 0
    for subject in changed_subjects():
        before = brief.passed.copy()
        found = list(brief.of_subject(subject))
        wanted = list(oracle.of_subject(subject))
        assert found == [f for f in wanted if f.outcome is not Outcome.PASS], subject
        assert brief.passed - before == Counter(f.control for f in wanted if f.outcome is Outcome.PASS), subject
        met.update(finding.outcome for finding in wanted)
        errors += any(finding.note and not finding.evidence for finding in found)
    assert met[Outcome.PASS] > 10_000 and met[Outcome.FAIL] > 1000 and errors > 100


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a.matches('x.matches(y)') && b.matches(\"q.matches(\")", "a.F('x.matches(y)') && b.F(\"q.matches(\")"),
        (r"a == r'\' && b.matches('c')", r"a == r'\' && b.F('c')"),
        (r"a == 'it\'s.matches(' && b.matches('c')", r"a == 'it\'s.matches(' && b.F('c')"),
        ("a.matches('b') // don't .matches(\n|| c.matches('d')", "a.F('b') // don't .matches(\n|| c.F('d')"),
        (
            "'''a'.matches('b''' == c.matches(R\"\"\"\"d.matches(\"\"\")",
            "'''a'.matches('b''' == c.F(R\"\"\"\"d.matches(\"\"\")",
        ),
        ('a in"b.matches("||c.matches("d")', 'a in"b.matches("||c.F("d")'),
    ],
)
def test_only_calls_of_matches_are_taken_for_calls(text: str, wanted: str) -> None:
    assert cel.faster(text) == wanted.replace("F(", f"{MATCHES}(")
