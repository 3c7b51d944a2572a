"""An evidence bundle: what an audit read, what it found, and a signature, as one file that nobody can change unseen.

A zip file without compression, times or order of its own, so that two audits of the same inputs give the same bytes.
`SHA256SUMS` lists the hash of every file; `SHA256SUMS.sig` is its Ed25519 signature, made by the key in `signer.pem`.
An auditor without this toolkit checks it with `sha256sum -c SHA256SUMS` and `openssl pkeyutl -verify -rawin`;
`verify` does the same, and tells what was changed. `attestation.dsse.json` says it in the envelope of other tools.
Inputs are the files behind the verdicts, without secrets.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import platform
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ggi.assurance.attestation import envelope, statement
from ggi.assurance.signing import pem, public_key, signed_by
from ggi.audit.audit import Audit
from ggi.audit.summary import audit_data
from ggi.inventory.load import Environment
from ggi.messages import language, t
from ggi.paths import ROOT

PACKAGES = ("cel-expr-python", "cryptography", "ggi", "pydantic", "pyyaml")
"""Packages whose version can change a verdict."""
REDACTED = "<redacted>"
_SECRET = re.compile(
    r"(?P<key>[\"']?\b[\w.-]*(?:password|passwd|passphrase|wachtwoord|secret|token|api_?key|private_?key|root_?key)"
    r"[\w.-]*[\"']?\s*:\s*)(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s,{}\[\]#][^,}\n#]*)",
    re.IGNORECASE,
)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)


def without_secrets(text: str) -> str:
    """An inventory file without values that look like secrets; none belongs in one, but somebody may have erred."""
    return _SECRET.sub(lambda found: found["key"] + REDACTED, _PEM.sub(REDACTED, text))


def _below(base: Path, folder: str, pattern: str = "*") -> Iterator[Path]:
    for path in sorted((base / folder).rglob(pattern)):
        hidden = any(part.startswith((".", "__pycache__")) for part in path.relative_to(base).parts)
        if path.is_file() and not path.is_symlink() and not hidden:
            yield path


def _content(root: Path, environments: Sequence[Environment]) -> Iterator[Path]:
    """The files of one content root that decide about these environments."""
    yield from _below(root, "policies/controls")
    yield from _below(root, "policies/frameworks")
    yield from _below(root, "stacks/components", "*.py")
    yield from _below(root, "stacks/services", "*.yaml")
    names = {f"stacks/releases/{e.release}.yaml" for e in environments}
    names |= {f"policies/waivers/{e.tenant.id}.yaml" for e in environments}
    names |= {f"policies/waivers/regions/{e.tenant.file.region}.yaml" for e in environments}
    yield from (root / name for name in sorted(names) if (root / name).is_file())


def input_files(inventory: Path, roots: Sequence[Path], environments: Sequence[Environment]) -> dict[str, bytes]:
    """The files that the verdicts about these environments follow from, by the name that they get in a bundle.

    The configuration of stacks is not among them: it holds encrypted secrets, and no verdict follows from it.
    """
    names = {"national.yaml"}
    names |= {f"regions/{e.tenant.file.region}.yaml" for e in environments}
    names |= {f"tenants/{e.tenant.id}.yaml" for e in environments}
    names |= {str(path.relative_to(inventory)) for path in _below(inventory, "registry")}
    found: dict[str, bytes] = {}
    for name in sorted(names):
        text = (inventory / name).read_bytes().decode("utf-8", errors="replace")
        found[f"inputs/inventory/{name}"] = without_secrets(text).encode()
    for number, root in enumerate(roots):
        for path in _content(root, environments):
            name = f"inputs/content{number}/{path.relative_to(root).as_posix()}"
            raw = path.read_bytes()
            waiver = "/waivers/" in name
            found[name] = without_secrets(raw.decode("utf-8", errors="replace")).encode() if waiver else raw
    return found


def versions() -> dict[str, Any]:
    """What judged: packages, Python, and a hash over the library's own files."""
    library = hashlib.sha256()
    source = ROOT / "src" / "ggi"
    for path in _below(source, ".", "*.py"):
        library.update(path.relative_to(source).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return {
        "packages": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "library_sha256": library.hexdigest(),
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "checkout"


def subjects(audit: Audit) -> list[dict[str, str]]:
    """What was judged: name, kind and hash of each object, the values of Secrets taken out before."""
    return [
        {
            "name": subject.name,
            "kind": subject.kind,
            "sha256": hashlib.sha256(
                json.dumps(subject.body, sort_keys=True, separators=(",", ":"), default=str).encode()
            ).hexdigest(),
        }
        for subject in sorted(audit.subjects, key=lambda s: s.name)
    ]


SUMS, SIGNATURE, SIGNER = "SHA256SUMS", "SHA256SUMS.sig", "signer.pem"
ATTESTATION = "attestation.dsse.json"
"""The same for other tools: an in-toto statement in a DSSE envelope, by the same key."""
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
        "results.json": _json({"format": FORMAT, "language": language(), "audits": audit_data(audits)}),
        "versions.json": _json(versions()),
        "subjects.json": _json({audit.stack: subjects(audit) for audit in audits}),
    }
    files[ATTESTATION] = envelope(statement(files, audits), key)
    return archive(signed(files, key))


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
