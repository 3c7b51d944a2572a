"""Ed25519 keys that sign evidence (RFC 8032): one that the user names, or one that is made once for this user."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ggi.errors import InputError, Origin, Problem
from ggi.files import made_once
from ggi.messages import t
from ggi.paths import state_dir


def own_key_file() -> Path:
    """The file of the user's own key, which may not be there yet."""
    return state_dir() / "keys" / "evidence.pem"


def own_key() -> Ed25519PrivateKey:
    """The user's own key; made on first use, readable by its owner alone."""
    return private_key(made_once(own_key_file(), _new_key))


def _new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = t("this key can't be read: {why}", why=error.strerror or error)
        raise InputError(Problem(message, t("Check the name and the rights."), Origin(str(path), 0))) from None


def private_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a file, as PEM (PKCS 8) or in OpenSSH's form. Raises InputError."""
    content = _read(path)
    for load in (serialization.load_pem_private_key, serialization.load_ssh_private_key):
        try:
            found = load(content, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # TypeError: the key has a passphrase, which there is nobody to ask for.
            continue
        if isinstance(found, Ed25519PrivateKey):
            return found
    fix = t("Make one with `openssl genpkey -algorithm ed25519 -out key.pem`.")
    raise InputError(Problem(t("this is no Ed25519 key without passphrase"), fix, Origin(str(path), 0)))


def public_key(content: bytes) -> Ed25519PublicKey | None:
    """The public key in a text, as PEM or in OpenSSH's form, also of a private key; None when there is none."""
    loaders = (
        serialization.load_pem_public_key,
        serialization.load_ssh_public_key,
        lambda text: serialization.load_pem_private_key(text, None).public_key(),
        lambda text: serialization.load_ssh_private_key(text, None).public_key(),
    )
    for load in loaders:
        try:
            found = load(content)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
        if isinstance(found, Ed25519PublicKey):
            return found
    return None


def public_key_of(path: Path) -> Ed25519PublicKey:
    """The public key in a file. Raises InputError."""
    found = public_key(_read(path))
    if found is None:
        raise InputError(Problem(t("this is no Ed25519 key"), "", Origin(str(path), 0)))
    return found


def pem(key: Ed25519PublicKey) -> bytes:
    """A public key as PEM, which openssl reads."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def ssh_line(key: Ed25519PublicKey) -> str:
    """A public key as one line in OpenSSH's form, without comment: ssh-ed25519 AAAA..."""
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def fingerprint(key: Ed25519PublicKey) -> str:
    """What two people compare, as `ssh-keygen -l` shows it: SHA256:<base64 of the hash of the key in SSH's form>."""
    blob = ssh_line(key).split()[1]
    return "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(blob)).digest()).decode().rstrip("=")


def signed_by(key: Ed25519PublicKey, signature: bytes, content: bytes) -> bool:
    """Whether this key made this signature of this content."""
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def name_signer(signer: Ed25519PublicKey, named: Path | None) -> tuple[str, bool]:
    """Whose key it is, as far as is known here, and whether that is not the one that was named."""
    if named is not None:
        wanted = public_key_of(named)
        if fingerprint(wanted) == fingerprint(signer):
            return t("the key in {file}", file=named), False
        return t("NOT the key in {file}, which is {other}", file=named, other=fingerprint(wanted)), True
    if own_key_file().exists() and fingerprint(public_key_of(own_key_file())) == fingerprint(signer):
        return t("your own key on this machine"), False
    return t("a key that is not known here: compare it with what the signer told you, or name it with --key"), False
