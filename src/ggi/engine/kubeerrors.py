"""What an API server may answer instead of an object, as exceptions that carry its status and reason."""

from __future__ import annotations

import json
from typing import Any

from ggi.errors import Problem, WorkError
from ggi.messages import t


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
