"""The stand-in on loopback: Graph, a token endpoint, and the cmdlets for the stand-in of pwsh. For many tenants."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, Self
from urllib.parse import parse_qs

import jwt

from ggi.cookbook.content import Cookbook
from sandbox.graph import STAND_IN
from sandbox.graph.cmdlets import CmdletError, Cmdlets
from sandbox.graph.service import Caller, Reply, error, handle
from sandbox.graph.state import StandInTenant

HOUR = 3600


class Headers(Protocol):
    """Header fields, whatever the case of their names."""

    def get(self, name: str, /) -> str | None:
        """The value of a field."""


def make_token(tenant: str, *, delegated: bool) -> tuple[str, float]:
    """A token of the stand-in, and when it ends. It opens nothing but the stand-in.

    It looks like one of Entra ID (header, claims, signature), and says of who asks what such a one says.
    """
    expires = time.time() + HOUR
    who = {"scp": "ReadWrite.All", "upn": f"administrator@{tenant}.test"} if delegated else {}
    claims = {"tenant": tenant, "delegated": delegated, "expires": expires, "appid": f"stand-in-{tenant}", **who}
    return jwt.encode(claims, "", algorithm="none"), expires


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "ggi-stand-in"
    disable_nagle_algorithm = True
    stand_in: StandIn

    def _answer(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = self.stand_in.answer(self.command, self.path, self.headers, raw)
        content = reply.content
        if self.stand_in.latency:
            time.sleep(self.stand_in.latency)
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


class StandIn:
    """The server; use as a context manager. `make` gives the state of a tenant that is asked for first."""

    about = STAND_IN

    def __init__(
        self,
        book: Cookbook,
        make: Callable[[str], StandInTenant] = StandInTenant.fresh,
        latency: float = 0.0,
        port: int = 0,
    ) -> None:
        self.cmdlets = Cmdlets(book)
        self.latency = latency
        self._make = make
        self._tenants: dict[str, StandInTenant] = {}
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"stand_in": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def tenant(self, name: str) -> StandInTenant:
        """The state of a tenant."""
        with self._lock:
            if name not in self._tenants:
                self._tenants[name] = self._make(name)
            return self._tenants[name]

    def answer(self, method: str, path: str, headers: Headers, raw: bytes) -> Reply:
        """The answer to one request, as it came over the wire; tests ask here without a socket."""
        try:
            return self._route(method, path, headers, raw)
        except (ValueError, KeyError, TypeError) as problem:
            return error(400, "BadRequest", f"The request can't be read: {problem}")

    def _route(self, method: str, path: str, headers: Headers, raw: bytes) -> Reply:
        steps = path.strip("/").split("/")
        if steps[1:] == ["oauth2", "v2.0", "token"]:
            asked = parse_qs(raw.decode())
            delegated = asked.get("grant_type") == ["device_code"]
            value, _ = make_token(steps[0], delegated=delegated)
            return Reply(200, {"access_token": value, "expires_in": HOUR, "token_type": "Bearer"})
        try:
            token = (headers.get("Authorization") or "").split(" ")[1]
            claims = jwt.decode(token, options={"verify_signature": False})
        except (IndexError, jwt.PyJWTError):
            return error(401, "InvalidAuthenticationToken", "Access token is empty or can't be read.")
        tenant = self.tenant(claims["tenant"])
        body: Any = json.loads(raw) if raw else None
        if steps[0] == "cmdlet":
            try:
                objects = self.cmdlets.call(tenant, body["cmdlet"], body["parameters"], delegated=claims["delegated"])
            except CmdletError as problem:
                return Reply(422, {"kind": problem.kind, "message": str(problem)})
            return Reply(200, {"objects": objects})
        caller = Caller(claims["delegated"], claims["expires"])
        return handle(tenant, caller, method, path, body, headers.get("If-Match") or "", self.url)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
