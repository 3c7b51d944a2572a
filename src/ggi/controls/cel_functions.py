"""The functions that Kubernetes adds to CEL, as far as controls use them, with the same results.

Source: k8s.io/apiserver, pkg/cel/library (quantity.go, cidr.go), and k8s.io/apimachinery, pkg/api/resource. A quantity
and a CIDR are values that only these functions understand; here they are mappings with one key, which compare alike.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal, localcontext
from functools import cache, lru_cache

from cel_expr_python import cel  # type: ignore[import-untyped]

_SUFFIXES: Mapping[str, Decimal] = {
    **{
        suffix: Decimal(10) ** power
        for suffix, power in zip("numkMGTPE", (-9, -6, -3, 3, 6, 9, 12, 15, 18), strict=True)
        if suffix
    },
    "": Decimal(1),
    **{f"{suffix}i": Decimal(1024) ** (power + 1) for power, suffix in enumerate("KMGTPE")},
}
_QUANTITY = re.compile(r"([+-]?)([0-9]+\.?[0-9]*|\.[0-9]+)(?:([eE][+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i)?)")
_SMALLEST = Decimal(10) ** -9
"""Kubernetes rounds up to a billionth."""
_LARGEST_EXPONENT = 300
"""No quantity of anything has more digits; it bounds the work for a text that somebody else wrote."""
REMEMBERED = 4096
"""Results of one function that are kept: more than the different images, names and quantities of 342 gemeenten."""
MATCHES = "ggiMatches"
"""What `matches` is called here. The library's own compiles the pattern anew at every call, up to 70 microseconds."""


@lru_cache(REMEMBERED)
def parse_quantity(text: str) -> Decimal:
    """The number that a Kubernetes quantity stands for. Raises ValueError.

    Example: `parse_quantity("10Gi") >= parse_quantity("1G")`.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError("not a quantity")
    sign, number, exponent, suffix = match.groups()
    if exponent and abs(int(exponent[1:])) > _LARGEST_EXPONENT:
        raise ValueError("not a quantity")
    with localcontext(prec=2 * _LARGEST_EXPONENT):
        value = Decimal(number) * (Decimal(f"1{exponent}") if exponent else _SUFFIXES[suffix or ""])
        if value.normalize().as_tuple().exponent < _SMALLEST.as_tuple().exponent:  # type: ignore[operator]
            value = value.quantize(_SMALLEST, rounding=ROUND_CEILING)
    return -value if sign == "-" else value


@cache
def _standard_matches() -> tuple[cel.Env, cel.Expression]:
    env = cel.NewEnv(variables={"text": cel.Type.STRING, "pattern": cel.Type.STRING})
    return env, env.compile("text.matches(pattern)")


@lru_cache(REMEMBERED)
def matches(text: str, pattern: str) -> bool:
    """What CEL's own `matches` gives for exactly this text and pattern. Raises ValueError."""
    env, expression = _standard_matches()
    found = expression.eval(env.Activation({"text": text, "pattern": pattern}))
    if found.type() == cel.Type.ERROR:
        raise ValueError("not a pattern")
    return bool(found.plain_value())


@lru_cache(REMEMBERED)
def _quantity(text: str) -> dict[str, str]:
    value = parse_quantity(text)
    # Normalised, so that 1Gi and 1024Mi are equal, as in Kubernetes.
    return {"quantity": format(value.normalize(), "f")}


def _is_quantity(text: str) -> bool:
    try:
        parse_quantity(text)
    except ValueError:
        return False
    return True


def _compare(one: Mapping[str, str], two: Mapping[str, str]) -> int:
    left, right = Decimal(one["quantity"]), Decimal(two["quantity"])
    return (left > right) - (left < right)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    # Kubernetes refuses an IPv4 address in IPv6 form and a zone; ipaddress refuses a network without a slash less.
    if "/" not in text or "%" in text or text.lower().startswith("::ffff:"):
        raise ValueError("not a CIDR")
    return ipaddress.ip_network(text, strict=False)


def _cidr(text: str) -> dict[str, str]:
    _network(text)
    return {"cidr": text}


def _is_cidr(text: str) -> bool:
    try:
        _network(text)
    except ValueError:
        return False
    return True


def _contains(outer: Mapping[str, str], inner: str) -> bool:
    one, two = _network(outer["cidr"]), _network(inner)
    return one.version == two.version and two.subnet_of(one)  # type: ignore[arg-type]


def declarations() -> list[cel.FunctionDecl]:
    """The functions for `cel.NewEnv`."""
    kinds = cel.Type
    text, number, yes_no = kinds.STRING, kinds.INT, kinds.BOOL
    value = kinds.Map(text, text)

    def plain(name: str, returns: cel.Type, implementation: object) -> cel.FunctionDecl:
        overload = cel.Overload(f"ggi_{name}", return_type=returns, parameters=[text], impl=implementation)
        return cel.FunctionDecl(name, [overload])

    def member(name: str, returns: cel.Type, implementation: object, *parameters: cel.Type) -> cel.FunctionDecl:
        overload = cel.Overload(
            f"ggi_{name}", return_type=returns, parameters=[value, *parameters], is_member=True, impl=implementation
        )
        return cel.FunctionDecl(name, [overload])

    pattern = cel.Overload("ggi_matches", return_type=yes_no, parameters=[text, text], is_member=True, impl=matches)
    return [
        cel.FunctionDecl(MATCHES, [pattern]),
        plain("quantity", value, _quantity),
        plain("isQuantity", yes_no, _is_quantity),
        member("isGreaterThan", yes_no, lambda one, two: _compare(one, two) > 0, value),
        member("isLessThan", yes_no, lambda one, two: _compare(one, two) < 0, value),
        member("compareTo", number, _compare, value),
        plain("cidr", value, _cidr),
        plain("isCIDR", yes_no, _is_cidr),
        member("prefixLength", number, lambda one: _network(one["cidr"]).prefixlen),
        member("containsCIDR", yes_no, _contains, text),
    ]
