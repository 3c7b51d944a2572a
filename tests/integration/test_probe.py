"""What a probe pod's program says of real servers on loopback: how far each connection came, and why it stopped."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ggi.engine import probe
from ggi.engine.probepods import PROGRAM
from sandbox.hosts.authority import Authority
from sandbox.node.outside import Mail, directory, tls
from tests.loops import serving

HOST = "localhost"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One try each, but where a test says otherwise."""
    monkeypatch.setattr(probe, "TRY_FOR", -1.0)
    monkeypatch.setattr(probe, "PAUSE", 0.05)
    monkeypatch.setattr(probe, "PATIENCE", 2.0)


@pytest.fixture(scope="module")
def ours() -> Authority:
    return Authority.new("of the namespace")


@pytest.fixture
def ca(ours: Authority, tmp_path: Path) -> str:
    file = tmp_path / "ca.crt"
    file.write_text(ours.pem)
    return str(file)


class Api(http.server.BaseHTTPRequestHandler):
    """An API that knows one token."""

    def do_GET(self) -> None:
        known = self.headers.get("Authorization") == "Token right"
        body = b"{}" if known else b'{"code": "authentication_failed"}'
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Strict-Transport-Security", "max-age=31536000")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def https(context: ssl.SSLContext) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def said(**check: Any) -> tuple[str, str]:
    found = probe.attempt({"id": "x", "host": HOST, **check})
    return found["step"], found["seen"]


def test_a_name_that_nobody_knows() -> None:
    assert said(host="nobody.invalid", port=443)[0] == "dns"


def test_a_port_on_which_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    assert said(port=port)[0] == "tcp"


def test_a_certificate_by_another_authority_or_for_another_name(ours: Authority, ca: str) -> None:
    with https(tls(Authority.new("another"), HOST, mutual=False)) as port:
        assert said(port=port, tls={"ca": ca})[0] == "tls"
    with https(tls(ours, "elsewhere.test", mutual=False)) as port:
        step, seen = said(port=port, tls={"ca": ca})
        assert (step, "elsewhere.test" in seen or "ismatch" in seen) == ("tls", True)


def test_a_certificate_that_ends_soon(ours: Authority, ca: str) -> None:
    with https(tls(ours, HOST, mutual=False, days=10)) as port:
        step, seen = said(port=port, tls={"ca": ca, "renewed": True})
        assert said(port=port, tls={"ca": ca})[0] == "done"
    assert (step, seen.startswith("its certificate ends on ")) == ("old", True)


def test_tokens_whole_headers_and_what_is_wrong(ours: Authority, ca: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with https(tls(ours, HOST, mutual=False)) as port:
        for value, step in (("right", "done"), ("Token right", "done"), ("wrong", "auth"), ("", "auth")):
            monkeypatch.setenv("SECRET", value)
            auth = {"kind": "token", "client": "x", "secret": "SECRET"}
            found = said(port=port, tls={"ca": ca}, speak="http", auth=auth)
            assert found[0] == step and "right" not in found[1]


def test_a_header_that_is_missing(ours: Authority, ca: str) -> None:
    with https(tls(ours, HOST, mutual=False)) as port:
        asked = {"port": port, "tls": {"ca": ca}, "speak": "http", "statuses": [401]}
        wanted = {"strict-transport-security": "max-age=31536000"}
        assert said(**asked, expect_headers=wanted)[0] == "done"
        assert said(**asked, expect_headers={"x-frame-options": "DENY"})[0] == "answer"


def test_an_outdated_version_is_refused_by_who_does_not_speak_it(ours: Authority) -> None:
    with https(tls(ours, HOST, mutual=False)) as port:
        assert said(port=port, tls={"unchecked": True, "highest": "TLSv1_1"}, refused="tls")[0] == "tls"


def test_a_mail_server_that_takes_letters_over_tls(ours: Authority, tmp_path: Path) -> None:
    served = Mail(tls(ours, "stand-in", mutual=False), tmp_path)
    with serving(served.serve) as port:
        step, seen = said(port=port, speak="smtp")
    assert (step, "STARTTLS" in seen) == ("done", True)


def test_a_server_that_speaks_no_smtp(ours: Authority) -> None:
    with https(tls(ours, HOST, mutual=False)) as port:
        assert said(port=port, speak="smtp")[0] == "answer"


def test_a_directory_knows_whoever_has_a_certificate_of_the_group(ours: Authority, tmp_path: Path, ca: str) -> None:
    issued = ours.issue("peer", ["peer.test"])
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    certificate.write_text(issued.certificate)
    key.write_text(issued.key)
    with serving(directory, tls(ours, HOST, mutual=True)) as port:
        mine = {"ca": ca, "certificate": str(certificate), "key": str(key)}
        assert said(port=port, tls=mine, speak="http")[0] == "done"
        assert said(port=port, tls={"ca": ca}, speak="http")[0] in ("tls", "answer")


def test_it_is_tried_until_it_is_as_it_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "TRY_FOR", 10.0)
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    timer = threading.Timer(0.4, lambda: opened.append(socket.create_server(("127.0.0.1", port))))
    opened: list[socket.socket] = []
    timer.start()
    late = probe.attempt({"id": "x", "host": HOST, "port": port})
    timer.join()
    for one in opened:
        one.close()
    assert late["step"] == "done" and late["tries"] > 1


def test_what_should_be_refused_and_gets_through_once_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "TRY_FOR", 10.0)
    with socket.create_server(("127.0.0.1", 0)) as found:
        answer = probe.attempt({"id": "x", "host": HOST, "port": found.getsockname()[1], "refused": "tcp"})
    assert (answer["step"], answer["tries"]) == ("done", 1)


def test_what_should_be_refused_must_be_so_several_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "TRY_FOR", 10.0)
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    answer = probe.attempt({"id": "x", "host": HOST, "port": port, "refused": "tcp"})
    assert (answer["step"], answer["tries"]) == ("tcp", probe.REFUSALS)


def test_a_server_that_speaks_an_outdated_version_is_told(ours: Authority) -> None:
    context = tls(ours, HOST, mutual=False)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    with https(context) as port:
        found = said(port=port, tls={"unchecked": True, "highest": "TLSv1_1"}, refused="tls")
    assert (found[0], "TLSv1.1" in found[1]) == ("done", True)


def test_a_missing_file_ends_one_check_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        step, seen = said(port=found.getsockname()[1], tls={"ca": "/nowhere/ca.crt"})
    assert (step, "FileNotFoundError" in seen) == ("answer", True)


def test_the_program_alone_says_one_line_for_each_and_what_should_be_refused_last() -> None:
    with socket.create_server(("127.0.0.1", 0)) as open_one, socket.create_server(("127.0.0.1", 0)) as closed:
        port, gone = open_one.getsockname()[1], closed.getsockname()[1]
        closed.close()
        checks = [
            {"id": "no", "host": HOST, "port": gone, "refused": "tcp"},
            {"id": "yes", "host": HOST, "port": port},
        ]
        done = subprocess.run(
            [sys.executable, "-I", "-c", PROGRAM.read_text()],
            env={"CHECKS": json.dumps(checks)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    assert [(line["id"], line["step"]) for line in map(json.loads, done.stdout.splitlines())] == [
        ("yes", "done"),
        ("no", "tcp"),
    ]
