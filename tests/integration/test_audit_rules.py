"""Rules over single objects: judged all at once as each alone, and what of an object each may read."""

from __future__ import annotations

import copy
import datetime as dt
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from benchmarks.mutation.mutants import mutants
from ggi.audit.judge import Judge
from ggi.controls import cel
from ggi.controls.cel_functions import MATCHES
from ggi.controls.control import Control
from ggi.controls.observation import Facts, Observation, Subject
from ggi.controls.reads import Reads
from ggi.controls.subjects import of_landscape
from ggi.controls.verdict import Outcome
from tests.content import catalogue, controls, standard

DATE = dt.date(2026, 11, 22)
Steps = tuple[str | int, ...]


def rules() -> list[Control]:
    return [control for control in controls() if control.rule is not None]


@cache
def reference() -> Observation:
    """The larger example."""
    return Observation(of_landscape(standard()), DATE, Facts(standard(), catalogue()))


def nodes(value: Any, steps: Steps = ()) -> Iterator[Steps]:
    """The place of everything in an object."""
    yield steps
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in inner:
        yield from nodes(item, (*steps, step))


def spoilt(body: Any, steps: Steps, value: Any) -> Any:
    """The body with another value, often of another type, in one place."""
    if not steps:
        return value
    result = copy.copy(body)
    result[steps[0]] = spoilt(body[steps[0]], steps[1:], value)
    return result


@cache
def changed_subjects() -> Sequence[tuple[Subject, Steps, Subject]]:
    """Objects with the place of a change and what becomes of them: nothing, a mutant, a value of another type.

    More of the first object of each kind than of the others.
    """
    found: list[tuple[Subject, Steps, Subject]] = []
    chosen, kinds = random.Random(20261130), set()  # noqa: S311  (a sample)
    for subject in reference().subjects:
        found.append((subject, (), subject))
        every = [mutant for mutant in mutants(subject) if mutant.steps]
        places = [(steps, value) for steps in nodes(subject.body) if steps[1:] for value in (None, 7, "x", {})]
        many = 4 if subject.kind in kinds else 80
        every, places = (chosen.sample(of, min(len(of), many)) for of in (every, places))
        kinds.add(subject.kind)
        changes = [(mutant.steps, mutant.body()) for mutant in every]
        changes += [(steps, spoilt(subject.body, steps, value)) for steps, value in places]
        found += [(subject, steps, Subject(subject.name, body)) for steps, body in changes if body is not None]
    return found


def test_judging_all_rules_at_once_gives_what_each_rule_gives_alone() -> None:
    """Also of broken objects, and against the rules as they are written, with the `matches` of the library itself."""
    alone = [replace(control, rule=cel.environment().compile(control.rule_text)) for control in rules()]
    brief, oracle = Judge(rules(), reference(), brief=True), Judge(alone, reference(), full=True)
    met: Counter[Outcome] = Counter()
    errors = 0
    for _, _, subject in changed_subjects():
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


@pytest.mark.parametrize(
    ("rule", "path", "wanted"),
    [
        ("object.a.b == 1", ("a", "b"), True),
        ("object.a.b == 1", ("a",), True),
        ("object.a.b == 1", ("a", "c"), False),
        ("object.a == object.b", ("a", "anything", 0), True),
        ("object.a[object.b] == 1", ("a", "anything"), True),
        ("object.a['b.c'] == 1 || object.a[?'d'].orValue(1) == 1", ("a", "d"), True),
        ("object.a['b.c'] == 1 || object.a[?'d'].orValue(1) == 1", ("a", "e"), False),
        ("object.a.all(key, object.a[key] != 'x')", ("a", "anything"), True),
        ("object.a.exists(key, key == 'x')", ("a", "anything"), True),
        ("has(object.a.b)", ("a", "b"), True),
        ("has(object.a.b)", ("a", "b", "c"), False),
        ("size(object.a) == 1", ("a", "anything"), True),
        ("object.a.filter(x, x.b == 1).map(x, x.c).size() == 0", ("a", 0, "b"), True),
        ("object.a.filter(x, x.b == 1).map(x, x.c).size() == 0", ("a", 0, "d"), False),
        ("object.a.filter(x, x.b == 1) == []", ("a", 0, "d"), True),
        ("object.a.filter(x, x.b == 1)[0].d.contains('y')", ("a", 3, "d"), True),
        ("object.a.map(x, x.b + [x.c]).exists(y, y == [1])", ("a", 0, "b", 2), True),
        ("object.a.map(x, {'k': x})[0].k.d == 1", ("a", 0, "d"), True),
        ("(object.a + object.b.?c.orValue([])).exists(x, x.d.e == 1)", ("b", "c", 1, "d", "e"), True),
        ("(object.a + object.b.?c.orValue([])).exists(x, x.d.e == 1)", ("b", "c", 1, "d", "f"), False),
        ("(object.k == 'x' ? object.a : dyn(object).b).c.matches('y')", ("b", "c"), True),
        ("(object.k == 'x' ? object.a : dyn(object).b).c.matches('y')", ("b", "d"), False),
        ("object.?a.optMap(x, x.b == 1).orValue(false)", ("a", "b"), True),
    ],
)
def test_it_is_known_what_a_rule_may_read(rule: str, path: Steps, wanted: bool) -> None:
    assert Reads(cel.compiled(rule)).reach(path) is wanted


def test_a_change_that_a_rule_can_not_reach_changes_no_verdict() -> None:
    def verdict(control: Control, view: Any) -> object:
        try:
            return cel.evaluate(control.rule, view)
        except cel.CelError:
            return "error"

    unreached = changed = 0
    for before, steps, after in changed_subjects():
        views = cel.activation(before.body), cel.activation(after.body)
        for control in rules():
            if before.kind in control.kinds and steps:
                assert control.reads is not None
                one, two = (verdict(control, view) for view in views)
                unreached += not control.reads.reach(steps)
                changed += one != two
                assert one == two or control.reads.reach(steps), (control.id, steps)
    assert unreached > 10_000 and changed > 1000


def test_a_rule_that_reads_the_namespace_waits_until_it_is_known() -> None:
    label = ("metadata", "labels", "ggi/environment")
    subjects = [replace(s, unknown=(label,)) if s.kind == "Namespace" else s for s in reference().subjects]
    (cluster,) = reference().of("Cluster")
    for brief in (False, True):
        judge = Judge(rules(), replace(reference(), subjects=subjects, memory={}), brief=brief)
        unknown = {f.control for f in judge.of_subject(cluster) if f.outcome is Outcome.UNKNOWN}
        assert unknown == {"AVL-005"}
