"""A landscape that really runs on real nodes, as the tests use it: by its public names, through its gateway."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
import yaml

from ggi.app.workspace import Workspace
from ggi.landscape.build import Landscape
from ggi.paths import ROOT
from sandbox.layout import Layout
from sandbox.node.nodes import Nodes
from sandbox.node.operators import ISSUER
from tests.nodes import RealNodes

CRS = {"Accept-Crs": "EPSG:4326", "Content-Crs": "EPSG:4326"}
CASE = {"bronorganisatie": "111222333", "zaaktype": "https://catalogi.test/zaaktypen/1"}
RIGHTS = {"openzaak": {"all_rights": ["openformulieren"]}}
"""What functional management would decide, so that Open Formulieren may write cases."""
PATIENCE = 120.0


@dataclass
class Running:
    """The landscape of `stack`, from an inventory of its own."""

    nodes: RealNodes
    stack: str
    inventory: Path
    ca: Path

    @property
    def built(self) -> Landscape:
        """As the inventory says now."""
        return Workspace(self.inventory).landscape(self.stack)

    @property
    def space(self) -> str:
        """Its namespace."""
        return self.built.environment.namespace

    def write(self, **environment: Any) -> None:
        """Change its environment in the inventory."""
        tenant, _, name = self.stack.partition("-")
        file = self.inventory / "tenants" / f"{tenant}.yaml"
        text = file.read_text()
        line = re.search(rf"^  {name}: (.*)$", text, re.M)
        assert line
        held = yaml.safe_load(line[1]) | environment
        file.write_text(text.replace(line[0], f"  {name}: {json.dumps(held)}"))

    def ggi(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """A command about it, which must end with this code."""
        done = self.nodes.ggi("--inventory", str(self.inventory), *words, timeout=1800)
        assert done.returncode == code, f"{words}\n{done.stdout}\n{done.stderr}"
        return done

    def up(self) -> str:
        """Bring it up; what the command wrote."""
        return self.ggi("up", self.stack, "--sandbox", "--yes").stdout

    def secret(self, component: str, role: str, key: str) -> str:
        """A value that a component was given."""
        found = self.nodes.api.list("v1", "Secret", self.space)
        held = [i for i in found if i["metadata"]["name"].startswith(f"{component}-{role}-") and key in i["data"]]
        return base64.b64decode(held[-1]["data"][key]).decode()

    def pods(self) -> list[dict[str, Any]]:
        """Of its workloads, without those of Jobs."""
        found = self.nodes.api.list("v1", "Pod", self.space)
        return [p for p in found if not any(o["kind"] == "Job" for o in p["metadata"].get("ownerReferences") or ())]

    def ask(self, method: str, component: str, path: str, **more: Any) -> requests.Response:
        """One request by the component's public name, through the gateway."""
        address = f"https://{self.built_host(component)}{path}"
        return requests.request(method, address, verify=str(self.ca), timeout=20, **more)

    def built_host(self, component: str) -> str:
        """Its public name; kept, since building a landscape takes a moment."""
        if not hasattr(self, "_hosts"):
            self._hosts = dict(self.built.hosts)
        return self._hosts[component]

    def counts(self, component: str) -> dict[str, int]:
        """What a stand-in has kept, sent, delivered and received."""
        return dict(self.ask("GET", component, "/standin/counts").json())

    def client(self) -> tuple[str, str]:
        """Client and secret of Open Formulieren at Open Zaak now."""
        counter = self.built.environment.settings.rotation.current
        return f"openformulieren-r{counter}", self.secret("openformulieren", f"setup-r{counter}", "OPENZAAK_SECRET")

    def caller(self) -> dict[str, str]:
        """What Open Formulieren shows to Open Zaak now."""
        return bearer(*self.client()) | CRS

    def real(self) -> Nodes:
        """The nodes below it."""
        return Nodes(Layout.of(self.nodes.name))


def bearer(client: str, secret: str) -> dict[str, str]:
    """The header of a ZGW caller."""
    token = jwt.encode({"iss": client, "client_id": client, "iat": int(time.time()) - 5}, secret, algorithm="HS256")
    return {"Authorization": f"Bearer {token}"}


def until(check: Callable[[], Any], what: str, seconds: float = PATIENCE) -> None:
    """Wait until `check` gives something true."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, what
        time.sleep(1)


@contextlib.contextmanager
def through(found: Running) -> Iterator[int]:
    """Names of the landscape lead through the gateway, in this process; yields the loopback port."""
    gateway = found.nodes.api.get("gateway.networking.k8s.io/v1", "Gateway", "ggi", found.space)
    port = found.real().open_door(gateway["status"]["addresses"][0]["value"], 443)
    names = frozenset(found.built.hosts.values())
    real = socket.getaddrinfo

    def look_up(host: Any, number: Any, *more: Any, **named: Any) -> Any:
        return real("127.0.0.1", port, *more, **named) if host in names else real(host, number, *more, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", look_up)
        patch.setenv("NO_PROXY", "*")
        yield port


def authority(nodes: RealNodes, folder: Path) -> Path:
    """The file with the sandbox's own authority."""
    held = nodes.api.get("v1", "Secret", ISSUER, "cert-manager")
    file = folder / "authority.pem"
    file.write_bytes(base64.b64decode(held["data"]["tls.crt"]))
    return file


@dataclass
class Load:
    """Cases that are sent at a steady rate while something happens; each answer is counted."""

    found: Running
    rate: float
    """Requests per second; 0: as many as are answered."""
    workers: int = 6
    answers: Counter[str] = field(default_factory=Counter)
    kept: list[str] = field(default_factory=list)
    """Addresses of the cases that were acknowledged."""
    seconds: float = 0
    shown: tuple[str, str] = ("", "")
    """Client and secret that are shown, as of the last rotation."""

    def rotated(self) -> None:
        """From now on show what Open Formulieren has now."""
        self.shown = self.found.client()

    def caller(self) -> dict[str, str]:
        """Its header, made anew: a token is good for an hour."""
        return bearer(*self.shown) | CRS

    @contextlib.contextmanager
    def running(self) -> Iterator[Load]:
        """While the block runs, and until the last answer."""
        ended = threading.Event()
        self.rotated()
        threads = [threading.Thread(target=self._send, args=(ended, number)) for number in range(self.workers)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            ended.set()
            for thread in threads:
                thread.join()
            self.seconds = time.monotonic() - began

    def _send(self, ended: threading.Event, number: int) -> None:
        pause = self.workers / self.rate if self.rate else 0
        turn = time.monotonic() + pause * number / self.workers
        while not ended.is_set():
            if pause:
                ended.wait(max(0, turn - time.monotonic()))
                turn += pause
            try:
                answer = self.found.ask("POST", "openzaak", "/zaken/api/v1/zaken", json=CASE, headers=self.caller())
                said = str(answer.status_code)
                if answer.status_code == 201:
                    self.kept.append(answer.json()["url"])
            except (requests.RequestException, ValueError) as error:
                said = type(error).__name__
            self.answers[said] += 1

    @property
    def failed(self) -> int:
        """Requests without the answer that was wanted."""
        return sum(self.answers.values()) - self.answers["201"]

    def lost(self) -> int:
        """How many cases were acknowledged and can't be read."""
        caller, gone = self.found.caller(), 0
        with requests.Session() as session:
            for address in self.kept:
                answer = session.get(address, headers=caller, verify=str(self.found.ca), timeout=20)
                gone += answer.status_code != 200
        return gone

    def __str__(self) -> str:
        total = sum(self.answers.values())
        return f"{total} requests in {self.seconds:.0f} s ({total / self.seconds:.1f} a second): {dict(self.answers)}"


LISTENER = """
import socket, sys
found = socket.create_server(("", int(sys.argv[1])))
print("listens", flush=True)
while True:
    found.accept()[0].close()
"""


def listen_in(pod: dict[str, Any], port: int, opened: contextlib.ExitStack) -> None:
    """Make something listen on a port of a pod that its containers do not use."""
    for pid in _processes_of(pod["metadata"]["uid"]):
        words = ["nsenter", f"--net=/proc/{pid}/ns/net", "python3", "-c", LISTENER, str(port)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE)
        opened.callback(process.wait)
        opened.callback(process.kill)
        if process.stdout and process.stdout.readline():
            return
    raise AssertionError(f"nothing could listen in {pod['metadata']['name']}")


def _processes_of(uid: str) -> Iterator[int]:
    """The processes of a pod, as this machine counts them; that of a probe ends soon."""
    for path in Path("/proc").glob("[0-9]*/cgroup"):
        with contextlib.suppress(OSError):
            if uid in path.read_text():
                yield int(path.parent.name)


@contextlib.contextmanager
def alive(nodes: RealNodes, stack: str, folder: Path, **environment: Any) -> Iterator[Running]:
    """A landscape, brought up from a copy of the inventory in which its environment says this too."""
    shutil.copytree(ROOT / "inventories", folder / "inventories")
    found = Running(nodes, stack, folder / "inventories", authority(nodes, folder))
    found.write(**environment)
    began = time.monotonic()
    said = found.up()
    told(f"{said.splitlines()[-1]} ({time.monotonic() - began:.0f} s)")
    with through(found):
        yield found


def told(line: str) -> None:
    """Write a figure into the report of the run (pytest -rP, or -s)."""
    print(line)  # noqa: T201


def subscribe(life: Running) -> None:
    """Let Open Notificaties be told of cases by itself, so that the way there and back is gone."""
    own = bearer("opennotificaties-r1", life.secret("opennotificaties", "setup-r1", "OPENNOTIFICATIES_SECRET"))
    body = {
        "callbackUrl": f"https://{life.built_host('opennotificaties')}/api/v1/callbacks?for=zaken",
        "auth": own["Authorization"],
        "kanalen": [{"naam": "zaken", "filters": {"bronorganisatie": CASE["bronorganisatie"]}}],
    }
    answer = life.ask("POST", "opennotificaties", "/api/v1/abonnement", json=body, headers=own)
    assert answer.status_code == 201 or (life.nodes.attached and "unique" in answer.text), answer.text
