"""An evidence bundle: what an audit read, what it found, and a signature, as one file that nobody can change unseen.

A zip file without compression, times or order of its own, so that two audits of the same inputs give the same bytes.
`SHA256SUMS` lists the hash of every file; `SHA256SUMS.sig` is its Ed25519 signature, made by the key in `signer.pem`.
An auditor without this toolkit checks it with `sha256sum -c SHA256SUMS` and `openssl pkeyutl -verify -rawin`.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ggi.assurance.inputs import subjects, versions
from ggi.assurance.signing import pem
from ggi.audit.audit import Audit
from ggi.audit.summary import data
from ggi.messages import language

SUMS, SIGNATURE, SIGNER = "SHA256SUMS", "SHA256SUMS.sig", "signer.pem"
UNSUMMED = (SUMS, SIGNATURE)
FORMAT = "ggi-evidence/1"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest moment that a zip file can say; the bundle's date is that of the audit, in its results."""


def archive(files: Mapping[str, bytes]) -> bytes:
    """The one zip file that holds these files and nothing else: sorted, uncompressed, without times."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as whole:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            whole.writestr(entry, files[name])
    return out.getvalue()


def sums(files: Mapping[str, bytes]) -> bytes:
    """The hashes of files, as `sha256sum` writes them."""
    lines = (f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files) if name not in UNSUMMED)
    return "".join(lines).encode()


def signed(files: Mapping[str, bytes], key: Ed25519PrivateKey) -> dict[str, bytes]:
    """The files with their hashes, the signature of the hashes, and the public key."""
    whole = {**files, SIGNER: pem(key.public_key())}
    listed = sums(whole)
    return {**whole, SUMS: listed, SIGNATURE: key.sign(listed)}


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True, default=str) + "\n").encode()


def bundle(audits: Sequence[Audit], inputs: Mapping[str, bytes], key: Ed25519PrivateKey) -> bytes:
    """The bundle of these audits. The same audits, inputs, versions and key give the same bytes."""
    files = {
        **inputs,
        "results.json": _json({"format": FORMAT, "language": language(), "audits": data(audits)}),
        "versions.json": _json(versions()),
        "subjects.json": _json({audit.stack: subjects(audit) for audit in audits}),
    }
    return archive(signed(files, key))
