"""Secrets of a network, by reference: `derived(path)`, `derived(path#2)` or `given(path)`.

A derived one comes from the root key of the network's stack. A given one is a file: `<folder>/<stack>/<path>`, where
the environment variable GGI_SECRETS_DIR names the folder. A secret store's agent, sops or ansible-vault can put it
there; it is read when a task needs it and is written nowhere else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from ggi.catalogue.secrets import SecretRef
from ggi.engine.secrets import SecretResolver, read_root_key
from ggi.errors import InputError, Problem
from ggi.messages import t

FOLDER = "GGI_SECRETS_DIR"
_REFERENCE = re.compile(r"(derived|given)\(([a-z0-9][a-z0-9._@/-]*)(?:#([1-9][0-9]*))?\)")


def parse(text: str) -> SecretRef:
    """The reference that `text` is. Raises InputError."""
    match = _REFERENCE.fullmatch(text)
    if match is None or ".." in match[2]:
        message = t("{value!r} is not a reference to a secret", value=text[:80])
        raise InputError(Problem(message, t("Write derived(path) or given(path).")))
    counter = int(match[3] or 1)
    return SecretRef("derived", match[2], counter) if match[1] == "derived" else SecretRef("given", match[2], counter)


def from_folder(stack: str) -> Callable[[str], str | None]:
    """What finds given secrets of one stack in the folder that GGI_SECRETS_DIR names."""

    def find(path: str) -> str | None:
        folder = os.environ.get(FOLDER)
        if not folder:
            raise InputError(
                Problem(
                    t("{name} names no folder, and the secret {path} is needed", name=FOLDER, path=path),
                    t("Put it into DIR/{stack}/{path} and set {name}=DIR.", stack=stack, path=path, name=FOLDER),
                )
            )
        try:
            return (Path(folder) / stack / path).read_text(encoding="utf-8").rstrip("\n")
        except FileNotFoundError:
            raise InputError(
                Problem(
                    t("the secret {path} of {stack} was not supplied", path=path, stack=stack),
                    t("Put it into {place}.", place=Path(folder) / stack / path),
                )
            ) from None
        except OSError as error:
            raise InputError(Problem(t("{name} can't be read: {why}", name=path, why=error.strerror))) from None

    return find


def value(text: str, stack: str) -> str:
    """The value of the reference `text` of `stack`. Raises InputError, which never shows a value."""
    ref = parse(text)
    # A given secret needs no root key.
    key = read_root_key(None) if ref.kind == "derived" else b""
    return SecretResolver(key, stack, from_folder(stack)).value(ref)
