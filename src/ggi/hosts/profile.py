"""What a device must know to log in: one set of facts; `profiles` and `windows` write it in each platform's words."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Literal

from ggi.errors import InputError, Problem
from ggi.inventory.govroam import chain
from ggi.inventory.network import NetworkFile
from ggi.messages import t

_SPACE = uuid.UUID("6f9b7f54-2b35-5d0c-9f0e-1d6f8f7f6a10")
"""Namespace of identifiers in profiles: a profile always has the same ones, so that it replaces its older self."""
EAP = {"tls": 13, "ttls": 21, "peap": 25, "mschapv2": 26}
"""EAP method types (IANA, Extensible Authentication Protocol registry)."""

Method = Literal["tls", "ttls", "peap"]


@dataclass(frozen=True)
class Profile:
    """What a device must know. `authority` is PEM; `organisation` is what people call it."""

    organisation: str
    realm: str
    server_name: str
    authority: str
    method: Method

    @property
    def outer(self) -> str:
        """The name outside the tunnel: it tells the realm and nobody's name (ID-1)."""
        return f"anonymous@{self.realm}"

    @property
    def id(self) -> uuid.UUID:
        """Stable identifier."""
        return uuid.uuid5(_SPACE, f"{self.realm}/{self.method}")

    @property
    def authorities(self) -> list[bytes]:
        """Each CA certificate in DER."""
        from cryptography.hazmat.primitives.serialization import Encoding

        return [one.public_bytes(Encoding.DER) for one in chain(self.authority)]


def profile_of(file: NetworkFile, realm: str, method: Method | None = None) -> Profile:
    """The profile of a realm, by default with the method that its servers offer first. Raises InputError."""
    eap = file.govroam.eap if file.govroam else None
    if file.govroam is None or eap is None or realm not in file.govroam.realms:
        raise InputError(Problem(t("{name} has no realm {realm}", name=file.name, realm=realm)))
    if eap.authority is None:
        fix = t("A profile without a CA would trust any server that asks for a password.")
        raise InputError(Problem(t("{what} is missing; it comes from {who}", what="eap.authority", who="PKI"), fix))
    chosen = method or eap.methods[0]
    if chosen not in eap.methods:
        raise InputError(Problem(t("{name} does not offer {method}", name=file.name, method=chosen)))
    return Profile(file.name, realm, eap.server_name, eap.authority, chosen)
