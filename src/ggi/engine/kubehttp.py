"""The connection to a Kubernetes API server: logging in as a kubeconfig says, requests with retries, errors."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ggi.errors import InputError, Problem, WorkError
from ggi.messages import t

if TYPE_CHECKING:
    import httpx2


class ApiError(WorkError):
    """The API server refused or failed. `status` is the HTTP status (0: no answer).

    `reason` is Kubernetes' word for it (`Forbidden`), `message` the server's text, `details` its structured form,
    in which `causes` name the fields.
    """

    def __init__(
        self, status: int, reason: str, message: str, *, fix: str = "", details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(Problem(message, fix))
        self.status = status
        self.reason = reason
        self.message = message
        self.details = details or {}


class NotFoundError(ApiError):
    """404: no such object."""


class UnknownKindError(ApiError):
    """The server does not have this kind at all: its CRD is missing, or the version is another."""


class ConflictError(ApiError):
    """409: another manager owns a field, the object changed meanwhile, or a precondition failed."""


class AlreadyExistsError(ConflictError):
    """409: the name is taken."""


class ForbiddenError(ApiError):
    """403: not allowed by RBAC, quota or admission."""


class UnauthorizedError(ApiError):
    """401: the server does not know who asks."""


class InvalidError(ApiError):
    """400 or 422: the object is not what the kind's schema or an admission rule asks for."""


class BusyError(ApiError):
    """429: busy, or a disruption budget forbids it now."""


class ServerError(ApiError):
    """5xx: the server or a webhook failed."""


class UnreachableError(ApiError):
    """No answer. `sent` tells whether the request may have reached the server, so that a write may have happened."""

    def __init__(self, server: str, cause: str, *, sent: bool) -> None:
        super().__init__(
            0,
            "Unreachable",
            t("the API server {server} does not answer: {cause}", server=server, cause=cause),
            fix=t("Check the network, the VPN and the server's state; for the sandbox run `./ggi sandbox start`."),
        )
        self.server = server
        self.sent = sent


_BY_STATUS: dict[int, type[ApiError]] = {
    400: InvalidError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    422: InvalidError,
    429: BusyError,
}


def error_from_answer(method: str, path: str, status: int, text: str) -> ApiError:
    """The exception for an answer with `status` >= 400; `text` is its body, usually a Kubernetes Status object."""
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    reason = str(body.get("reason") or "")
    message = str(body.get("message") or "") or f"{method} {path}: HTTP {status} {text[:200].strip()}".rstrip()
    kind = AlreadyExistsError if reason == "AlreadyExists" else _BY_STATUS.get(status)
    if kind is None:
        kind = ServerError if status >= 500 else ApiError
    details = body.get("details")
    return kind(status, reason or kind.__name__, message, details=details if isinstance(details, dict) else None)


DEFAULT_TIMEOUT = 30.0
"""Seconds for one request; the API server itself gives up after 60."""

_BUSY = frozenset({429, 502, 503, 504})
_NOT_DONE = frozenset({429})
"""Answers after which a creation certainly did not happen."""


def read_kubeconfig(path: Path | str, context: str | None) -> Any:
    """The kubeconfig file `path`; of a list of files, as KUBECONFIG may hold, the first that has `context`."""
    from lightkube.config.kubeconfig import KubeConfig

    files = path.split(os.pathsep) if isinstance(path, str) else [path]
    found = [KubeConfig.from_file(file) for file in files if file]
    fitting = [config for config in found if (context or config.current_context) in config.contexts]
    return (fitting or found)[0]


def connect(load: Callable[[], Any], name: str, context: str | None, timeout: float) -> tuple[httpx2.Client, str]:
    """A connection for `context` of the kubeconfig that `load` returns, and the name of that context.

    Without `context` the current one counts. `name` is what messages call the kubeconfig. Nothing is sent yet. Raises
    InputError when it can't be used.
    """
    # Imported here: they cost about 0.2 s, and most commands talk to no API server.
    import httpx2
    from lightkube.config.client_adapter import Client, ConnectionParams
    from lightkube.core.exceptions import ConfigError
    from yaml import YAMLError

    unusable = (ConfigError, OSError, ValueError, LookupError, TypeError, AttributeError, AssertionError, YAMLError)
    try:
        config = load().get(context)
        if config.user and config.user.exec and config.user.exec.apiVersion == "client.authentication.k8s.io/v1":
            # lightkube knows the two older names of what is the same exchange.
            config.user.exec.apiVersion = "client.authentication.k8s.io/v1beta1"
        # A proxy of the environment can't reach this machine's own loopback.
        loopback = httpx2.URL(config.cluster.server).host in ("127.0.0.1", "localhost", "::1")
        limits = httpx2.Timeout(timeout, connect=min(timeout, 5.0))
        http = Client(config, ConnectionParams(timeout=limits, trust_env=not loopback))
    except unusable as error:
        # The first line only: those of a YAML error that follow quote the file, and it may hold a token.
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            Problem(
                t("{name}: this kubeconfig can't be used: {why}", name=name, why=why),
                t("Check it with `kubectl --kubeconfig FILE version`."),
            )
        ) from error
    return http, str(config.context_name)


class Connection:
    """One server; used by many threads at once."""

    def __init__(self, http: httpx2.Client, patience: float, on_warning: Callable[[str], None] | None) -> None:
        self.http = http
        self.server = str(http.base_url).rstrip("/")
        self.patience = patience
        self._on_warning = on_warning

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Any:
        """Send one request and return the decoded answer: JSON, else text. Raises ApiError and its kinds.

        A busy server is asked again within `patience`, as it asks for with Retry-After. A read is repeated once when a
        kept connection turns out to be closed; a write is not, because it may have happened. A connection that was not
        made, or whose handshake failed, is tried once more for both.
        """
        import httpx2
        from lightkube.core.exceptions import ConfigError

        content = None if body is None else json.dumps(body).encode()
        headers = {"Accept": accept} if content is None else {"Accept": accept, "Content-Type": content_type}
        give_up = time.monotonic() + self.patience
        again, connect_again = method == "GET", True
        while True:
            try:
                answer = self.http.request(method, path, content=content, params=dict(params or {}), headers=headers)
            except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError) as error:
                if again:
                    again = False
                    continue
                raise UnreachableError(self.server, str(error) or type(error).__name__, sent=True) from error
            except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
                if connect_again and isinstance(error, httpx2.ConnectError):
                    connect_again = False
                    continue
                raise UnreachableError(self.server, str(error) or type(error).__name__, sent=False) from error
            except (ConfigError, OSError) as error:
                # The program that a kubeconfig names for logging in failed or is not there.
                raise UnauthorizedError(
                    401,
                    "Unauthorized",
                    t("logging in to {server} failed: {why}", server=self.server, why=error),
                    fix=t("Log in as this cluster asks for (for example `az login` or `kubelogin`) and try again."),
                ) from error
            except httpx2.HTTPError as error:
                raise UnreachableError(self.server, str(error) or type(error).__name__, sent=True) from error
            if answer.status_code in (_BUSY if method != "POST" else _NOT_DONE):
                wait = _retry_after(answer.headers.get("Retry-After"))
                if time.monotonic() + wait < give_up:
                    time.sleep(wait)
                    continue
            break
        if self._on_warning:
            for warning in answer.headers.get_list("Warning"):
                self._on_warning(_warning_text(warning))
        if answer.status_code >= 400:
            raise error_from_answer(method, path, answer.status_code, answer.text)
        if "json" in answer.headers.get("Content-Type", ""):
            return answer.json()
        return answer.text


def _retry_after(value: str | None) -> float:
    try:
        return min(max(float(value or 1), 0.1), 10.0)
    except ValueError:
        return 1.0


def _warning_text(header: str) -> str:
    """`299 - "text"` (RFC 9111, 5.5) as `text`."""
    _, _, quoted = header.partition('"')
    return quoted.removesuffix('"').replace('\\"', '"') or header
