"""Relations by property: whatever is on, both ends agree and start in order, or a message says who misses whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ggi.catalogue.secrets import SecretRef
from ggi.errors import InputError, Problem
from ggi.landscape.build import Landscape, landscape
from ggi.landscape.relations import start_order
from tests.content import catalogue, inventory
from tests.example import alone, drawn_in

NAMES = sorted(catalogue().components)
Draw = Callable[[dict[str, Any]], Landscape]


@pytest.fixture(scope="module")
def draw(tmp_path_factory: pytest.TempPathFactory) -> Draw:
    """The landscape of one gemeente with these settings of its acceptatie."""
    folder = alone(tmp_path_factory.mktemp("inventory") / "inventories")
    return lambda settings: drawn_in(folder, catalogue(), settings, oin="00000099999800000000")


def secrets_of(built: Landscape, component: str) -> set[SecretRef]:
    return {ref for item in built.of(component) for value in item.secrets.values() for ref in value.refs}


switches = st.fixed_dictionaries({name: st.booleans() for name in NAMES})
rotations = st.sampled_from([{"current": 1}, {"current": 1, "accept": [1, 2]}, {"current": 2, "accept": [2, 1]}])


@settings(max_examples=60)
@given(switches, rotations)
def test_any_choice_of_components_agrees_at_both_ends_or_names_who_misses_whom(
    draw: Draw, on: dict[str, bool], rotation: dict[str, Any]
) -> None:
    supplied = {
        f"{name}.{needed.id}": {"on": "2026-09-14"}
        for name, component in catalogue().components.items()
        for needed in component.inputs
        if on[name] and needed.blocks
    }
    switched = {name: {"enabled": value} for name, value in on.items()}
    wanted = {"components": switched, "rotation": rotation, "inputs": supplied}
    try:
        built = draw(wanted)
    except InputError as error:
        missing = {
            (name, use.component)
            for name, component in catalogue().components.items()
            for use in component.uses
            if on[name] and not on[use.component] and not use.optional
        }
        assert {
            m for m in missing if not [p for p in error.problems if m[0] in p.message and m[1] in p.message]
        } == set()
        assert all(problem.origin and problem.fix for problem in error.problems)
        return
    assert set(built.components) == {name for name, value in on.items() if value}
    assert {r.consumer for r in built.relations} | {r.provider for r in built.relations} <= set(built.order)
    place = {name: index for index, name in enumerate(built.order)}
    for relation in built.relations:
        if relation.starts_after and relation.provider != relation.consumer:
            assert place[relation.provider] < place[relation.consumer]
        if relation.credential is not None:
            assert relation.credential == relation.accepted[0]
            assert relation.credential.secret.counter == rotation["current"]
            assert relation.credential.secret in secrets_of(built, relation.consumer), relation.id
            assert {c.secret for c in relation.accepted} <= secrets_of(built, relation.provider), relation.id
    before: set[str] = set()
    for item in built.objects:
        assert set(item.needs) <= before
        before.add(item.name)
    assert len(before) == len(built.objects)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["openzaak-cache", "openklant-cache", "openobject-cache"]), st.integers(0, 30)))
def test_two_purposes_on_one_redis_database_are_refused_and_all_others_taken(
    draw: Draw, numbers: dict[str, int]
) -> None:
    default = {
        f"{component.name}-{purpose}": number
        for component in catalogue().components.values()
        for use in component.uses
        if use.component == "redis"
        for purpose, number in use.parameters["databases"].items()
    }
    assume(set(numbers) <= set(default))
    asked = default | numbers
    wanted = {"components": {"redis": {"databases": numbers}}}
    if len(set(asked.values())) == len(asked):
        assert draw(wanted).objects
    else:
        with pytest.raises(InputError, match="both use Redis database"):
            draw(wanted)


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=12))
def test_components_start_in_order_or_the_circle_that_is_named_exists(pairs: list[tuple[str, str]]) -> None:
    built = landscape(inventory().environment(*inventory().find("gm9901-prod")), catalogue())
    model = built.relations[0]
    found = [replace(model, consumer=one, provider=two, starts_after=True) for one, two in pairs]
    problems: list[Problem] = []
    order = start_order(built.components, found, built.environment, problems)
    assert sorted(order) == sorted(built.components)
    if not problems:
        assert all(order.index(two) < order.index(one) for one, two in pairs if one != two)
        return
    circle = problems[0].message.rpartition(": ")[2].split(" -> ")
    assert circle[0] == circle[-1] and len(circle) > 2
    assert all(step in pairs for step in pairwise(circle))


def test_a_component_with_a_route_and_no_certificate_is_told_of(draw: Draw) -> None:
    """BackendTLSPolicy of the Gateway API asks the pods for TLS under the public name, so they need a certificate."""
    component = replace(catalogue().components["openklant"], certified="")
    changed = replace(catalogue(), components={**catalogue().components, "openklant": component})
    environment = draw({}).environment
    with pytest.raises(InputError) as raised:
        landscape(environment, changed)
    assert [p.message for p in raised.value.problems] == ["openklant has a route, and no certificate for its name"]
    assert "`certified`" in raised.value.problems[0].fix
