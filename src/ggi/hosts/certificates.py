"""What must hold for a certificate before a server gets it (CERT-1)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal

from ggi.inventory.govroam import chain
from ggi.messages import t

Profile = Literal["eap", "radsec"]

RSA_BITS = 2048
"""Fewest bits of an RSA key that clients and the NCSC still take; 3072 is advised (NCSC, TLS guidelines)."""
_FQDN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_HASHES = ("sha256", "sha384", "sha512")


def anchor(pem: str, authorities: str) -> str | None:
    """SHA-256 of the CA among `authorities` that issued a chain; None when none of them did. Raises ValueError."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.hashes import SHA256

    for last in reversed(chain(pem)):
        for authority in chain(authorities) if authorities else ():
            try:
                last.verify_directly_issued_by(authority)
            except (InvalidSignature, TypeError, ValueError):
                continue
            return authority.fingerprint(SHA256()).hex()
    return None


def problems(
    pem: str, server_name: str, profile: Profile, authorities: str, now: dt.datetime | None = None
) -> list[str]:
    """What is wrong with a server's certificate chain, as sentences; empty when it may be deployed.

    The same certificate works everywhere only when it looks ordinary to every client: one DNS name that is also the
    common name, no wildcard, serverAuth, SHA-256 and a key that is long enough (GÉANT, EAP server certificate
    considerations). RadSec peers are clients too, so those need clientAuth as well (RFC 6614).
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    moment = now or dt.datetime.now(dt.UTC)
    try:
        certificates = chain(pem)
        trusted = chain(authorities)
    except ValueError:
        return [t("the certificate or its CA is not PEM")]
    own = certificates[0]
    found = []
    names = [str(a.value) for a in own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    try:
        sans = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
            x509.DNSName
        )
    except x509.ExtensionNotFound:
        sans = []
    if profile == "eap" and (len(sans) != 1 or names != sans):
        found.append(t("the common name is not the one DNS name: {names} and {sans}", names=names, sans=sans))
    if server_name not in sans:
        found.append(t("the certificate is for {sans}, not for {name}", sans=", ".join(sans) or "-", name=server_name))
    if any("*" in name or not _FQDN.fullmatch(name.lower()) for name in sans):
        found.append(t("a name in the certificate is no full host name"))
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, *([ExtendedKeyUsageOID.CLIENT_AUTH] if profile == "radsec" else [])]
    try:
        present = list(own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        present = []
    found += [t("the certificate is not for {usage}", usage=u._name) for u in usages if u not in present]
    try:
        if own.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            found.append(t("the certificate is one of a CA"))
    except x509.ExtensionNotFound:
        found.append(t("the certificate does not say that it is not one of a CA"))
    key = own.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < RSA_BITS:
            found.append(t("the key has {bits} bits; {least} is the least", bits=key.key_size, least=RSA_BITS))
    elif not isinstance(key, ec.EllipticCurvePublicKey):
        found.append(t("the key is neither RSA nor on an elliptic curve"))
    hashing = own.signature_hash_algorithm
    if hashing is None or hashing.name not in _HASHES:
        found.append(t("the signature uses {name}", name=hashing.name if hashing else "?"))
    if own.not_valid_before_utc > moment:
        found.append(t("the certificate is not valid before {date}", date=own.not_valid_before_utc.date()))
    if any(one.not_valid_after_utc <= moment for one in certificates):
        found.append(
            t("the certificate expired on {date}", date=min(c.not_valid_after_utc for c in certificates).date())
        )
    if not any(last.issuer == ca.subject for ca in trusted for last in certificates):
        found.append(t("the CA that clients trust did not issue this certificate"))
    return found


def crl_problems(pem: str, authorities: str) -> list[str]:
    """What is wrong with a revocation list, as sentences. With a list that ran out, servers refuse everybody."""
    from cryptography import x509

    try:
        found = x509.load_pem_x509_crl(pem.encode())
        trusted = chain(authorities)
    except ValueError:
        return [t("the revocation list or its CA is not PEM")]
    wrong = []
    if not any(found.is_signature_valid(ca.public_key()) for ca in trusted if ca.subject == found.issuer):  # type: ignore[arg-type]
        wrong.append(t("the revocation list is not of the CA whose certificates it is about"))
    if found.next_update_utc is None or found.next_update_utc <= dt.datetime.now(dt.UTC):
        wrong.append(
            t("the revocation list ran out on {date}", date=found.next_update_utc and found.next_update_utc.date())
        )
    return wrong
