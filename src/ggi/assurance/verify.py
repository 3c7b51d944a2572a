"""Checking an evidence bundle: is every byte as it was signed, what was changed if not, and whose key signed it."""

from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ggi.assurance.bundle import SIGNATURE, SIGNER, SUMS, archive, sums
from ggi.assurance.signing import public_key, signed_by
from ggi.messages import t


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was signed: in which file of the bundle ("" for the bundle itself), and what."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}" if self.file else self.what


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found. Without faults every byte is as the holder of `signer` signed it."""

    files: int
    faults: tuple[Fault, ...]
    signer: Ed25519PublicKey | None


def verify(content: bytes) -> Verified:
    """Check a bundle. Raises nothing: whatever is wrong is a fault."""
    faults: list[Fault] = []
    names, files = _unpacked(content, faults)
    signer = public_key(files.get(SIGNER, b""))
    if signer is None:
        faults.append(Fault(SIGNER, t("there is no public key")))
    elif SUMS not in files or SIGNATURE not in files:
        faults.append(Fault(SUMS if SUMS not in files else SIGNATURE, t("it was removed")))
    elif not signed_by(signer, files[SIGNATURE], files[SUMS]):
        faults.append(Fault(SUMS, t("the signature is not that of this key over these hashes")))
    faults += _differing(files)
    if names != sorted(names) and not faults:
        faults.append(Fault("", t("the files are in another order")))
    if not faults and archive(files) != content:
        faults.append(Fault(*_place(content, archive(files))))
    return Verified(len(files), tuple(dict.fromkeys(faults)), signer)


def _unpacked(content: bytes, faults: list[Fault]) -> tuple[list[str], dict[str, bytes]]:
    """The names in the order in which they stand, and what can be read."""
    names: list[str] = []
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as whole:
            entries = sorted(whole.infolist(), key=lambda entry: entry.header_offset)
            for entry in entries:
                if entry.filename in files:
                    faults.append(Fault(entry.filename, t("it is there twice")))
                names.append(entry.filename)
                if entry.compress_type != zipfile.ZIP_STORED:
                    # We write none, and a few bytes could unpack to more than fits in memory.
                    files[entry.filename] = b""
                    faults.append(Fault(entry.filename, t("it was compressed")))
                    continue
                try:
                    files[entry.filename] = whole.read(entry)
                except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
                    files[entry.filename] = b""
                    faults.append(Fault(entry.filename, t("it was changed: {why}", why=error)))
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, struct.error) as error:
        faults.append(Fault("", t("this is no whole bundle: {why}", why=error)))
    return names, files


def _differing(files: dict[str, bytes]) -> list[Fault]:
    """Files that are not those that were listed."""
    listed: dict[str, str] = {}
    for line in files.get(SUMS, b"").decode("utf-8", errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest
    now: dict[str, str] = {}
    for line in sums(files).decode("utf-8", errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        now[name] = digest
    faults = [Fault(name, t("it was removed")) for name in listed if name not in now]
    faults += [Fault(name, t("it was added")) for name in now if name not in listed]
    faults += [Fault(name, t("it was changed")) for name in now if name in listed and listed[name] != now[name]]
    return faults


def _place(content: bytes, right: bytes) -> tuple[str, str]:
    """Where the container itself differs from what its files make: the file whose header it is, and the byte."""
    size = min(len(content), len(right))
    at = next((number for number in range(size) if content[number] != right[number]), size)
    what = t("the container was changed at byte {number}", number=at)
    with zipfile.ZipFile(io.BytesIO(right)) as whole:
        before = [e.filename for e in whole.infolist() if e.header_offset <= at]
    return (before[-1] if before and at < len(right) else "", what)
