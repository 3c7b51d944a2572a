"""Layers: later wins, key by key; locks hold; every value that remains says truly where it was written."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ggi.errors import Problem
from ggi.inventory.merge import layered, merge, settle, unwrap
from ggi.inventory.tree import Node, Steps, parse

# As in a model, the key decides the kind of value: a mapping in one layer is a mapping in every layer.
KEYS = ("a", "b", "c")
SCALARS = st.integers(0, 9) | st.sampled_from(["x", "y"])


def _mappings(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    kinds: dict[str, st.SearchStrategy[Any]] = {f"{key}-one": SCALARS for key in KEYS}
    kinds |= {f"{key}-list": st.lists(SCALARS, max_size=3) for key in KEYS}
    if depth:
        kinds |= {f"{key}-map": _mappings(depth - 1) for key in KEYS}
    return st.fixed_dictionaries({}, optional=kinds)


LAYERS = _mappings(2)


def _node(value: dict[str, Any], layer: str) -> Node:
    return parse(json.dumps(value, indent=1), f"{layer}.yaml", layer)


def _joined(*values: dict[str, Any]) -> Any:
    problems: list[Problem] = []
    result = layered([unwrap(_node(value, f"layer{i}")) for i, value in enumerate(values)], problems)
    assert not problems
    return result.plain()


def _expected(lower: Any, upper: Any) -> Any:
    """The rule in its shortest form: mappings by key, everything else as a whole."""
    if isinstance(lower, dict) and isinstance(upper, dict):
        return lower | {k: _expected(lower[k], v) if k in lower else v for k, v in upper.items()}
    return upper


@given(LAYERS, LAYERS)
def test_the_upper_layer_wins_key_by_key(lower: dict[str, Any], upper: dict[str, Any]) -> None:
    assert _joined(lower, upper) == _expected(lower, upper)


@given(LAYERS)
def test_an_empty_layer_changes_nothing(value: dict[str, Any]) -> None:
    assert _joined({}, value) == _joined(value, {}) == _joined(value, value) == value


@given(LAYERS, LAYERS, LAYERS)
def test_without_locks_and_appends_it_does_not_matter_which_layers_are_joined_first(
    one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]
) -> None:
    problems: list[Problem] = []
    a, b, c = (unwrap(_node(v, str(i))) for i, v in enumerate((one, two, three)))
    left = merge(merge(a, b, problems), c, problems)
    right = merge(a, merge(b, c, problems), problems)
    assert left.plain() == right.plain()
    assert not problems


@given(st.lists(LAYERS, min_size=1, max_size=4))
def test_every_leaf_stands_in_the_layer_that_it_names_and_no_higher_one_says_otherwise(
    values: list[dict[str, Any]],
) -> None:
    trees = [_node(value, str(i)) for i, value in enumerate(values)]
    texts = [json.dumps(value, indent=1).splitlines() for value in values]
    result = layered([unwrap(tree) for tree in trees], [])
    for path, leaf in result.leaves():
        if not path or leaf.value == {}:
            continue
        source = int(leaf.origin.layer)
        said = trees[source].child(*path)
        assert said is not None
        assert said.plain() == leaf.plain()
        assert said.origin == leaf.origin
        key = next(step for step in reversed(path) if isinstance(step, str))
        line = texts[source][leaf.origin.line - 1]
        assert json.dumps(leaf.plain()) in line or key in line
        holder = path[:-1] if isinstance(path[-1], int) else path
        assert all(tree.child(*holder) is None for tree in trees[source + 1 :])


def _with_lock(value: Any, path: Steps) -> Any:
    """`value` with `{locked: ...}` around what stands at `path`."""
    if not path:
        return {"locked": value}
    step, *rest = path
    return {**value, step: _with_lock(value[step], tuple(rest))}


def _places(value: Any, path: Steps = ()) -> list[Steps]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += _places(item, (*path, key))
    return found


def _at(value: Any, path: Steps) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


@given(LAYERS.filter(_places), LAYERS, LAYERS, st.data())
def test_what_a_layer_locks_is_never_changed_by_a_higher_one(
    lower: dict[str, Any], middle: dict[str, Any], upper: dict[str, Any], data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(_places(lower)))
    problems: list[Problem] = []
    layers = (_with_lock(lower, path), middle, upper)
    result = layered([unwrap(_node(value, str(i))) for i, value in enumerate(layers)], problems).plain()
    assert _at(result, path) == _at(lower, path)
    free = _expected(_expected(lower, middle), upper)
    if _at(free, path) != _at(lower, path):
        assert problems
    if problems:
        assert all("locked by the layer 0" in p.message and p.origin and p.origin.layer in "12" for p in problems)


@given(LAYERS.filter(_places), LAYERS, st.data())
def test_saying_a_locked_value_again_is_no_problem(
    lower: dict[str, Any], upper: dict[str, Any], data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(_places(lower)))
    problems: list[Problem] = []
    result = layered([unwrap(_node(_with_lock(lower, path), "0")), unwrap(_node(lower, "1"))], problems)
    assert not problems
    assert result.plain() == lower


def _merged(*texts: str) -> tuple[Any, list[Problem]]:
    problems: list[Problem] = []
    tree = layered([unwrap(parse(text, f"{i}.yaml", f"layer {i}")) for i, text in enumerate(texts)], problems)
    return tree.plain(), problems


def test_a_list_is_replaced_unless_it_is_appended_to() -> None:
    assert _merged("a: [1, 2]", "a: [3]")[0] == {"a": [3]}
    assert _merged("a: [1, 2]", "a: {append: [3]}")[0] == {"a": [1, 2, 3]}
    assert _merged("a: [1, 2]", "a: {append: []}")[0] == {"a": [1, 2]}
    assert _merged("a: [1]", "a: {append: [2]}", "a: {append: [3]}")[0] == {"a": [1, 2, 3]}
    assert _merged("b: 1", "a: {append: [3]}")[0] == {"b": 1, "a": [3]}
    assert _merged("a: {append: [1]}", "a: {append: [2]}")[0] == {"a": [1, 2]}
    assert _merged("a: null", "a: {append: [2]}")[0] == {"a": [2]}


def test_a_locked_list_can_not_be_appended_to() -> None:
    value, problems = _merged("a: {locked: [1]}", "a: {append: [2]}")
    assert value == {"a": [1]}
    assert len(problems) == 1


def test_a_list_that_was_appended_to_can_be_locked() -> None:
    value, problems = _merged("a: [1]", "a: {locked: {append: [2]}}", "a: [3]")
    assert value == {"a": [1, 2]}
    assert [p.origin.file for p in problems if p.origin] == ["2.yaml"]


def test_a_locked_mapping_takes_no_new_key_and_keeps_what_lower_layers_said() -> None:
    value, problems = _merged("a: {x: 1, y: 2}", "a: {locked: {x: 5}}", "a: {y: 3, z: 4}")
    assert value == {"a": {"x": 5, "y": 2}}
    assert sorted(p.message.split(" ")[0] for p in problems) == ["a.y", "a.z"]


def test_clearing_what_a_locked_value_is_part_of_is_refused() -> None:
    for clearing in ("a: null", "a: 5", "a: []"):
        value, problems = _merged("a: {b: {locked: 1}, c: 2}", clearing)
        assert value == {"a": {"b": 1, "c": 2}}
        assert len(problems) == 1


def test_a_lock_names_the_layer_the_place_and_the_key() -> None:
    _, problems = _merged("\n\na:\n  b: {locked: 1}\n", "a: {b: 2}")
    assert problems[0].message == "a.b is locked by the layer layer 0 (0.yaml:4)"
    assert str(problems[0].origin) == "1.yaml:1"


def test_inside_a_list_lock_and_append_have_no_meaning() -> None:
    assert settle(unwrap(parse("a: [{locked: 1}, {append: [2]}]", "f"))).plain() == {
        "a": [{"locked": 1}, {"append": [2]}]
    }


def test_who_said_a_locked_mapping_again_is_not_taken_for_who_locked_it() -> None:
    _, problems = _merged("a: {locked: {b: 1}}", "a: {b: 1}", "a: {c: 2}")
    assert [p.message for p in problems] == ["a.c is locked by the layer layer 0 (0.yaml:1)"]
