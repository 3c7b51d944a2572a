"""The scalar types of an inventory. Each docstring names the source of its rule.

Every type is a plain `str` (or `date`) for the program and carries its own check and JSON Schema for pydantic.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from ggi.messages import t


def _matching(pattern: str, what: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(t("{value!r} is not {what}", value=value, what=t(what)))
        return value

    return check


Gemeentecode = Annotated[
    str,
    AfterValidator(_matching(r"GM\d{4}", 'a gemeentecode such as "GM0363"')),
    Field(pattern=r"^GM\d{4}$", description="CBS code: GM and four digits; GM99xx are fictional examples."),
]
"""CBS writes a gemeentecode as `GM` and four digits (CBS, Gemeentelijke indeling per jaar)."""

Slug = Annotated[
    str,
    AfterValidator(_matching(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", "a name of lower-case letters, digits and hyphens")),
    Field(max_length=40),
]
"""A name of ours that becomes part of stack names: lower case, digits and single hyphens."""

DnsLabel = Annotated[
    str,
    AfterValidator(
        _matching(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", "a DNS label (RFC 1123): a-z, 0-9 and -, at most 63")
    ),
    Field(max_length=63),
]
"""Kubernetes names of namespaces and Services are RFC 1123 labels of at most 63 characters."""

HostName = Annotated[
    str,
    AfterValidator(
        _matching(
            r"(?=.{1,253}$)(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z](?:[-a-z0-9]{0,61}[a-z0-9])",
            "a host name (RFC 1123): labels of a-z, 0-9 and - with dots between, no scheme, no port",
        )
    ),
]
"""A fully qualified host name: RFC 1123 section 2.1, lower case as Gateway API's `Hostname` demands."""

RELEASE = re.compile(r"(20\d\d)\.([1-9]\d?)")
ReleaseId = Annotated[
    str,
    AfterValidator(_matching(RELEASE.pattern, 'a release such as "2026.4"')),
    Field(pattern=r"^20\d\d\.[1-9]\d?$"),
]
"""A release: year and sequence number in that year."""


def release_order(release: str) -> tuple[int, int]:
    """(year, number), so that 2026.10 comes after 2026.9."""
    match = RELEASE.fullmatch(release)
    if match is None:
        raise ValueError(release)
    return int(match[1]), int(match[2])


_OIN_PREFIXES = {
    "00000001",
    "00000002",
    "00000003",
    "00000004",
    "00000006",
    "00000007",
    "00000008",
    "00000009",
    "00000010",
    "00000099",
}


def _oin(value: str) -> str:
    if not re.fullmatch(r"\d{8}[0-9A-Z]{8,9}0{3,4}", value) or len(value) != 20:
        raise ValueError(
            t(
                "{value!r} is not an OIN: 20 positions, a prefix of 8 digits, a main number of 8 or 9, then zeros",
                value=value,
            )
        )
    if value[:8] not in _OIN_PREFIXES:
        raise ValueError(
            t("{value!r} is not an OIN: the prefix {prefix} is no register", value=value, prefix=value[:8])
        )
    return value


Oin = Annotated[str, AfterValidator(_oin), WithJsonSchema({"type": "string", "pattern": r"^\d{8}[0-9A-Z]{8,9}0{3,4}$"})]
"""Organisatie-identificatienummer: prefix 8 + main number 8 or 9 + zeros to 20 (Logius, OIN-Stelsel, chapter 6).

Prefix 00000099 is for tests and may be used by anyone.
"""


def _cidr(value: str) -> str:
    try:
        network = ipaddress.ip_network(value)
    except ValueError as error:
        raise ValueError(t("{value!r} is not a CIDR such as 10.20.0.0/16: {why}", value=value, why=error)) from None
    return str(network)


Cidr = Annotated[str, AfterValidator(_cidr)]
"""An IPv4 or IPv6 network without host bits (RFC 4632, RFC 4291)."""

Realm = Annotated[
    str,
    AfterValidator(
        _matching(
            r"(?=.{1,253}$)(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
            "a RADIUS realm: a registered domain name in lower case",
        )
    ),
]
"""A govroam realm is a domain name that the organisation owns (RFC 7542, section 2.2)."""


def _date(value: Any) -> Any:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(t("{value!r} is not a date: {why}", value=value, why=error)) from None
    raise ValueError(t("{value!r} is not a date; write YYYY-MM-DD", value=value))


Date = Annotated[dt.date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
"""A calendar date, ISO 8601: YYYY-MM-DD."""

_DAYS = "ma|di|wo|do|vr|za|zo"
Window = Annotated[
    str,
    AfterValidator(
        _matching(
            rf"(?:{_DAYS})(?:-(?:{_DAYS}))? (?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-3]):[0-5]\d",
            'a maintenance window such as "di 20:00-23:00"',
        )
    ),
]
"""A weekly maintenance window in local time: Dutch day or range of days, then begin and end."""

_ENVIRONMENTS = {
    "ontw": "ontw", "ontwikkel": "ontw", "ontwikkeling": "ontw",
    "test": "test",
    "accp": "accp", "acc": "accp", "acceptatie": "accp",
    "prod": "prod", "productie": "prod",
}  # fmt: skip
ENVIRONMENTS = ("ontw", "test", "accp", "prod")


def environment_name(value: str) -> str:
    """The short name (OTAP) of an environment; the long Dutch name is accepted. Raises ValueError."""
    short = _ENVIRONMENTS.get(value.lower())
    if short is None:
        raise ValueError(t("{value!r} is not an environment; write ontw, test, accp or prod", value=value))
    return short


EnvironmentName = Annotated[
    str, AfterValidator(environment_name), WithJsonSchema({"type": "string", "enum": sorted(_ENVIRONMENTS)})
]
"""OTAP: ontwikkel, test, acceptatie, productie."""

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|Ki|M|Mi|G|Gi|T|Ti)?")
_FACTORS = {
    "": 1.0,
    "m": 1e-3,
    "k": 1e3,
    "Ki": 2.0**10,
    "M": 1e6,
    "Mi": 2.0**20,
    "G": 1e9,
    "Gi": 2.0**30,
    "T": 1e12,
    "Ti": 2.0**40,
}
Quantity = Annotated[
    str, AfterValidator(_matching(_QUANTITY.pattern, "a Kubernetes quantity such as 500m or 2Gi")), Field(max_length=20)
]
"""A Kubernetes resource quantity (kubernetes.io, API reference, Quantity)."""


def quantity(value: str) -> float:
    """A quantity in base units: cores or bytes. Raises ValueError."""
    match = _QUANTITY.fullmatch(value)
    if match is None:
        raise ValueError(value)
    return float(match[1]) * _FACTORS[match[2] or ""]
