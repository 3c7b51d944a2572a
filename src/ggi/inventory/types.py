"""The scalar types of an inventory. Each docstring names the source of its rule.

Every type is a plain `str` (or `date`) for the program and carries its own check and JSON Schema for pydantic.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from ggi.inventory.marks import Free, NameKind, Refers
from ggi.messages import t


@dataclass(frozen=True)
class Matching:
    """A text that matches `pattern` as a whole, of at most `most` characters; `what` names it, with an example.

    The pattern is written so that Python, and editors that read the JSON Schema, understand it alike.
    """

    pattern: str
    what: Callable[[], str]
    most: int = 0

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def check(self, value: str) -> str:
        """`value` itself. Raises ValueError."""
        if (self.most and len(value) > self.most) or not self._compiled.fullmatch(value):
            raise ValueError(t("{value!r} is not {what}", value=value[:80], what=self.what()))
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        result: dict[str, Any] = {"type": "string", "pattern": f"^(?:{self.pattern})$", "description": self.what()}
        if self.most:
            result["maxLength"] = self.most
        return result


_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"

Gemeentecode = Annotated[
    str,
    Matching(r"GM[0-9]{4}", lambda: t('a gemeentecode such as "GM0363": GM and the four digits of the CBS')),
    Refers(NameKind.GEMEENTE),
]
"""The CBS writes a gemeentecode as `GM` and four digits (CBS, Gemeentelijke indeling per jaar).

The CBS has given out no code from GM9900 on; GM99xx are the fictional examples here.
"""

FICTIONAL = "GM99"
"""How the codes of fictional gemeenten begin."""

Slug = Annotated[
    str,
    Matching(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", lambda: t("a name of lower-case letters, digits and hyphens"), 40),
]
"""A name of ours that becomes part of stack names: lower case, digits and single hyphens."""

Line = Annotated[
    str,
    Matching(
        r"[^\x00-\x20\x7f-\xa0](?:[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0])?", lambda: t("one line of text"), 120
    ),
]
"""One line of text as people read it: no control characters, no space at either end."""

DnsLabel = Annotated[
    str, Matching(_LABEL, lambda: t("a DNS label (RFC 1123): a-z, 0-9 and -, at most 63 characters"), 63)
]
"""Kubernetes names of namespaces and Services are RFC 1123 labels of at most 63 characters."""

HostName = Annotated[
    str,
    Matching(
        rf"(?:{_LABEL}\.)+[a-z](?:[-a-z0-9]{{0,61}}[a-z0-9])",
        lambda: t("a host name (RFC 1123): labels of a-z, 0-9 and - with dots between, no scheme, no port"),
        253,
    ),
    Free("a name in DNS, which others give"),
]
"""A fully qualified host name: RFC 1123 section 2.1, lower case as Gateway API's `Hostname` demands."""

RELEASE = re.compile(r"(20[0-9]{2})\.([1-9][0-9]?)")
ReleaseId = Annotated[str, Matching(r"20[0-9]{2}\.[1-9][0-9]?", lambda: t('a release such as "2026.4"'))]
"""A release: year and sequence number in that year."""


def release_order(release: str) -> tuple[int, int]:
    """(year, number), so that 2026.10 comes after 2026.9. Raises ValueError.

    Example: `release_order("2026.10") > release_order("2026.9")`.
    """
    match = RELEASE.fullmatch(release)
    if match is None:
        raise ValueError(release)
    return int(match[1]), int(match[2])


OIN_REGISTERS = {
    "00000001": "RSIN",
    "00000002": "Fi-nummer",
    "00000003": "KVK",
    "00000004": "SubOIN",
    "00000006": "Logius",
    "00000007": "BRIN",
    "00000008": "foreign",
    "00000009": "Dezi (care providers)",
    "00000010": "TRR",
    "00000011": "Dezi (insurers)",
    "00000099": "test",
}
"""Prefixes of an OIN by register (Logius, OIN-Stelsel, chapter 6, table of prefixes)."""
_KVK = "00000003"
_OIN = r"[0-9]{8}[0-9A-Z]{9}000"


def _oin(value: str) -> str:
    if not re.fullmatch(_OIN, value):
        raise ValueError(
            t(
                "{value!r} is not an OIN: 20 positions, a prefix of 8 digits, a main number of 8 or 9, then zeros",
                value=value[:80],
            )
        )
    if value[:8] not in OIN_REGISTERS:
        raise ValueError(
            t("{value!r} is not an OIN: the prefix {prefix} is no register", value=value, prefix=value[:8])
        )
    if value[:8] == _KVK and not re.fullmatch(r"[0-9]{8}0000", value[8:]):
        raise ValueError(t("{value!r} is not an OIN: a KVK number has 8 digits, then come 4 zeros", value=value))
    return value


Oin = Annotated[
    str,
    AfterValidator(_oin),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^(?=(?:{'|'.join(OIN_REGISTERS)}))(?!{_KVK}(?![0-9]{{8}}0000$)){_OIN}$",
            "description": "OIN: 20 positions; prefix 00000099 is for tests.",
        }
    ),
]
"""Organisatie-identificatienummer: prefix of 8, main number of 8 or 9 with a suffix of 4 or 3 zeros.

Source: Logius, OIN-Stelsel, chapter 6. The main number may be alphanumeric for some registers; that of the KVK has 8
digits. A main number of 8 with 4 zeros looks like one of 9 that ends in 0 with 3 zeros, so one pattern serves both.
Prefix 00000099 is for tests and may be used by anyone. The eleven-test of an RSIN is not checked: no source confirms
that every RSIN in an OIN passes it.
"""


def _cidr(value: str) -> str:
    try:
        network = ipaddress.ip_network(value)
    except ValueError as error:
        raise ValueError(
            t("{value!r} is not a CIDR such as 10.20.0.0/16: {why}", value=value[:80], why=error)
        ) from None
    return str(network)


_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_ADDRESS = rf"(?:(?:{_OCTET}\.){{3}}{_OCTET}|[0-9a-fA-F]*:[0-9a-fA-F:.]+)"

Cidr = Annotated[
    str,
    AfterValidator(_cidr),
    WithJsonSchema({"type": "string", "pattern": rf"^{_ADDRESS}(?:/[0-9.]+)?$", "description": "A CIDR."}),
    Free("addresses"),
]
"""An IPv4 or IPv6 network without host bits (RFC 4632, RFC 4291); a bare address is a network of one."""

Realm = Annotated[
    str,
    Matching(
        rf"(?:{_LABEL}\.)+(?!local$|lan$)[a-z](?:[-a-z0-9]{{0,61}}[a-z0-9])",
        lambda: t("a RADIUS realm: a domain name of the organisation, in lower case"),
        253,
    ),
    Free("the organisation's own domains; registered with the national operator"),
]
"""A govroam realm is a DNS name that the organisation owns, in lower case (RFC 7542 section 2.2).

`.local` and `.lan` are nobody's, and roaming operators refuse them.
"""


def _date(value: Any) -> Any:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(t("{value!r} is not a date: {why}", value=value, why=error)) from None
    raise ValueError(t("{value!r} is not a date; write YYYY-MM-DD", value=value))


Date = Annotated[
    dt.date,
    BeforeValidator(_date),
    WithJsonSchema(
        {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "description": "YYYY-MM-DD."}
    ),
]
"""A calendar date, ISO 8601: YYYY-MM-DD. YAML 1.2 has no dates, so that it needs no quotes."""

_DAYS = "ma|di|wo|do|vr|za|zo"
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
Window = Annotated[
    str,
    Matching(rf"(?:{_DAYS})(?:-(?:{_DAYS}))? {_TIME}-{_TIME}", lambda: t('a window such as "di 20:00-23:00"')),
]
"""A weekly maintenance window in local time: Dutch day or range of days, then begin and end.

An end before the begin lies on the next day: `za 22:00-02:00`.
"""

_ENVIRONMENTS = {
    "ontw": "ontw", "ontwikkel": "ontw", "ontwikkeling": "ontw",
    "test": "test",
    "accp": "accp", "acc": "accp", "acceptatie": "accp",
    "prod": "prod", "productie": "prod",
}  # fmt: skip
ENVIRONMENTS = tuple(dict.fromkeys(_ENVIRONMENTS.values()))
"""The short names, in the order in which a change goes through them (OTAP)."""


def environment_name(value: str) -> str:
    """The short name (OTAP) of an environment; the long Dutch name is accepted. Raises ValueError."""
    short = _ENVIRONMENTS.get(value)
    if short is None:
        raise ValueError(t("{value!r} is not an environment; write ontw, test, accp or prod", value=value))
    return short


EnvironmentName = Annotated[
    str,
    AfterValidator(environment_name),
    WithJsonSchema({"type": "string", "enum": sorted(_ENVIRONMENTS)}),
    Free("one of four, which its type knows"),
]
"""OTAP: ontwikkel, test, acceptatie, productie."""

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
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|Ki|M|Mi|G|Gi|T|Ti)?")


@dataclass(frozen=True)
class Amount(Matching):
    """A Kubernetes quantity of one kind of thing, between `least` and `greatest`. A bare number counts `unit`s."""

    least: str = ""
    greatest: str = ""
    unit: Callable[[], str] = str

    def check(self, value: str) -> str:
        """`value` itself. Raises ValueError."""
        Matching.check(self, value)
        if not quantity(self.least) <= quantity(value) <= quantity(self.greatest):
            bare = value.isdigit()
            read = t("{number} {unit}", number=value, unit=self.unit()) if bare else value
            raise ValueError(
                t("{value!r} is {read}, which is not between {least} and {greatest}", value=value, read=read,
                  least=self.least, greatest=self.greatest)
            )  # fmt: skip
        return value


_BYTES = r"[0-9]+(?:\.[0-9]+)?(?:k|Ki|M|Mi|G|Gi|T|Ti)?"
"""A bare number is a number of bytes. `m`, thousandths of a byte, is what people write who meant Mi: `memory: 400m` is
0.4 bytes (kubernetes.io, Resource Management for Pods and Containers, Memory resource units)."""

Cpu = Annotated[
    str,
    Amount(
        r"[0-9]+(?:\.[0-9]{1,3})?|[0-9]+m",
        lambda: t('an amount of CPU such as 500m or "2"'),
        20,
        "10m",
        "64",
        lambda: t("cores"),
    ),
]
"""CPU in cores; Kubernetes takes nothing finer than 1m (kubernetes.io, CPU resource units).

The bounds are ours: a hundredth of a core starts no program in time, and a pod that asks for more cores than a common
node has is never placed.
"""
Memory = Annotated[
    str, Amount(_BYTES, lambda: t("an amount of memory such as 512Mi or 2Gi"), 20, "32Mi", "256Gi", lambda: t("bytes"))
]
"""Memory in bytes. The bounds are ours: nothing here runs in less (the smallest, nginx, has 64Mi), and a pod that asks
for more than a common node has is never placed."""
StorageSize = Annotated[
    str, Amount(_BYTES, lambda: t("a size of storage such as 20Gi"), 20, "2Gi", "64Ti", lambda: t("bytes"))
]
"""Storage in bytes. PostgreSQL lets its log grow to `max_wal_size`, 1 GB, between checkpoints (PostgreSQL 17, 19.5.2),
so a volume must hold that and the data. The upper bound is ours: more is a slip of the pen."""

_HOST_PORT = rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?"
RegistryHost = Annotated[
    str, Matching(_HOST_PORT, lambda: t("the name of a container registry such as docker.io, without scheme"), 260)
]
"""The first part of an image's name (distribution/reference, `domain`): a host, and a port unless it is 443."""
RegistryMirror = Annotated[
    str,
    Matching(
        rf"{_HOST_PORT}(?:/[a-z0-9]+(?:[._-][a-z0-9]+)*)*",
        lambda: t("where a mirror has a registry's images, such as harbor.rijnstad.test/hub, without scheme"),
        400,
    ),
]
"""Host and path that take the place of a registry's name."""

LabelKey = Annotated[
    str,
    Matching(
        rf"(?:(?:{_LABEL}\.)*{_LABEL}/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?",
        lambda: t("the name of a Kubernetes label such as app.kubernetes.io/name"),
        317,
    ),
]
"""A DNS name of at most 253 characters and a slash, or nothing, then a name of at most 63 (kubernetes.io, Labels)."""
LabelValue = Annotated[
    str,
    Matching(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", lambda: t("the value of a Kubernetes label"), 63),
]
"""At most 63 characters, also none (kubernetes.io, Labels and Selectors, syntax)."""

COMMON_SYSTEM_NAMESPACES = ("default", "cert-manager", "cnpg-system", "envoy-gateway-system")
"""Where Kubernetes puts what has no namespace, and where the operators' own manifests and charts go: cert-manager
(its static manifest), CloudNativePG (releases/cnpg-*.yaml), Envoy Gateway (install.yaml)."""


def _namespace(value: str) -> str:
    if value in COMMON_SYSTEM_NAMESPACES or value.startswith(("kube-", "openshift-")):
        raise ValueError(t("{value!r} is a namespace of the cluster itself", value=value))
    return value


Namespace = Annotated[
    DnsLabel,
    AfterValidator(_namespace),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^(?!kube-|openshift-|(?:{'|'.join(COMMON_SYSTEM_NAMESPACES)})$){_LABEL}$",
            "maxLength": 63,
            "description": "A DNS label; not a namespace of the cluster itself.",
        }
    ),
]
"""A namespace of a landscape. Kubernetes reserves `kube-` (kubernetes.io, Namespaces), OpenShift `openshift-`."""

LONGEST_DATABASE = 57
"""PostgreSQL cuts names after 63 bytes (NAMEDATALEN - 1, PostgreSQL 17, 4.1.1), and two that are cut alike are one:
`_r` and a counter of four digits follow in the role that logs in."""
_TAKEN = ("postgres", "template0", "template1", "app", "streaming_replica", "public", "none")
"""Databases of PostgreSQL itself (22.3), the database that CloudNativePG makes unasked (`app`), its role for replicas
(cloudnative-pg, pkg/postgres/roles.go, commit a95a534), and names that are no role (PostgreSQL 17, CREATE ROLE)."""


def _database(value: str) -> str:
    if value in _TAKEN or value.startswith(("pg_", "cnpg_")):
        raise ValueError(t("{value!r} is a name of PostgreSQL or its operator", value=value))
    return value


DatabaseName = Annotated[
    str,
    Matching(
        r"[a-z_][a-z0-9_]*",
        lambda: t("a name of a database: a-z, 0-9 and _, at most {most} characters", most=LONGEST_DATABASE),
        LONGEST_DATABASE,
    ),
    AfterValidator(_database),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^(?!pg_|cnpg_|(?:{'|'.join(_TAKEN)})$)[a-z_][a-z0-9_]*$",
            "maxLength": LONGEST_DATABASE,
            "description": "A database; not a name of PostgreSQL or its operator.",
        }
    ),
]
"""A database and the role that owns it, without quotes in SQL. `pg_` and `cnpg_` are reserved for roles (same file)."""

Port = Annotated[int, Field(ge=1, le=65535)]
"""A TCP or UDP port (RFC 6335)."""


def quantity(value: str) -> float:
    """A quantity in base units: cores or bytes. Raises ValueError."""
    match = _QUANTITY.fullmatch(value)
    if match is None:
        raise ValueError(value)
    return float(match[1]) * _FACTORS[match[2] or ""]
