"""The way into a component of a cluster that really runs Envoy: a loopback port, a certificate, an answer.

A small server of Python's stands behind the route in the place of the component; Gateway, listener and certificate are
those that the landscape has.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ggi.app.workspace import Workspace
from sandbox.layout import Layout
from sandbox.node.nodes import Nodes
from tests.nodes import RealNodes

STACK, COMPONENT = "gm9901", "openzaak"
MANAGER = "tests"
SERVER = """
import http.server
class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(302)
        self.send_header("Location", "/admin/login/")
        self.end_headers()
http.server.HTTPServer(("", 8080), Server).serve_forever()
"""


@pytest.fixture(scope="module")
def opened(nodes: RealNodes) -> Iterator[str]:
    """The namespace of the landscape, with its Gateway and one route."""
    workspace = Workspace()
    built = workspace.landscape(STACK)
    space = built.environment.namespace
    kinds = ("Gateway", "Certificate", "Issuer")
    mine = [item for item in built.objects if item.kind in kinds and item.component in ("platform", COMPONENT)]
    release = workspace.catalogue.releases[built.environment.release].model
    nodes.api.apply(manifest("v1", "Namespace", space), field_manager=MANAGER)
    for item in mine:
        nodes.api.apply(item.body, field_manager=MANAGER, force=True)
    container = {
        "name": "it",
        "image": release.tools["probe"].reference,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", SERVER],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
    }
    labels = {"app": "it"}
    parent = [{"name": "ggi", "sectionName": COMPONENT}]
    behind = [{"backendRefs": [{"name": "it", "port": 80}]}]
    route = {"parentRefs": parent, "hostnames": [built.hosts[COMPONENT]], "rules": behind}
    for item in (
        manifest("v1", "Pod", "it", space, labels=labels, spec={"containers": [container]}),
        manifest("v1", "Service", "it", space, spec={"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}),
        manifest("gateway.networking.k8s.io/v1", "HTTPRoute", "it", space, spec=route),
    ):
        nodes.api.apply(item, field_manager=MANAGER)
    yield space
    nodes.api.delete("v1", "Namespace", space)


def manifest(version: str, kind: str, name: str, space: str = "", **more: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": more.pop("labels", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata | ({"namespace": space} if space else {}), **more}


def look(nodes: RealNodes, *options: str) -> dict[str, Any]:
    """What `open` says once it answers, or after two minutes."""
    give_up = time.monotonic() + 120
    while True:
        done = nodes.ggi("open", STACK, COMPONENT, "--sandbox", "--json", *options)
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        if found["answers"] or time.monotonic() > give_up:
            assert done.returncode == (0 if found["answers"] else 1)
            return found
        time.sleep(1)


def test_a_component_answers_on_a_port_of_this_machine(nodes: RealNodes, opened: str) -> None:
    found = look(nodes)
    assert (found["status"], found["location"], found["problem"]) == (302, "/admin/login/", "")
    assert found["reached"][0] == "127.0.0.1"
    assert set(found["ways"]) == {"curl", "a browser"}
    assert look(nodes)["reached"] == found["reached"]


def test_the_port_is_among_those_of_the_next_start(nodes: RealNodes, opened: str) -> None:
    found = look(nodes)
    assert Nodes(Layout.of(nodes.name)).doors == {found["reached"][1]: (found["gateway"], 443)}


def test_another_authority_is_not_taken_for_the_clusters(
    nodes: RealNodes, opened: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    look(nodes)
    other = tmp_path_factory.mktemp("other") / "ca.pem"
    other.write_bytes((nodes.folder / "pki" / "ca.crt").read_bytes())
    done = nodes.ggi("open", STACK, COMPONENT, "--sandbox", "--ca", str(other))
    assert (done.returncode, "not trusted" in done.stdout) == (1, True)


def test_a_password_is_not_shown_to_a_program(nodes: RealNodes, opened: str) -> None:
    done = nodes.ggi("open", STACK, "keycloak", "--sandbox", "--show-password")
    assert (done.returncode, "terminal" in done.stderr) == (2, True)
