"""The certificate authority of one sandbox, and what it signs. Keys are P-256 and stay in the sandbox's folder."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ggi.files import write_atomically

SERVICE_RANGE = "10.96.0.0/16"
"""Addresses of Services, as kubeadm chooses them; the first one is the API server's own Service."""

_LIFE = dt.timedelta(days=3650)
_RENEW_BEFORE = dt.timedelta(days=30)
# A machine whose clock was a little ahead when the sandbox was made.
_BACKDATE = dt.timedelta(days=1)

_SERVER_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
_SERVER_ADDRESSES = ("127.0.0.1", "::1", str(ipaddress.ip_network(SERVICE_RANGE)[1]))

# File name -> user and group that RBAC knows (https://kubernetes.io/docs/reference/access-authn-authz/rbac/).
_CLIENTS = {
    "admin": ("sandbox-admin", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
    # It writes the status of any kind, as many operators together would.
    "kwok": ("system:kwok", "system:masters"),
    "etcd-client": ("etcd-client", ""),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, as files in PEM."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Pki:
    """All keys and certificates of a sandbox."""

    folder: Path

    def pair(self, name: str) -> Pair:
        """The files of `name`: `ca`, `server`, or one of the clients."""
        return Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")

    @property
    def authority(self) -> Path:
        """The certificate that everything here is checked against."""
        return self.pair("ca").certificate

    @property
    def service_accounts(self) -> Pair:
        """The key pair that signs service account tokens; the `certificate` file holds the public key."""
        return Pair(self.folder / "service-accounts.pub", self.folder / "service-accounts.key")


@dataclass(frozen=True, slots=True)
class Extra:
    """What is signed besides: for real nodes."""

    addresses: tuple[str, ...] = ()
    """Further addresses of the API server."""
    clients: tuple[tuple[str, str, str], ...] = ()
    """File name, user and group."""
    servers: tuple[tuple[str, str, str], ...] = ()
    """File name, name and address."""


def ensure(folder: Path, now: dt.datetime | None = None, extra: Extra | None = None) -> tuple[Pki, bool]:
    """The keys and certificates in `folder`, made anew when missing, no longer valid or for other names than `extra`.

    And whether they are new.
    """
    pki = Pki(folder)
    moment = now or dt.datetime.now(dt.UTC)
    extra = extra or Extra()
    wanted = json.loads(json.dumps(asdict(extra)))
    if _valid(folder / "made.json", moment, wanted):
        return pki, False
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "made.json").unlink(missing_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("ggi-sandbox-ca")
    first, last = moment - _BACKDATE, moment + _LIFE
    authority = (
        builder(authority_name, authority_name, authority_key.public_key(), first, last)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write(pki.pair("ca"), authority, authority_key)
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())

    def issue(
        name: str, subject: x509.Name, usages: Iterable[x509.ObjectIdentifier], alternatives: Iterable[str] = ()
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        made = (
            builder(subject, authority_name, key.public_key(), first, last)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            # Python 3.13 and later refuse a chain without it.
            .add_extension(issuer_key, critical=False)
        )
        if names := [_alternative(text) for text in alternatives]:
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        _write(pki.pair(name), made.sign(authority_key, hashes.SHA256()), key)

    # etcd uses its serving certificate as a client too (to itself, as a peer).
    both = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
    issue("server", _name("ggi-sandbox"), both, (*_SERVER_NAMES, *_SERVER_ADDRESSES, *extra.addresses))
    for name, user, group in (*((key, *value) for key, value in _CLIENTS.items()), *extra.clients):
        issue(name, _name(user, group), (ExtendedKeyUsageOID.CLIENT_AUTH,))
    for name, host, address in extra.servers:
        issue(name, _name(host), (ExtendedKeyUsageOID.SERVER_AUTH,), (host, address))
    if not pki.service_accounts.key.exists():
        # Kept when the rest is renewed: tokens that were issued stay valid.
        key = ec.generate_private_key(ec.SECP256R1())
        _write_key(pki.service_accounts.key, key)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        write_atomically(pki.service_accounts.certificate, public.decode(), 0o644)
    write_atomically(
        folder / "made.json", json.dumps({"from": first.isoformat(), "until": last.isoformat(), "extra": wanted}) + "\n"
    )
    return pki, True


def kubeconfig(pki: Pki, client: str, server: str, context: str) -> str:
    """A kubeconfig (JSON, which is YAML) that holds its certificates itself, so that the file can be copied."""
    pair = pki.pair(client)
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": context, "cluster": {"server": server, "certificate-authority-data": _base64(pki.authority)}}
        ],
        "users": [
            {
                "name": f"{context}-{client}",
                "user": {
                    "client-certificate-data": _base64(pair.certificate),
                    "client-key-data": _base64(pair.key),
                },
            }
        ],
        "contexts": [{"name": context, "context": {"cluster": context, "user": f"{context}-{client}"}}],
        "current-context": context,
    }
    return json.dumps(config, indent=1) + "\n"


def _valid(made: Path, now: dt.datetime, extra: object) -> bool:
    try:
        period = json.loads(made.read_text())
        if period["extra"] != extra:
            return False
        first, last = (dt.datetime.fromisoformat(period[end]) for end in ("from", "until"))
    except (OSError, ValueError, KeyError):
        return False
    return first <= now <= last - _RENEW_BEFORE


def _alternative(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _name(user: str, group: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, user)])


def builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, first: dt.datetime, last: dt.datetime
) -> x509.CertificateBuilder:
    """A certificate for `key`, of `subject` by `issuer`, from `first` to `last`; still without extensions."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
    )


def usage(*, signs: bool) -> x509.KeyUsage:
    """What a key is for: a CA (`signs`) signs certificates and revocations, the others prove who they are."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _write(pair: Pair, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    write_atomically(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM).decode(), 0o644)
    _write_key(pair.key, key)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    # PKCS#8 would do for all but the service account key, which kube-apiserver reads as either.
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    write_atomically(path, text.decode())


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
