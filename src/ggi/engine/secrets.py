"""The one place where a reference to a secret becomes a value.

A derived secret is HKDF-SHA256 (RFC 5869, without salt) of the stack's root key with info `ggi1|stack|path|counter`,
`size` bytes, as base64url without padding. Test vectors are in `tests/unit/test_secrets.py`.
"""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from ggi.catalogue.secrets import SecretRef, SecretText
from ggi.errors import InputError, Problem
from ggi.landscape.objects import Object
from ggi.messages import t

VERSION = "ggi1"
KEY_BYTES = 32
ROOT_KEY_FILE = "GGI_ROOT_KEY_FILE"


def new_root_key() -> str:
    """A fresh root key as text."""
    return encode(os.urandom(KEY_BYTES))


def encode(value: bytes) -> str:
    """base64url without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def parse_root_key(text: str) -> bytes:
    """The root key from its text. Raises InputError, which never shows the text."""
    try:
        key = base64.urlsafe_b64decode(text.strip() + "==")
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise InputError(
            Problem(
                t("the root key is not {size} bytes in base64url", size=KEY_BYTES),
                t("Restore it from where your organisation keeps it; a new key changes every derived secret."),
            )
        )
    return key


def read_root_key(configured: str | None) -> bytes:
    """The root key from the file that GGI_ROOT_KEY_FILE names, else from the stack's configuration."""
    if path := os.environ.get(ROOT_KEY_FILE):
        try:
            return parse_root_key(Path(path).read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                Problem(t("{name} can't be read: {why}", name=ROOT_KEY_FILE, why=type(error).__name__))
            ) from None
    if configured:
        return parse_root_key(configured)
    raise InputError(
        Problem(
            t("this stack has no root key"),
            t("Run `ggi env STACK`, which makes one, or set {name}.", name=ROOT_KEY_FILE),
        )
    )


class SecretResolver:
    """Values of one stack's secrets. `given` returns what was supplied for a path, or None."""

    def __init__(self, root_key: bytes, stack: str, given: Callable[[str], str | None] = lambda _: None) -> None:
        self._key = root_key
        self._stack = stack
        self._given = given

    def __repr__(self) -> str:
        return f"Resolver({self._stack})"

    def _derive(self, info: str, size: int) -> bytes:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(algorithm=SHA256(), length=size, salt=None, info=info.encode()).derive(self._key)

    def value(self, ref: SecretRef) -> str:
        """The value of one reference. Raises InputError when it was not supplied."""
        if ref.kind == "derived":
            return encode(self._derive(f"{VERSION}|{self._stack}|{ref.path}|{ref.counter}", ref.size))
        value = self._given(ref.path)
        if value is None:
            raise InputError(
                Problem(
                    t("the secret {ref} was not supplied", ref=ref),
                    t("Run `pulumi config set --secret ggi:{path} -s {stack}`.", path=ref.path, stack=self._stack),
                )
            )
        return value

    def text(self, text: SecretText) -> str:
        """A text with its secrets filled in."""
        return "".join(self.value(part) if isinstance(part, SecretRef) else part for part in text.parts)

    def data(self, secrets: Mapping[str, SecretText]) -> dict[str, str]:
        """The `data` of a Secret: base64 of each value."""
        return {key: base64.b64encode(self.text(value).encode()).decode() for key, value in secrets.items()}

    def tag(self, item: Object) -> str:
        """Eight characters that change when the values of a Secret change, and tell nothing about them."""
        key = self._derive(f"{VERSION}|{self._stack}|tag|0", KEY_BYTES)
        mac = hmac.new(key, item.name.encode(), sha256)
        for name, value in sorted(self.data(item.secrets).items()):
            mac.update(f"\0{name}\0{value}".encode())
        return mac.hexdigest()[:8]
