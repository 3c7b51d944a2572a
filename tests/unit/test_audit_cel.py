"""CEL as Kubernetes has it: its functions agree, errors say where they are, and variables mean what they say."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ggi.controls import cel
from ggi.controls.cel_functions import parse_quantity
from ggi.errors import Origin, Problem


def value(expression: str, **body: object) -> object:
    return cel.evaluate(cel.compiled(expression), cel.activation(body))


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        # Examples of the documentation of quantity.go and cidr.go in k8s.io/apiserver.
        ("isQuantity('1.3G')", True),
        ("isQuantity('1.3Gi')", True),
        ("isQuantity('1,3G')", False),
        ("isQuantity('10000k')", True),
        ("isQuantity('200K')", False),
        ("isQuantity('Three')", False),
        ("isQuantity('Mi')", False),
        ("quantity('1E100').isGreaterThan(quantity('1E99'))", True),
        ("quantity('0.0000000001') == quantity('1n')", True),
        ("quantity('200M').compareTo(quantity('0.2G'))", 0),
        ("quantity('50M').compareTo(quantity('50Mi'))", -1),
        ("quantity('50Mi').compareTo(quantity('50M'))", 1),
        ("quantity('150Mi').isGreaterThan(quantity('100Mi'))", True),
        ("quantity('50Mi').isGreaterThan(quantity('100Mi'))", False),
        ("quantity('50M').isLessThan(quantity('100M'))", True),
        ("quantity('100M').isLessThan(quantity('50M'))", False),
        ("quantity('1Gi') == quantity('1024Mi')", True),
        ("quantity('1e3') == quantity('1k')", True),
        ("quantity('-1') == quantity('-1000m')", True),
        ("isCIDR('192.168.0.0/16')", True),
        ("isCIDR('192.168.0.0')", False),
        ("isCIDR('::/0')", True),
        ("cidr('192.168.0.0/16').prefixLength()", 16),
        ("cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24')", True),
        ("cidr('192.168.0.0/16').containsCIDR('192.167.0.0/24')", False),
        ("cidr('10.0.0.0/8').containsCIDR('::/64')", False),
    ],
)
def test_functions_of_kubernetes_give_what_kubernetes_gives(expression: str, wanted: object) -> None:
    assert value(expression) == wanted


PLAIN = cel.environment().compile("object.text.matches(object.pattern)")
"""With the function of the library itself."""


@given(
    st.text("ab1:@.-\n ") | st.text(),
    st.sampled_from([r"^[^@]+:[a-z0-9_.-]*(@1{2})?$", "(?i)(A|b-?1)$", ":a(@|$)", "^$", "(", r"\d+"])
    | st.text("ab(|)*+$^."),
)
def test_our_own_matches_gives_what_that_of_the_library_gives(text: str, pattern: str) -> None:
    seen = cel.activation({"text": text, "pattern": pattern})
    for _ in range(2):
        try:
            found: object = cel.evaluate(cel.compiled("object.text.matches(object.pattern)"), seen)
        except cel.CelError:
            found = "error"
        try:
            assert found == cel.evaluate(PLAIN, seen)
        except cel.CelError:
            assert found == "error"


@given(st.integers(0, 10**12), st.sampled_from(["", "k", "M", "G"]))
def test_a_decimal_quantity_is_its_number_times_its_suffix(number: int, suffix: str) -> None:
    factor = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}[suffix]
    assert parse_quantity(f"{number}{suffix}") == number * factor
    assert value(f"quantity('{number}{suffix}') == quantity('{number * factor}')") is True


@given(st.text(max_size=12))
def test_any_text_is_a_quantity_or_is_not_and_never_breaks_the_rule(text: str) -> None:
    found = value("isQuantity(object.text)", text=text)
    if found:
        assert isinstance(parse_quantity(text), Decimal)
    else:
        with pytest.raises(ValueError, match="not a quantity"):
            parse_quantity(text)


def test_an_error_names_a_missing_field_and_no_value() -> None:
    with pytest.raises(cel.CelError, match="missing"):
        value("object.spec.nope == 1", spec={"secret": "canary"})
    with pytest.raises(cel.CelError) as caught:
        value("quantity(object.spec.secret) == quantity('1')", spec={"secret": "canary"})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"), [("object.spec.", 7), ("true &&\n  nope(1)", 8), ("object.a == 1 &&\n  object.b ==", 8)]
)
def test_an_error_in_a_rule_is_shown_at_its_own_line(text: str, line: int) -> None:
    problems: list[Problem] = []
    assert not cel.check(cel.ExpressionSource(text, Origin("control.yaml", 7)), "BOOL", problems)
    assert [p.origin for p in problems] == [Origin("control.yaml", line)]


@pytest.mark.parametrize("text", ["cel.bind(x, 1, x) == 1", "{'a': 1}.all(k, v, v == 1)", "[1].exists(i, v, v == 1)"])
def test_what_older_versions_of_kubernetes_do_not_have_is_refused(text: str) -> None:
    problems: list[Problem] = []
    assert not cel.check(cel.ExpressionSource(text, Origin("control.yaml", 1)), "BOOL", problems)
    assert len(problems) == 1


def test_a_rule_that_is_no_yes_or_no_is_refused() -> None:
    problems: list[Problem] = []
    assert not cel.check(cel.ExpressionSource("'text'", Origin("control.yaml", 1)), "BOOL", problems)
    assert not cel.check(cel.ExpressionSource("1 == 1", Origin("control.yaml", 1)), "STRING", problems)
    assert len(problems) == 2


def test_a_variable_is_its_expression_wherever_it_stands() -> None:
    variables = {**cel.COMMON, "names": "variables.containers.map(c, c.name)", "many": "variables.names.size() > 1"}
    assert cel.used("variables.many", variables) == ["pod", "containers", "names", "many"]
    text = cel.inlined("variables.many || variables.names[0] == 'x'", variables)
    assert "variables." not in text
    body = {"kind": "Pod", "spec": {"containers": [{"name": "a"}], "initContainers": [{"name": "b"}]}}
    assert value(text, **body) is True
    assert cel.unknown_variables("variables.many && variables.nope", variables) == ["nope"]


def test_pods_are_found_in_every_kind_that_makes_them() -> None:
    pod = {"containers": [{"name": "a"}]}
    bodies = [
        {"kind": "Pod", "spec": pod},
        {"kind": "Deployment", "spec": {"template": {"spec": pod}}},
        {"kind": "Job", "spec": {"template": {"spec": pod}}},
        {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}},
    ]
    text = cel.inlined("variables.containers.map(c, c.name).join('')", cel.COMMON)
    assert [value(text, **body) for body in bodies] == ["a"] * 4
