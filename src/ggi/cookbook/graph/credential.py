"""Signing in: a token for an application, or for an administrator. azure-identity does the work, on first use."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ggi.errors import InputError, Origin, Problem, WorkError
from ggi.inventory.m365 import M365File
from ggi.messages import t

SCOPE = "https://graph.microsoft.com/.default"
EARLY = 300.0
"""Seconds before its end in which a token is replaced."""


@dataclass(frozen=True)
class Token:
    """A bearer token; `expires` in seconds since 1970. Never printed."""

    value: str
    expires: float

    def __repr__(self) -> str:
        return f"Token(expires={self.expires})"

    @property
    def stale(self) -> bool:
        """Whether it ends soon."""
        return self.expires - time.time() < EARLY


class TokenSource(Protocol):
    """Where tokens come from. `delegated`: in the name of an administrator who signed in."""

    delegated: bool

    async def token(self) -> Token:
        """A new token. Raises GgiError."""


class AzureCredential:
    """A credential of azure-identity."""

    def __init__(self, inner: Any, *, delegated: bool) -> None:
        self._inner = inner
        self.delegated = delegated

    async def token(self) -> Token:
        """A token, in a thread since azure-identity waits."""
        import asyncio

        from azure.core.exceptions import ClientAuthenticationError

        try:
            got = await asyncio.to_thread(self._inner.get_token, SCOPE)
        except (ClientAuthenticationError, OSError) as error:
            # OSError: the file of a federated token is not there.
            first = str(error).splitlines()[0]
            raise WorkError(
                Problem(
                    t("Entra ID did not sign us in: {why}", why=first),
                    t("Check certificate and client id, and that an administrator gave consent."),
                )
            ) from None
        return Token(got.token, float(got.expires_on))


def application(file: M365File) -> AzureCredential:
    """The application's own credential: workload identity federation, else a certificate. Raises InputError."""
    if not file.directory or not file.client:
        raise InputError(
            Problem(t("it is not said how to sign in"), t("Write `directory` and `client` in the tenant's file."))
        )
    if os.environ.get("AZURE_FEDERATED_TOKEN_FILE"):
        from azure.identity import WorkloadIdentityCredential

        found: Any = WorkloadIdentityCredential(tenant_id=file.directory, client_id=file.client)
        return AzureCredential(found, delegated=False)
    certificate = os.environ.get("AZURE_CLIENT_CERTIFICATE_PATH")
    if not certificate:
        raise InputError(
            Problem(
                t("there is no credential"),
                t("Set AZURE_CLIENT_CERTIFICATE_PATH, or AZURE_FEDERATED_TOKEN_FILE in CI. Secrets are not used."),
            )
        )
    from azure.identity import CertificateCredential

    password = os.environ.get("AZURE_CLIENT_CERTIFICATE_PASSWORD")
    try:
        made = CertificateCredential(file.directory, file.client, certificate, password=password)
    except (OSError, ValueError) as error:
        fix = t("It must be PEM or PKCS 12, with an RSA key; AZURE_CLIENT_CERTIFICATE_PASSWORD opens it.")
        message = t("this certificate can't be used: {why}", why=error)
        raise InputError(Problem(message, fix, Origin(certificate, 0))) from None
    return AzureCredential(made, delegated=False)


def administrator(file: M365File, tell: Callable[[str], None]) -> AzureCredential:
    """An administrator who signs in by device code; `tell` shows where, and the code.

    The policy of EN-03 must except this application's operators.
    """
    from azure.identity import DeviceCodeCredential

    if not file.directory or not file.client:
        raise InputError(
            Problem(t("it is not said how to sign in"), t("Write `directory` and `client` in the tenant's file."))
        )

    def prompt(address: str, code: str, _: object) -> None:
        tell(t("An administrator signs in at {address} with the code {code}.", address=address, code=code))

    inner = DeviceCodeCredential(file.client, tenant_id=file.directory, prompt_callback=prompt)
    return AzureCredential(inner, delegated=True)
