"""A relation: one component uses the APIs that another one offers. Declared once, as a Use; the rest follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ggi.catalogue.secrets import SecretRef


class Auth(StrEnum):
    """How a consumer shows who it is to an API."""

    NONE = "none"
    JWT = "jwt"
    """ZGW: client id and secret sign a JWT (HS256)."""
    TOKEN = "token"  # noqa: S105
    """`Authorization: Token …`."""
    PASSWORD = "password"  # noqa: S105
    """User name and password, as databases have it."""
    OIDC = "oidc"
    """OpenID Connect client id and secret."""
    MTLS = "mtls"
    """A certificate of the landscape's own CA at both ends."""


@dataclass(frozen=True, slots=True)
class Api:
    """Something that a component offers to others: an HTTP API, a database, a realm."""

    name: str
    process: str
    port: str
    path: str = ""
    auth: Auth = Auth.NONE
    api_type: str = ""
    """The zgw-consumers type: zrc, ztc, drc, brc, ac, nrc, orc."""
    title: str = ""
    asks: str = ""
    """Collection below `path` that `ggi verify` asks for; a caller may hear that it has no rights yet."""


@dataclass(frozen=True, slots=True)
class Use:
    """This component calls another one's API. `processes` are the pods that call; empty: all configured ones.

    A use that is `optional` disappears when the other component is switched off; otherwise that is an error.
    `parameters` go to the provider unchanged (extensions of a database, redirect paths of an OIDC client).
    """

    component: str
    apis: tuple[str, ...]
    processes: tuple[str, ...] = ()
    optional: bool = False
    starts_after: bool = False
    """The other one must be ready before this one starts. May not be circular."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    forwards: bool = False
    """It only passes on what others ask, with what they show: no credential is made for it."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a consumer shows to a provider: a client id (user name) and a secret that both ends derive."""

    client_id: str
    secret: SecretRef


@dataclass(frozen=True, slots=True)
class Relation:
    """`consumer` uses `apis` of `provider`.

    `credential` is what the consumer uses now; `accepted` is what the provider takes, the current one first (more than
    one during a rotation). `host` and `port` are the address that everybody uses: the public name of a component that
    has one, else its Service; `container_port` is the pods'.
    """

    consumer: str
    consumer_title: str
    processes: tuple[str, ...]
    provider: str
    provider_title: str
    process: str
    apis: tuple[Api, ...]
    auth: Auth
    host: str
    port: int
    container_port: int
    credential: Credential | None
    accepted: tuple[Credential, ...]
    parameters: Mapping[str, Any]
    starts_after: bool
    public: bool = False
    """`host` is the provider's public name."""

    @property
    def id(self) -> str:
        """`consumer->provider`, with the process when a provider has several."""
        return f"{self.consumer}->{self.provider}/{self.process}"

    def url(self, api: str = "", scheme: str = "") -> str:
        """The address of one API (or of the provider), the same for everybody inside and outside (decision 021).

        Only what offers plain HTTP, on a port of that name, has an address without TLS.
        """
        scheme = scheme or ("http" if self.apis[0].port == "http" and self.port != 443 else "https")
        default = {"http": 80, "https": 443}[scheme]
        port = "" if self.port == default else f":{self.port}"
        path = next((a.path for a in self.apis if a.name == api), "") if api else ""
        return f"{scheme}://{self.host}{port}{path}"


def client_id(consumer: str, counter: int) -> str:
    """The client id of a consumer; the counter is in it, so that old and new work side by side in a rotation."""
    return f"{consumer}-r{counter}"
