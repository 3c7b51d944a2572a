"""What a stack is: an owned thing with a state, credentials and an approver. Its name is read here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ggi.errors import InputError, Problem
from ggi.inventory.types import ENVIRONMENTS
from ggi.messages import t

PROD = "prod"
"""The environment of what has no OTAP: clusters, networks and Microsoft 365 tenants are what people work with."""


class StackKind(StrEnum):
    """What a stack holds."""

    LANDSCAPE = "landscape"
    """One environment of a gemeente or samenwerkingsverband, on Kubernetes."""
    CLUSTER = "cluster"
    """What all landscapes of a cluster share."""
    NETWORK = "network"
    """Govroam servers and access points."""
    M365 = "m365"
    """A Microsoft 365 tenant."""

    @property
    def on_kubernetes(self) -> bool:
        """Whether Pulumi changes it, which keeps a state and a history of its own."""
        return self in (StackKind.LANDSCAPE, StackKind.CLUSTER)


_PREFIXES = {StackKind.CLUSTER: "cluster-", StackKind.NETWORK: "net-", StackKind.M365: "m365-"}


def kind_of(text: str) -> StackKind:
    """The kind of stack that a person means by `text`, from how it begins: `net-rijnstad` is a network."""
    word = text.strip().lower()
    return next((kind for kind, prefix in _PREFIXES.items() if word.startswith(prefix)), StackKind.LANDSCAPE)


def owner_in(text: str) -> str:
    """`text` without the prefix that tells the kind: `net-rijnstad` gives `rijnstad`, and so does `rijnstad`."""
    word = text.strip().lower()
    return word.removeprefix(_PREFIXES.get(kind_of(word), ""))


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack: `str(Stack(StackKind.LANDSCAPE, "gm9901", "prod"))` is `gm9901-prod`.

    `owner` is the id of a tenant, or the name of a cluster, network or Microsoft 365 tenant.
    """

    kind: StackKind
    owner: str
    environment: str = PROD

    def __str__(self) -> str:
        if self.kind is StackKind.LANDSCAPE:
            return f"{self.owner}-{self.environment}"
        return f"{_PREFIXES[self.kind]}{self.owner}"

    @classmethod
    def parse(cls, name: str) -> Stack:
        """The stack with exactly this name. Raises InputError; `Inventory.find` takes what people write."""
        kind = kind_of(name)
        if kind is not StackKind.LANDSCAPE:
            return cls(kind, owner_in(name))
        owner, _, environment = name.rpartition("-")
        if not owner or environment not in ENVIRONMENTS:
            raise InputError(
                Problem(t("{stack} is not the name of a stack", stack=name), t("A stack is named gm0000-prod."))
            )
        return cls(kind, owner, environment)
