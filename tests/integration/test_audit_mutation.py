"""The mutation run: what it changes, what counts as caught, and that controls notice a sample of it."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache

import pytest

from benchmarks.mutation.judging import Reference, mutants_of, references
from benchmarks.mutation.mutants import Mutant, Operator, mutants
from benchmarks.mutation.survivors import (
    Excluded,
    MutationFile,
    Places,
    Reason,
    load_mutation_file,
    mutation_schema,
    stale,
)
from ggi.inventory import schema
from ggi.paths import ROOT

STACK = "gm9901-prod"
SEED = 20261122
SAMPLE = 500
"""Mutants of the sample; `ggi bench mutate` runs all."""


@cache
def reference() -> Reference:
    return references(stacks=(STACK,))[STACK]


def test_the_schema_of_the_file_is_fresh() -> None:
    told = "run: .venv/bin/python -m benchmarks.mutation.survivors"
    assert not schema.stale(ROOT / "policies" / "schema", mutation_schema()), told


@cache
def every() -> list[Mutant]:
    return [mutant for _, mutant in mutants_of({STACK: reference()})]


def of(name: str) -> list[Mutant]:
    subject = next(s for s in reference().subjects if s.name == name)
    return list(mutants(subject))


def one(name: str, operator: Operator, shown: str) -> Mutant:
    return next(m for m in of(name) if (m.operator, m.shown) == (operator, shown))


def test_every_node_of_an_object_is_dropped() -> None:
    body = next(s for s in reference().subjects if s.name == "openzaak/Service/web").body
    dropped = {m.shown for m in of("openzaak/Service/web") if m.operator is Operator.DROP}
    assert {"", "spec", "spec.selector", "spec.ports", "spec.ports.0", "spec.ports.0.port", "kind"} <= dropped
    assert "port" in body["spec"]["ports"][0]


def test_documents_and_lines_inside_a_config_map_are_mutated_too() -> None:
    places = {m.place for m in of("keycloak/ConfigMap/configure-files")}
    assert "data.etc_ggi_keycloak_realm.json.bruteForceProtected" in places
    assert "data.etc_redis_redis.conf line" in {m.place for m in of("redis/ConfigMap/server-files")}


def test_a_mutant_changes_its_object_and_leaves_the_reference_alone() -> None:
    before = repr([s.body for s in reference().subjects])
    for mutant in every()[:3000]:
        body = mutant.body()
        assert body is None or body != mutant.subject.body, mutant.shown
    assert repr([s.body for s in reference().subjects]) == before


def test_a_mutant_that_takes_a_right_away_from_nobody_is_not_caught() -> None:
    assert reference().caught(one("openzaak/Deployment/web", Operator.DROP, "spec.revisionHistoryLimit")) == ""


@pytest.mark.parametrize(
    ("name", "operator", "place", "control"),
    [
        ("openzaak/Deployment/web", Operator.ADD, "spec.template.spec.hostNetwork", "POD-006"),
        ("openzaak/Deployment/web", Operator.ADD, "metadata.ownerReferences", "GOV-007"),
        ("openzaak/Service/web", Operator.DROP, "spec.selector", "NET-009"),
        ("openzaak/NetworkPolicy/web", Operator.DROP, "spec.ingress.0.from", "NET-002"),
    ],
)
def test_a_planted_mutant_is_caught_by_the_control_for_it(
    name: str, operator: Operator, place: str, control: str
) -> None:
    assert reference().caught(one(name, operator, place)) == control


@cache
def sample() -> list[Mutant]:
    return random.Random(SEED).sample(every(), SAMPLE)  # noqa: S311  (a fixed sample)


@cache
def caught() -> list[str]:
    return [reference().caught(mutant) for mutant in sample()]


def test_every_survivor_of_the_sample_has_a_reason() -> None:
    file = load_mutation_file(ROOT)
    alive = [m for m, by in zip(sample(), caught(), strict=True) if not by]
    unexplained = [f"{m.subject.name} {m.operator} {m.shown}" for m in alive if not file.reason(m) and not file.why(m)]
    assert unexplained == [], "a new or sharper control, or a reason in policies/mutation.yaml; see ggi bench mutate"


def test_more_than_nine_of_ten_mutants_that_say_something_are_caught() -> None:
    file = load_mutation_file(ROOT)
    counts = Counter(
        "caught" if by else "excluded" if file.reason(m) else "survived"
        for m, by in zip(sample(), caught(), strict=True)
    )
    assert counts["caught"] > 0.9 * (counts["caught"] + counts["survived"]), counts
    assert counts["excluded"] < 0.2 * SAMPLE, counts


def test_judging_only_what_a_mutant_touches_gives_what_judging_everything_gives() -> None:
    for mutant in sample()[:60]:
        assert bool(reference().caught(mutant)) == bool(reference().caught(mutant, whole=True)), mutant.shown


def test_no_check_has_an_error_on_a_mutant() -> None:
    from ggi.audit.judge import Judge
    from ggi.controls.observation import Observation, Subject
    from ggi.controls.verdict import Outcome

    for mutant in sample()[60:120]:
        body = mutant.body()
        subjects = [s for s in reference().subjects if s.name != mutant.subject.name]
        if body is not None:
            subjects.append(Subject(mutant.subject.name, body))
        seen = Observation(subjects, reference().date, reference().facts)
        notes = [f for f in Judge(reference().controls, seen).findings() if f.outcome is Outcome.UNKNOWN and f.note]
        assert [f for f in notes if "error" in f.note] == [], mutant.shown


def test_an_entry_of_which_nothing_survives_is_stale() -> None:
    mutant = one("openzaak/Service/web", Operator.DROP, "spec.type")
    entry = Excluded(why="the default is the same", reason=Reason.SAME, places=["spec.type", "spec.nope"])
    gone = Places(why="nobody knows any more", places=["metadata.nope"])
    told = stale(MutationFile(excluded=[entry], survivors=[gone]), [mutant])
    assert [line.split(": ")[1] for line in told] == ["* spec.nope", "* metadata.nope"]
