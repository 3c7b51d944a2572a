"""Secrets are references; their values exist only inside the engine, at the moment of writing a Secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NO_TAG = "xxxxxxxx"
"""Stands in a Secret's name where the engine puts its keyed tag; 8 characters, as the tag."""

Kind = Literal["derived", "given", "vault"]


@dataclass(frozen=True, slots=True, order=True)
class SecretRef:
    """A secret by name. `derived`: both ends are ours, computed from the stack's root key, `path` and `counter`.

    `given`: another party supplies it, kept as secret stack configuration. `vault`: read by External Secrets.
    """

    kind: Kind
    path: str
    counter: int = 1
    size: int = 32
    """Bytes of a derived secret; its text is base64url without padding, so 32 bytes are 43 characters."""

    def __str__(self) -> str:
        rotation = f"#{self.counter}" if self.kind == "derived" else ""
        return f"{self.kind}({self.path}{rotation})"


@dataclass(frozen=True, slots=True)
class SecretText:
    """Text with secrets in it, such as a URL with a password: the parts in order."""

    parts: tuple[str | SecretRef, ...]

    @property
    def refs(self) -> tuple[SecretRef, ...]:
        """The references in it."""
        return tuple(part for part in self.parts if isinstance(part, SecretRef))

    def placeholder(self) -> str:
        """The text with every secret named instead of shown."""
        return "".join(f"<{part}>" if isinstance(part, SecretRef) else part for part in self.parts)


def text(*parts: str | SecretRef | SecretText) -> SecretText:
    """Join literals, references and other texts."""
    flat: list[str | SecretRef] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, SecretText) else (part,))
    return SecretText(tuple(flat))


def secret_name(base: str, counter: int) -> str:
    """Name of a Secret: it changes with the rotation counter and (in the engine) with the values, so that pods roll."""
    return f"{base}-r{counter}-{NO_TAG}"
