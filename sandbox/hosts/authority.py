"""Certificate authorities for tests: of the federation, of each organisation's servers and people. Keys are P-256."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ggi.files import write_atomically
from sandbox.certificates import builder, usage

LIFE = dt.timedelta(days=365)
BACKDATE = dt.timedelta(days=1)
"""A host whose clock is a little behind still takes a certificate that was just made."""
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, in PEM."""

    certificate: str
    key: str


@dataclass(frozen=True)
class Authority:
    """A CA that signs what a test asks for, wrong things included."""

    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def new(cls, name: str) -> Authority:
        """A CA of this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = dt.datetime.now(dt.UTC)
        made = builder(subject, subject, key.public_key(), now - BACKDATE, now + 2 * LIFE)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        made = made.add_extension(usage(signs=True), critical=True)
        public = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        return cls(name, key, made.add_extension(public, critical=False).sign(key, hashes.SHA256()))

    @classmethod
    def load(cls, certificate: str, key: str) -> Authority:
        """A CA that was written down."""
        found = x509.load_pem_x509_certificate(certificate.encode())
        loaded = serialization.load_pem_private_key(key.encode(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)  # noqa: S101  (written by `new`)
        return cls(str(found.subject.rfc4514_string()), loaded, found)

    @classmethod
    def kept(cls, folder: Path, file: str, name: str) -> Authority:
        """The CA of two files in `folder`, made with this name when they are not there."""
        certificate, key = folder / f"{file}.pem", folder / f"{file}.key"
        if not key.exists():
            made = cls.new(name)
            write_atomically(certificate, made.pem, 0o644)
            write_atomically(key, made.key_pem)
        return cls.load(certificate.read_text(encoding="ascii"), key.read_text(encoding="ascii"))

    @property
    def pem(self) -> str:
        """Its certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        """Its key."""
        return _key_pem(self.key)

    def issue(
        self,
        common_name: str,
        names: Sequence[str] = (),
        usages: Sequence[x509.ObjectIdentifier] = (SERVER, CLIENT),
        *,
        days: int = LIFE.days,
        from_days_ago: int = BACKDATE.days,
        subject: Sequence[tuple[x509.ObjectIdentifier, str]] = (),
    ) -> Issued:
        """A certificate for `common_name` with DNS `names`, valid for `days` from now (negative: expired).

        `subject` is what stands before the common name.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        parts = (*subject, (NameOID.COMMON_NAME, common_name))
        first, last = now - dt.timedelta(days=from_days_ago), now + dt.timedelta(days=days)
        whose = x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])
        made = builder(whose, self.certificate.subject, key.public_key(), first, last)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        made = made.add_extension(usage(signs=False), critical=True)
        made = made.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        made = made.add_extension(issuer, critical=False)
        if names:
            sans = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            made = made.add_extension(sans, critical=False)
        signed = made.sign(self.key, hashes.SHA256())
        return Issued(signed.public_bytes(serialization.Encoding.PEM).decode(), _key_pem(key))

    def revocations(self, *issued: Issued, days: int = 30) -> str:
        """A list of what this CA revoked, in PEM, valid for `days` from now (negative: it ran out)."""
        now = dt.datetime.now(dt.UTC)
        made = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        made = made.last_update(now - dt.timedelta(days=60)).next_update(now + dt.timedelta(days=days))
        for one in issued:
            serial = x509.load_pem_x509_certificate(one.certificate.encode()).serial_number
            gone = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - BACKDATE)
            made = made.add_revoked_certificate(gone.build())
        number = made.add_extension(x509.CRLNumber(1), critical=False)
        signed = number.sign(self.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
