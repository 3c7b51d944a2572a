#!/usr/bin/python3
"""A stand-in for a program of OpenFSC: `NAME serve` and `NAME migrate up --postgres-dsn ADDRESS`.

It listens where the environment says, with the certificates that it says, and answers what it is. Between the programs
and between peers TLS is mutual, as with the real ones (MinBZK/moza-fsc-testnet); pages and health are plain.
"""

import json
import os
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NAME = Path(sys.argv[0]).name
GROUP = {"LISTEN_ADDRESS_EXTERNAL"} | ({"LISTEN_ADDRESS"} if NAME == "inway" else set())
PLAIN = {"MONITORING_ADDRESS", "LISTEN_ADDRESS_UI"} | ({"LISTEN_ADDRESS"} if NAME == "outway" else set())


class Handler(BaseHTTPRequestHandler):
    """Any request gets the same answer."""

    def do_GET(self) -> None:
        """Say what this is."""
        body = json.dumps({"stand-in": NAME}).encode()
        self.send_response(200)
        self.send_header("X-GGI-Stand-In", NAME)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing: probes come every few seconds."""


class Server(ThreadingHTTPServer):
    """TLS is begun per connection, so that a client that says nothing holds up nobody."""

    context: ssl.SSLContext | None = None

    def finish_request(self, request: object, address: object) -> None:
        """Speak TLS first, where this port does."""
        if self.context is not None:
            request = self.context.wrap_socket(request, server_side=True)  # type: ignore[arg-type]
        super().finish_request(request, address)  # type: ignore[arg-type]

    def handle_error(self, request: object, address: object) -> None:
        """A client without a certificate is no error of ours."""


def context(prefix: str) -> ssl.SSLContext:
    """Mutual TLS with the files of `TLS_` or `TLS_GROUP_` variables."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=os.environ[f"{prefix}ROOT_CERT"])
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_cert_chain(os.environ[f"{prefix}CERT"], os.environ[f"{prefix}KEY"])
    return made


def serve() -> None:
    """Listen on every address of the environment."""
    threads = []
    for name, value in os.environ.items():
        if not name.startswith(("LISTEN_ADDRESS", "MONITORING_ADDRESS")):
            continue
        host, _, port = value.rpartition(":")
        server = Server((host, int(port)), Handler)
        if name not in PLAIN:
            server.context = context("TLS_GROUP_" if name in GROUP else "TLS_")
        threads.append(threading.Thread(target=server.serve_forever))
    for thread in threads:
        thread.start()


def migrate(address: str) -> int:
    """Reach the database as the real migrations would, and leave a mark in it."""
    words = ["psql", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", address, "-c"]
    return subprocess.run([*words, "CREATE TABLE IF NOT EXISTS ggi_stand_in (program text)"], check=False).returncode


if __name__ == "__main__":
    if sys.argv[1] == "migrate":
        sys.exit(migrate(sys.argv[sys.argv.index("--postgres-dsn") + 1]))
    serve()
