"""A real nginx with the rendered configuration, in front of a small server that answers as a component would."""

from __future__ import annotations

import http.client
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ggi.catalogue.content import load_catalogue
from tests.example import drawn
from tests.real.programs import free_port, listens, program, running

WRAPPER = """\
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr;
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


@dataclass
class Front:
    """nginx on a port of loopback."""

    port: int

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
        """Status, headers, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read().decode()


@pytest.fixture(scope="module", params=["openzaak", "openformulieren"])
def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    nginx = program("nginx", "nginx-light")
    folder = tmp_path_factory.mktemp("nginx")
    landscape = drawn(load_catalogue(), folder / "inventory")
    component = request.param
    item = next(o for o in landscape.objects if o.name == f"{component}/ConfigMap/nginx-files")
    (text,) = item.body["data"].values()
    files = next(
        v.path for p in landscape.components[component].component.processes if p.name == "nginx" for v in p.volumes
    )
    (folder / "files" / "2026").mkdir(parents=True)
    (folder / "files" / "2026" / "document.txt").write_text("the document")
    with ExitStack() as stack:
        web = ThreadingHTTPServer(("127.0.0.1", 0), Web)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        stack.callback(web.shutdown)
        made = Front(free_port())
        for old, new in (
            ("listen 8080;", f"listen 127.0.0.1:{made.port};"),
            (f"http://{component}-web.gm9998-accp.svc:80;", f"http://127.0.0.1:{web.server_port};"),
            (f"alias {files}/;", f"alias {folder}/files/;"),
        ):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (folder / "default.conf").write_text(text)
        # The folders of the tests are for their owner alone.
        user = "user root;\n" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(user + WRAPPER.format(folder=folder))
        command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        stack.enter_context(
            running(command, {"PATH": os.environ["PATH"]}, folder / "log", lambda: listens(made.port), seconds=300)
        )
        yield made


def test_a_private_file_is_sent_when_the_component_names_it(front: Front) -> None:
    status, _, body = front.get("/download")
    assert (status, body) == (200, "the document")


@pytest.mark.parametrize("path", ["/private-media/2026/document.txt", "/_healthz/livez/"])
def test_private_files_and_health_are_not_for_who_asks_directly(front: Front, path: str) -> None:
    assert front.get(path)[0] == 404


def test_the_component_sees_the_name_that_was_called_and_every_hop(front: Front) -> None:
    _, headers, _ = front.get("/", Host="openzaak.test", X_Forwarded_For="192.0.2.7", X_Forwarded_Proto="https")
    assert headers["Got-Host"] == "openzaak.test"
    # The gateway appended the client; nginx appends the gateway: two hops, as NUM_PROXIES says.
    assert headers["Got-X-Forwarded-For"] == "192.0.2.7, 127.0.0.1"
    assert headers["Got-X-Forwarded-Proto"] == "https"


def test_a_request_that_is_too_large_is_refused_before_it_is_sent(front: Front) -> None:
    assert front.get("/", "POST", Content_Length=str(10**9))[0] == 413


def test_its_own_health_needs_no_component(front: Front) -> None:
    assert front.get("/_health/")[2] == "ok"
