"""Signing in: which credential is taken, and what a refusal says. Nobody is asked for a token here."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, DeviceCodeCredential, WorkloadIdentityCredential
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from ggi.cookbook.graph.credential import AzureCredential, Token, administrator, application
from ggi.errors import InputError, WorkError
from ggi.inventory.m365 import M365File
from tests.unit.m365.place import rijnstad


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the machine that runs the tests."""
    for name in ("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate with its key, as PEM."""
    return pem(tmp_path / "cookbook.pem", rsa.generate_private_key(65537, 2048))


def pem(path: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> Path:
    """A certificate of this key, with it, in one file."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cookbook")])
    now = dt.datetime.now(tz=dt.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=1))
    form = serialization
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    path.write_bytes(private + made.sign(key, hashes.SHA256()).public_bytes(form.Encoding.PEM))
    return path


def inner(credential: AzureCredential) -> Any:
    """What azure-identity made."""
    return credential._inner


def test_a_certificate_is_taken_where_no_federated_token_is(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", str(certificate))
    found = application(rijnstad().file)
    assert isinstance(inner(found), CertificateCredential) and not found.delegated


def test_a_certificate_that_can_not_be_used_is_an_error_with_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elliptic = pem(tmp_path / "elliptic.pem", ec.generate_private_key(ec.SECP256R1()))
    for path, told in ((elliptic, "RSA"), (tmp_path / "missing.pem", "missing.pem")):
        monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", str(path))
        with pytest.raises(InputError, match=told) as caught:
            application(rijnstad().file)
        assert path.name in str(caught.value)


def test_a_federated_token_wins_so_that_ci_needs_no_key(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", str(certificate))
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(certificate.with_name("token")))
    assert isinstance(inner(application(rijnstad().file)), WorkloadIdentityCredential)


def test_an_administrator_is_told_where_to_sign_in_and_not_on_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told: list[str] = []
    found = administrator(rijnstad().file, told.append)
    assert isinstance(inner(found), DeviceCodeCredential) and found.delegated
    inner(found)._prompt_callback("https://login.test/device", "ABC-123", None)
    assert "https://login.test/device" in told[0] and "ABC-123" in told[0]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("make", [application, lambda file: administrator(file, print)])
def test_a_tenant_that_does_not_say_how_to_sign_in_is_an_error(make: Any) -> None:
    with pytest.raises(InputError, match="how to sign in"):
        make(M365File(name="x", owner="gm9901", serves=["GM9901"]))


def test_a_refusal_tells_the_first_line_and_no_traceback_and_a_token_never_shows_itself() -> None:
    class Refuses:
        def get_token(self, scope: str) -> object:
            raise ClientAuthenticationError("AADSTS700027: wrong certificate\nTrace: 1234")

    missing = WorkloadIdentityCredential(tenant_id="t", client_id="c", token_file_path="/nowhere/token")
    with pytest.raises(WorkError, match="nowhere"):
        asyncio.run(AzureCredential(missing, delegated=False).token())
    with pytest.raises(WorkError, match="AADSTS700027") as caught:
        asyncio.run(AzureCredential(Refuses(), delegated=False).token())
    assert "Trace" not in str(caught.value)
    assert "secret-value" not in repr(Token("secret-value", 0.0))
    assert Token("x", 0.0).stale
