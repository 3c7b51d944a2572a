"""Every setting away from its default, judged: no control refuses what is documented and does no harm."""

from __future__ import annotations

import ast
import typing
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from ggi.audit.deviations import Deviations
from ggi.audit.judge import Judge
from ggi.catalogue.component import Component
from ggi.controls.examples import Example, Mutation, seen
from ggi.controls.verdict import Outcome
from ggi.errors import GgiError
from tests.content import catalogue, controls, inventory

STACK = "gm9901-prod"
MEANT = {
    ("replicas", 1): {"AVL-004"},
    ("instances", 1): {"AVL-005"},
    ("all_rights", ("openformulieren",)): {"APP-012"},
    ("host", "x.elders.test"): {"DOM-008"},
}
"""Settings that a control is there to refuse, by key and value: everything else must pass."""
ELSEWHERE = {"host": "x.rijnstad-elders.test", "port": 443, "cidrs": ["10.9.9.0/24"]}


def values(component: Component, key: str, annotation: Any) -> Iterator[Any]:
    """Values of each kind that a key allows, away from its default where that is known."""
    named: dict[str, list[Any]] = {
        "external": [ELSEWHERE],
        "database": ["oz_productie"],
        "host": ["x.rijnstad.test", "x.elders.test"],
        "mail": ["iemand@rijnstad.test"],
        "all_rights": [["openformulieren"]],
        "embedded_on": [["www.rijnstad.test"]],
        "storage": ["50Gi"],
        "resources": [{p.name: {"cpu": "500m", "memory": "1Gi"}} for p in component.processes],
    }
    if key in named:
        yield from named[key]
        return
    plain = typing.get_args(annotation) or (annotation,)
    if bool in plain:
        yield from (True, False)
    elif int in plain:
        yield from (1, 2, 5)


def cases() -> list[tuple[str, str, Any]]:
    found = []
    for name, component in catalogue().components.items():
        for key, field in component.settings.model_fields.items():
            found += [(name, key, value) for value in values(component, key, field.annotation)]
    return found


@cache
def refused(component: str = "", key: str = "", value: str = "") -> frozenset[tuple[str, str]]:
    """Control and subject of every failure, with one setting changed."""
    said = {key: ast.literal_eval(value)} if key else {}
    change = Mutation(path=["components", component], value=said) if key else Mutation(path="ring", value=1)
    found = seen(Example(why="one setting is changed", stack=STACK, tenant=[change]), inventory(), catalogue())
    judge = Judge(controls(), found, Deviations(found.waivers, found.environment.name, found.date))
    return frozenset((f.control, f.subject) for f in judge.findings() if f.outcome is Outcome.FAIL)


@pytest.mark.parametrize(("component", "key", "value"), cases(), ids=lambda one: str(one)[:40])
def test_a_documented_setting_is_refused_by_nothing_but_what_is_about_it(component: str, key: str, value: Any) -> None:
    try:
        found = refused(component, key, repr(value)) - refused()
    except GgiError:
        return  # the inventory refuses it itself, with a file and a line
    shown = tuple(value) if isinstance(value, list) else value
    known = MEANT.get((key, shown), set()) if not isinstance(value, dict) else set()
    assert {control for control, _ in found} <= known


def test_what_is_meant_is_refused() -> None:
    assert {c for c, _ in refused("openzaak", "replicas", "1") - refused()} == {"AVL-004"}
    assert {c for c, _ in refused("openzaak", "all_rights", "['openformulieren']") - refused()} == {"APP-012"}
    assert {c for c, _ in refused("openzaak", "host", "'x.elders.test'") - refused()} == {"DOM-008"}
