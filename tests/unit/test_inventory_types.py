"""The scalar types of the inventory: what each accepts, and what it says of the rest."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ggi.inventory import types

CASES: list[tuple[str, Any, list[str], list[str]]] = [
    ("Gemeentecode", types.Gemeentecode, ["GM0363", "GM9901"], ["0363", "gm0363", "GM363", "GM03630", "GM036３", ""]),
    ("Slug", types.Slug, ["midden", "fsc-2", "a"], ["Midden", "-a", "a-", "a--b", "1a", "a_b", "a" * 41, ""]),
    (
        "Line",
        types.Line,
        ["Súderwâld", "'s-Hertogendaal, Broek en Waard", "IJ", "x"],
        ["", " x", "x ", "a\nb", "a\x00b", "\u0085", "x" * 121],
    ),
    ("DnsLabel", types.DnsLabel, ["rijnstad", "a", "0-0", "a" * 63], ["-a", "a-", "A", "a.b", "a_b", "", "a" * 64]),
    (
        "HostName",
        types.HostName,
        ["rijnstad.test", "a.b-c.nl", "xn--e1afmkfd.xn--p1ai"],
        [
            "rijnstad",
            "https://a.nl",
            "a.nl:443",
            "A.nl",
            "a..nl",
            ".a.nl",
            "a.nl.",
            "1.2.3.4",
            f"{'a.' * 127}nl",
            "a_b.nl",
        ],
    ),
    ("ReleaseId", types.ReleaseId, ["2026.4", "2026.10"], ["2026", "2026.0", "2026.04", "2026.100", "26.4", "2026.4 "]),
    (
        "Oin",
        types.Oin,
        [
            "00000001002220647000",  # Utrecht (OIN register)
            "00000004001094920000",  # a SubOIN
            "00000099990100000000",
            "00000003123456780000",
            "00000007AB1234567000",
        ],
        [
            "99990100000000",
            "00000001002220647001",
            "00000005002220647000",  # prefix that is still free
            "00000003123456789000",  # a KVK number of 9 digits
            "0000000312345678A000",
            "000000010022206470000",
            "00000001 02220647000",
        ],
    ),
    (
        "Cidr",
        types.Cidr,
        ["10.20.0.0/16", "169.254.20.10/32", "2001:db8::/32"],
        ["10.20.0.1/16", "10.20.0.0/33", "x", ""],
    ),
    (
        "Realm",
        types.Realm,
        ["rijnstad.test", "wifi.rijnstad.nl"],
        ["rijnstad", "Rijnstad.nl", "a@b.nl", "a..nl", ".nl", "a.local", "a.lan", "a_b.nl", "a.nl "],
    ),
    (
        "Window",
        types.Window,
        ["di 20:00-23:00", "ma-vr 22:30-02:00", "zo 00:00-23:59"],
        ["di 24:00-25:00", "tue 20:00-23:00", "20:00-23:00", "di 20:00", "di 20:60-21:00", "di  20:00-23:00"],
    ),
    ("Cpu", types.Cpu, ["500m", "2", "1.5", "10m", "64"], ["500", "2Gi", "-1", "1e3", "", "9m", "0.0001", "1" * 21]),
    (
        "Memory",
        types.Memory,
        ["512Mi", "2Gi", "1.5G", "34000000"],
        ["500", "400m", "1Mi", "2gb", "Gi", "-1", "", "2Ti"],
    ),
    ("StorageSize", types.StorageSize, ["20Gi", "2Gi", "1.5Ti"], ["50", "1Mi", "1Gi", "20g", "100Ti", ""]),
    ("Namespace", types.Namespace, ["rijnstad", "kube"], ["kube-system", "kube-x", "default", "cnpg-system", "A"]),
    (
        "DatabaseName",
        types.DatabaseName,
        ["oz_productie", "a" * 57],
        ["a" * 58, "postgres", "app", "pg_x", "cnpg_x", "1a"],
    ),
    ("LabelKey", types.LabelKey, ["k8s-app", "kubernetes.io/metadata.name"], ["a b", "/x", "a/b/c", "", "a" * 64]),
    ("LabelValue", types.LabelValue, ["", "x", "kube-dns", "A_b.c"], ["a b", "-a", "a" * 64]),
    (
        "Date",
        types.Date,
        ["2026-11-02", "2028-02-29"],
        ["2026-13-01", "2026-02-30", "2026-1-1", "02-11-2026", "2026-11-02T00:00:00", "20261102", ""],
    ),
]
GOOD = [pytest.param(kind, value, id=f"{name}-{value}") for name, kind, good, _ in CASES for value in good]
BAD = [pytest.param(kind, value, id=f"{name}-{value!r}") for name, kind, _, bad in CASES for value in bad]
# JSON Schema can't do arithmetic: the loader alone sees that host bits are set or that a prefix is too long.
# It can't compare amounts in different units either.
ONLY_THE_LOADER = {"10.20.0.1/16", "10.20.0.0/33", "500", "9m", "50", "1Mi", "1Gi", "2Ti", "100Ti"}


def accepted_by_schema(kind: Any, value: Any) -> bool:
    schema = TypeAdapter(kind).json_schema()
    checker = jsonschema.FormatChecker(formats=["date"])
    return jsonschema.Draft7Validator(schema, format_checker=checker).is_valid(value)


@pytest.mark.parametrize(("kind", "value"), GOOD)
def test_a_good_value_is_accepted_by_the_loader_and_by_the_schema(kind: Any, value: str) -> None:
    TypeAdapter(kind).validate_python(value)
    assert accepted_by_schema(kind, value)


@pytest.mark.parametrize(("kind", "value"), BAD)
def test_a_bad_value_is_refused_by_the_loader_and_by_the_schema(kind: Any, value: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)
    assert value in ONLY_THE_LOADER or not accepted_by_schema(kind, value)


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, kind, _, _ in CASES])
@pytest.mark.parametrize("value", [None, 5, 1.5, True, [], {}])
def test_what_is_no_text_is_refused(name: str, kind: Any, value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value, strict=True)


@given(st.text(max_size=60))
def test_no_text_makes_a_type_fail_with_anything_but_a_validation_error(text: str) -> None:
    for _, kind, _, _ in CASES:
        try:
            TypeAdapter(kind).validate_python(text)
        except ValidationError:
            continue


@given(st.integers(2000, 2099), st.integers(1, 99), st.integers(1, 99))
def test_releases_are_ordered_by_number_not_by_text(year: int, one: int, two: int) -> None:
    first, second = (types.release_order(f"{year}.{n}") for n in (one, two))
    assert (first < second) == (one < two)


def test_the_long_dutch_names_of_environments_are_accepted() -> None:
    long = {"ontwikkel": "ontw", "ontwikkeling": "ontw", "acceptatie": "accp", "productie": "prod", "test": "test"}
    assert {name: types.environment_name(name) for name in long} == long
    with pytest.raises(ValueError, match="write ontw, test, accp or prod"):
        types.environment_name("production")


@given(st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1)))
def test_every_calendar_date_is_read_back(day: dt.date) -> None:
    assert TypeAdapter(types.Date).validate_python(day.isoformat()) == day


def test_quantities_are_compared_in_base_units() -> None:
    assert types.quantity("500m") == 0.5
    assert types.quantity("2Gi") == 2 * 2**30
    assert types.quantity("1.5k") == 1500
    with pytest.raises(ValueError, match="2gb"):
        types.quantity("2gb")


def test_every_schema_says_in_words_what_is_wanted() -> None:
    silent = [name for name, kind, _, _ in CASES if "description" not in json.dumps(TypeAdapter(kind).json_schema())]
    assert not silent
