"""A real nginx with the rendered configuration and command, in front of a small server that answers as one would."""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ggi.catalogue.content import load_catalogue
from ggi.catalogue.tls import CIPHERS
from tests.example import drawn
from tests.real.authority import Authority
from tests.real.programs import free_port, listens, program, running

WRAPPER = """\
worker_processes 1; pid {folder}/pid; error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  include {folder}/default.conf;
}}
"""


class Web(BaseHTTPRequestHandler):
    """Shows the headers it got; for /download it names a private file instead of sending it, as the components do."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        for name in ("Host", "X-Forwarded-For", "X-Forwarded-Proto"):
            self.send_header(f"Got-{name}", self.headers.get(name, ""))
        if self.path == "/download":
            self.send_header("X-Accel-Redirect", "/private-media/2026/document.txt")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


class ByName(http.client.HTTPSConnection):
    """A connection to a public name, whose address is this machine's: what the cluster's DNS does."""

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)  # type: ignore[attr-defined]


@dataclass
class Front:
    """nginx on a port of loopback, with the certificate of the component's own name."""

    name: str
    port: int
    folder: Path
    authority: Authority
    names: list[str]

    def context(self) -> ssl.SSLContext:
        """What a component trusts: the authority of the namespace."""
        return ssl.create_default_context(cadata=self.authority.pem)

    def renew(self) -> None:
        """What cert-manager and the kubelet do."""
        self.authority.issue(self.names, self.folder)

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
        """Status, headers, body."""
        connection = ByName(self.name, self.port, timeout=10, context=self.context())
        connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read().decode()

    def shake(self, context: ssl.SSLContext, name: str = "") -> tuple[str, str]:
        """Version and suite of a handshake."""
        with (
            socket.create_connection(("127.0.0.1", self.port), 10) as plain,
            context.wrap_socket(plain, server_hostname=name or self.name) as made,
        ):
            return str(made.version()), str((made.cipher() or ("",))[0])


@pytest.fixture(scope="module", params=["openzaak", "openformulieren"])
def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    nginx = program("nginx", "nginx-light")
    folder = tmp_path_factory.mktemp("nginx")
    landscape = drawn(load_catalogue(), folder / "inventory")
    component = request.param
    item = next(o for o in landscape.objects if o.name == f"{component}/ConfigMap/nginx-files")
    (text,) = item.body["data"].values()
    (beside,) = landscape.components[component].component.process("web").beside
    (files,) = [volume.path for volume in beside.volumes]
    certificate = next(o for o in landscape.objects if o.name == f"{component}/Certificate/internal")
    (folder / "files" / "2026").mkdir(parents=True)
    (folder / "files" / "2026" / "document.txt").write_text("the document")
    with ExitStack() as stack:
        web = ThreadingHTTPServer(("127.0.0.1", 0), Web)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        stack.callback(web.shutdown)
        names = certificate.body["spec"]["dnsNames"]
        made = Front(landscape.hosts[component], free_port(), folder, Authority("internal CA"), names)
        made.renew()
        for old, new in (
            ("listen 8443 ssl;", f"listen 127.0.0.1:{made.port} ssl;"),
            ("http://127.0.0.1:8000;", f"http://127.0.0.1:{web.server_port};"),
            (f"alias {files}/;", f"alias {folder}/files/;"),
            ("ssl_certificate /etc/ggi/internal/", f"ssl_certificate {folder}/"),
            ("ssl_certificate_key /etc/ggi/internal/", f"ssl_certificate_key {folder}/"),
        ):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (folder / "default.conf").write_text(text)
        # The folders of the tests are for their owner alone.
        user = "user root;\n" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(user + WRAPPER.format(folder=folder))
        # The container's own command, with the files where they are here, and less patience.
        script = beside.command[-1].replace("/etc/ggi/internal", str(folder)).replace("sleep 30", "sleep 1")
        script = re.sub(r"\bnginx (?=-)", f"{nginx} -p {folder} -c {folder}/nginx.conf ", script)
        log = folder / "log"
        stack.enter_context(
            running(
                [*beside.command[:-1], script],
                {"PATH": os.environ["PATH"]},
                log,
                lambda: listens(made.port),
                seconds=300,
            )
        )
        yield made


def test_it_answers_for_the_public_name_with_a_certificate_for_it(front: Front) -> None:
    assert front.name.endswith(".test")
    assert front.get("/")[0] == 200
    with pytest.raises(ssl.SSLCertVerificationError, match=r"Hostname mismatch|not valid for"):
        front.shake(front.context(), "openklant.rijnstad.test")
    with pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
        front.shake(ssl.create_default_context(), front.name)


def test_it_speaks_tls_1_2_and_1_3_with_good_suites_and_nothing_else(front: Front) -> None:
    for version, wanted in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        context = front.context()
        context.minimum_version = context.maximum_version = version
        spoken, suite = front.shake(context)
        assert spoken == wanted
        assert version is ssl.TLSVersion.TLSv1_3 or suite in CIPHERS
    for old in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = front.context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = old
        with pytest.raises(ssl.SSLError, match=r"version|alert|protocol"):
            front.shake(context)
    weak = front.context()
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("ECDHE-ECDSA-AES256-SHA:AES128-SHA:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match=r"handshake failure|no shared|alert"):
        front.shake(weak)


def test_without_tls_nobody_is_answered(front: Front) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().status == 400


def test_a_renewed_certificate_is_shown_without_a_restart_and_without_a_lost_request(front: Front) -> None:
    def served() -> str:
        return ssl.get_server_certificate(("127.0.0.1", front.port))

    before, answers, new = served(), [], 0
    front.renew()
    end = time.monotonic() + 60
    # The workers of before take connections until those of after have begun.
    while new < 20 and time.monotonic() < end:
        answers.append(front.get("/")[0])
        new = new + 1 if served() != before else 0
    assert new == 20
    assert set(answers) == {200}


def test_a_private_file_is_sent_when_the_component_names_it(front: Front) -> None:
    status, _, body = front.get("/download")
    assert (status, body) == (200, "the document")


@pytest.mark.parametrize("path", ["/private-media/2026/document.txt", "/_healthz/livez/"])
def test_private_files_and_health_are_not_for_who_asks_directly(front: Front, path: str) -> None:
    assert front.get(path)[0] == 404


def test_the_component_sees_the_name_that_was_called_and_every_hop(front: Front) -> None:
    _, headers, _ = front.get("/", X_Forwarded_For="192.0.2.7", X_Forwarded_Proto="http")
    assert headers["Got-Host"].partition(":")[0] == front.name
    # The gateway appended the client; nginx appends the gateway: two hops, as NUM_PROXIES says.
    assert headers["Got-X-Forwarded-For"] == "192.0.2.7, 127.0.0.1"
    # Whatever a caller says: TLS is what came in.
    assert headers["Got-X-Forwarded-Proto"] == "https"


def test_a_request_that_is_too_large_is_refused_before_it_is_sent(front: Front) -> None:
    assert front.get("/", "POST", Content_Length=str(10**9))[0] == 413


def test_its_own_health_needs_no_component(front: Front) -> None:
    assert front.get("/_health/")[2] == "ok"
