"""A relation: one component uses another one's APIs. Declared once; everything at both ends is derived from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ggi.catalogue.component import Api, Auth
from ggi.catalogue.secrets import SecretRef


@dataclass(frozen=True, slots=True)
class Credential:
    """What a consumer shows to a provider: a client id (user name) and a secret that both ends derive."""

    client_id: str
    secret: SecretRef


@dataclass(frozen=True, slots=True)
class Relation:
    """`consumer` uses `apis` of `provider`.

    `credential` is what the consumer uses now; `accepted` is what the provider takes, the current one first (more than
    one during a rotation). `host` and `port` are the provider's Service; `container_port` the pods'.
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
    port_name: str
    credential: Credential | None
    accepted: tuple[Credential, ...]
    parameters: Mapping[str, Any]
    starts_after: bool

    @property
    def id(self) -> str:
        """`consumer->provider`, with the process when a provider has several."""
        return f"{self.consumer}->{self.provider}/{self.process}"

    def url(self, api: str = "", scheme: str = "http") -> str:
        """The address of one API (or of the Service), as the consumer calls it inside the cluster."""
        default = {"http": 80, "https": 443}[scheme]
        port = "" if self.port == default else f":{self.port}"
        path = next((a.path for a in self.apis if a.name == api), "") if api else ""
        return f"{scheme}://{self.host}{port}{path}"


def client_id(consumer: str, counter: int) -> str:
    """The client id of a consumer; the counter is in it, so that old and new work side by side in a rotation."""
    return f"{consumer}-r{counter}"
