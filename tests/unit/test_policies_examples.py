"""Every control against the reference landscape: it is about something, its good examples pass, its bad ones fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from ggi.audit.deviations import Deviations
from ggi.audit.judge import Judge
from ggi.controls.examples import DATE, ExampleFile, about, load_examples, seen
from ggi.controls.observation import Facts, Observation
from ggi.controls.subjects import of_landscape
from ggi.controls.verdict import Finding, Outcome
from ggi.landscape.build import landscape
from tests.content import catalogue, controls, inventory

Form = Callable[[Mapping[str, Any]], Mapping[str, Any]]
FORMS: dict[str, Form] = {"rendered": lambda body: body}
"""How the objects of an example reach the judge. The engine tier adds "defaulted": as the API server returns them."""


@cache
def examples() -> list[ExampleFile]:
    return [example for folder in controls().folders.values() for example in load_examples(folder)]


def in_form(found: Observation, form: Form) -> Observation:
    subjects = [replace(s, body=form(s.body)) for s in found.subjects]
    return replace(found, subjects=subjects, memory={})


@cache
def reference() -> list[tuple[Finding, str]]:
    """Every finding about the example tenants, without any deviation, with its stack."""
    found: list[tuple[Finding, str]] = []
    for environment in inventory().environments():
        built = landscape(environment, catalogue())
        what = Observation(of_landscape(built), DATE, Facts(built, catalogue(), inventory().registry))
        found += [(finding, built.stack) for finding in Judge(controls(), what, full=True).findings()]
    return found


def judged(example: ExampleFile, form: Form) -> list[Finding]:
    what = in_form(seen(example.example, inventory(), catalogue()), form)
    control = controls().by_id[example.control]
    deviations = Deviations(what.waivers, what.environment.name, what.date)
    return list(Judge([control], what, deviations, full=True).findings())


def shown(example: ExampleFile) -> str:
    return f"{example.control}/{example.path.stem}"


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("example", examples(), ids=shown)
def test_a_bad_example_fails_its_control_and_a_good_one_passes_it(example: ExampleFile, name: str) -> None:
    wanted = Outcome.PASS if example.good else Outcome(example.example.outcome)
    subject = about(example.example)
    findings = [f for f in judged(example, FORMS[name]) if subject in ("", f.subject)]
    outcomes = {f.outcome for f in findings}
    assert findings, f"{shown(example)}: the control says nothing about {subject}"
    if example.good or subject:
        assert outcomes == {wanted}, (shown(example), findings)
    else:
        assert wanted in outcomes, (shown(example), findings)


@pytest.mark.parametrize("example", [e for e in examples() if not e.good], ids=shown)
def test_a_bad_example_is_bad_because_of_its_change(example: ExampleFile) -> None:
    tenant, name = inventory().find(example.example.stack)
    subject, stack = about(example.example), f"{tenant.id}-{name}"
    before = {
        f.outcome for f, where in reference() if (f.control, f.subject, where) == (example.control, subject, stack)
    }
    assert Outcome.FAIL not in before, f"{subject} fails without the change too"


def test_every_control_has_a_bad_example_for_each_way_of_failing() -> None:
    with_bad = {e.control for e in examples() if not e.good}
    assert sorted(set(controls().by_id) - with_bad) == []


def test_every_control_is_about_something_in_the_reference_landscape() -> None:
    about_something = {f.control for f, _ in reference() if f.outcome in (Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN)}
    assert sorted(set(controls().by_id) - about_something) == []


def test_no_rule_has_an_error_on_the_reference_landscape() -> None:
    assert [f for f, _ in reference() if f.note and f.outcome is Outcome.FAIL] == []


def test_all_evidence_is_canonical_and_has_words_in_both_languages() -> None:
    seen = [finding for finding, _ in reference()]
    seen += [finding for example in examples() for finding in judged(example, FORMS["rendered"])]
    strange = {(f.control, f.evidence) for f in seen if not controls().by_id[f.control].vocabulary.knows(f.evidence)}
    assert sorted(strange) == []
