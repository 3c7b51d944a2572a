"""Snapshots: what was read of a tenant, kept and signed, so that audit and drift work on it without the tenant.

A snapshot holds the properties that recipes name and nothing else: no raw objects, no people, no tokens. It is signed
with the key that signs evidence; one that was changed afterwards is refused. The signature file also holds the public
key, so that another machine can tell who signed; whether to trust that key is for people, by its fingerprint.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ggi.assurance.signing import fingerprint, pem, public_key, signed_by
from ggi.cookbook.journal import now
from ggi.cookbook.reading import Reading, ReadResult, Reason, Ref, Unreadable
from ggi.errors import InputError, Origin, Problem
from ggi.files import write_atomically
from ggi.messages import t

FORMAT = 1


@dataclass(frozen=True)
class Snapshot:
    """What was read of `stack` at `taken` (ISO 8601), judged by no recipe yet."""

    stack: str
    taken: str
    stand_in: bool
    seen: Mapping[Ref, ReadResult]

    @property
    def known(self) -> dict[str, Mapping[str, Any]]:
        """By object the values that were read, as the journal keeps them."""
        return {str(ref): found.values or {} for ref, found in self.seen.items() if isinstance(found, Reading)}


def _data(found: ReadResult) -> dict[str, Any]:
    if isinstance(found, Unreadable):
        return {"unreadable": found.reason.value, "detail": found.detail}
    return {"values": None if found.values is None else dict(found.values)}


def _seen(ref: Ref, data: Mapping[str, Any]) -> ReadResult:
    if "unreadable" in data:
        return Unreadable(Reason(data["unreadable"]), data["detail"])
    return Reading(ref, data["values"])


def save(snapshot: Snapshot, folder: Path, key: Ed25519PrivateKey) -> Path:
    """Write a snapshot and, beside it, its signature; returns the file."""
    content = {
        "format": FORMAT,
        "stack": snapshot.stack,
        "taken": snapshot.taken,
        "stand_in": snapshot.stand_in,
        "objects": {str(ref): _data(found) for ref, found in sorted(snapshot.seen.items())},
    }
    text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    path = folder / f"{snapshot.taken.replace(':', '').replace('+0000', 'Z')}.json"
    signature = base64.b64encode(key.sign(text.encode())).decode()
    write_atomically(path.with_suffix(".sig"), f"{signature}\n{pem(key.public_key()).decode()}")
    write_atomically(path, text)
    return path


def verify_snapshot(path: Path) -> tuple[Snapshot, Ed25519PublicKey]:
    """A snapshot that is as it was signed, and whose key signed it. Raises InputError."""
    place = Origin(str(path), 0)
    try:
        text = path.read_text(encoding="utf-8")
        first, _, rest = path.with_suffix(".sig").read_text(encoding="utf-8").partition("\n")
        signer = public_key(rest.encode())
        fine = signer is not None and signed_by(signer, base64.b64decode(first), text.encode())
        data = json.loads(text)
        seen = {Ref.parse(name): _seen(Ref.parse(name), found) for name, found in data["objects"].items()}
        found = Snapshot(data["stack"], data["taken"], data["stand_in"], seen)
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = t("this snapshot can't be read: {why}", why=error)
        raise InputError(Problem(message, t("Take a new one with `ggi m365 snapshot`."), place)) from None
    if not fine or signer is None:
        message = t("this snapshot is not as it was signed")
        raise InputError(Problem(message, t("Take a new one with `ggi m365 snapshot`."), place))
    return found, signer


def load(path: Path, key: Ed25519PublicKey, stack: str) -> Snapshot:
    """The snapshot of a tenant from its file. Raises InputError when it is of another, or not signed with this key."""
    found, signer = verify_snapshot(path)
    place = Origin(str(path), 0)
    if found.stack != stack:
        message = t("this snapshot is of {other}, not of {stack}", other=found.stack, stack=stack)
        raise InputError(Problem(message, t("Name a snapshot of this tenant."), place))
    if fingerprint(signer) != fingerprint(key):
        message = t("this snapshot is signed with another key: {fingerprint}", fingerprint=fingerprint(signer))
        raise InputError(Problem(message, t("Name the public key that it must be signed with: --key FILE."), place))
    return found


def newest(folder: Path, key: Ed25519PublicKey, stack: str) -> Snapshot:
    """The newest snapshot of a tenant in a folder. Raises InputError when there is none."""
    found: Sequence[Path] = sorted(folder.glob("*.json"))
    if not found:
        message = t("there is no snapshot of this tenant")
        raise InputError(Problem(message, t("Take one with `ggi m365 snapshot`."), Origin(str(folder), 0)))
    return load(found[-1], key, stack)


def take(stack: str, seen: Mapping[Ref, ReadResult], *, stand_in: bool) -> Snapshot:
    """A snapshot of what was read just now."""
    return Snapshot(stack, now(), stand_in, dict(seen))
