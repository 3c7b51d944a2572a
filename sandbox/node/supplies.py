"""What other parties would bring to a cluster: certificates of an FSC group, by an authority of the sandbox's own.

A component that waits for one names a Secret `<component>-group` in its volumes; PKIoverheid would issue it for the
organisation's OIN, the sandbox issues it for a number of the tests' range.
"""

from __future__ import annotations

import base64
import datetime as dt
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ggi.engine.kubeapi import KubeApi
from ggi.files import write_atomically
from sandbox.certificates import builder, usage

MANAGER = "ggi-sandbox-supplies"
SUFFIX = "-group"
OIN = "00000099000000000001"
"""Prefix 00000099: anyone may use it for tests (OIN-Stelsel, ch06)."""
ROUTES = (("gateway.networking.k8s.io/v1", "TLSRoute"), ("gateway.networking.k8s.io/v1", "HTTPRoute"))
LIFE = dt.timedelta(days=365)


def supply(api: KubeApi, folder: Path) -> None:
    """Make the Secrets that pods wait for and somebody else would supply. Raises ApiError."""
    for pod in api.list("v1", "Pod", fields="status.phase=Pending"):
        namespace = pod["metadata"]["namespace"]
        for volume in pod["spec"].get("volumes") or ():
            name = (volume.get("secret") or {}).get("secretName", "")
            if name.endswith(SUFFIX) and not api.find("v1", "Secret", name, namespace):
                component = name.removesuffix(SUFFIX)
                hosts = [*_hosts(api, component, namespace), f"{component}-server.{namespace}.svc"]
                api.apply(_secret(name, namespace, hosts, folder), field_manager=MANAGER, force=True)


def _hosts(api: KubeApi, component: str, namespace: str) -> list[str]:
    found = [api.find(version, kind, component, namespace) for version, kind in ROUTES]
    return [host for route in found if route for host in route["spec"].get("hostnames") or ()]


def _secret(name: str, namespace: str, hosts: list[str], folder: Path) -> dict[str, Any]:
    certificate, key, authority = _issue(hosts, folder)
    data = {"tls.crt": certificate, "tls.key": key, "ca.crt": authority}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {"sandbox.ggi/supplied": "by the sandbox, in place of the FSC group's authority"},
        },
        "type": "kubernetes.io/tls",
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


def _issue(hosts: list[str], folder: Path) -> tuple[bytes, bytes, bytes]:
    """A certificate for `hosts`, its key, and the authority, which is made when there is none; all in PEM."""
    authority, authority_key = _authority(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Sandbox"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, OIN),
            x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64]),
        ]
    )
    now = dt.datetime.now(dt.UTC)
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    made = (
        builder(name, authority.subject, key.public_key(), now - dt.timedelta(hours=1), now + LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return made.public_bytes(pem), _private(key), authority.public_bytes(pem)


def _authority(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    file = folder / "group-authority.pem"
    if file.is_file():
        text = file.read_bytes()
        found = serialization.load_pem_private_key(text, None)
        assert isinstance(found, ec.EllipticCurvePrivateKey)  # noqa: S101 - we wrote it
        return x509.load_pem_x509_certificate(text), found
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sandbox FSC group")])
    now = dt.datetime.now(dt.UTC)
    made = (
        builder(name, name, key.public_key(), now - dt.timedelta(hours=1), now + 10 * LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_atomically(file, (_private(key) + made.public_bytes(serialization.Encoding.PEM)).decode())
    return made, key


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
