"""Pods of a landscape in podman: their own images, environment, files, users and read-only roots, on one network.

Services are names on that network, with their ports redirected in the pod's own network namespace. PostgreSQL is that
of `tests.real.postgres`; Secrets of others (certificates) are made here.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ggi.landscape.objects import Body
from sandbox.hosts.podman import LABEL, Podman, obstacles
from sandbox.node.images import ImageRecipe, Images, recipe_of
from tests.real.authority import Authority
from tests.real.postgres import Database
from tests.real.rendered import Rendered

START = 240
"""Seconds until a probe must succeed; machines with other work are slow."""


@dataclass
class Pods:
    """What runs. `ca` is the file with the landscape's own authority."""

    landscape: Rendered
    folder: Path
    podman: Podman
    name: str = field(default_factory=lambda: f"ggi-pods-{secrets.token_hex(4)}")
    addresses: dict[str, str] = field(default_factory=dict)
    """Of each Service and public name on the network."""
    database: Database | None = None
    hosts: dict[str, str] = field(default_factory=dict)
    """Names of what does not run on the network."""

    def __post_init__(self) -> None:
        self.authority = Authority("internal")
        self.ca = self.folder / "ca.crt"
        self.ca.write_text(self.authority.pem)
        self.namespace = self.landscape.built.environment.namespace

    # What a pod gets

    def _outside(self, secret: str) -> Path:
        """A folder with a Secret that others make: the database's authority, or a certificate of the landscape's."""
        folder = self.folder / secret
        if not folder.exists():
            folder.mkdir()
            folder.chmod(0o755)
            if secret.startswith("postgresql"):
                assert self.database
                (folder / "ca.crt").write_text(self.database.authority.pem)
            else:
                certificate = self.landscape.object(f"{secret.removesuffix('-internal')}/Certificate/internal")
                self.authority.issue(certificate.body["spec"]["dnsNames"], folder)
                (folder / "tls.key").chmod(0o644)
                (folder / "ca.crt").write_text(self.authority.pem)
        return folder

    def _words(self, name: str, number: int) -> list[str]:
        """Options, image and command of a container, by the logical name of its owner."""
        pod = self.landscape.pod(name, number)
        spec = self.landscape.object(name).body["spec"]["template"]["spec"]
        place = self.folder / f"{name.replace('/', '-')}-{number}"
        pod.place(place)
        mounts = [f"{place}{path}:{path}:ro" for path in pod.files]
        mounts += [f"{self._outside(secret)}:{path}:ro" for path, secret in pod.outside.items()]
        known = {*pod.files, *pod.outside}
        scratch = [m["mountPath"] for m in pod.container["volumeMounts"] if m["mountPath"] not in known]
        mounts += [self._writable(place, path) for path in scratch if not any(f.startswith(f"{path}/") for f in known)]
        user = pod.container.get("securityContext", {}).get("runAsUser", spec["securityContext"]["runAsUser"])
        environment = dict(pod.environment)
        if self.database and "DB_PORT" in environment:
            environment["DB_PORT"] = str(self.database.port)
        recipe = recipe_of(pod.container["image"])
        assert recipe, pod.container["image"]
        command = [*pod.container.get("command", ()), *pod.container.get("args", ())]
        entry = ["--entrypoint", json.dumps(command[:1])] if pod.container.get("command") else []
        return [
            *("--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL", "--security-opt=no-new-privileges"),
            *("--user", f"{user}:{user}", "--label", f"{LABEL}={self.name}", *entry),
            *(word for mount in mounts for word in ("-v", mount)),
            *(word for key, value in environment.items() for word in ("-e", f"{key}={value}")),
            recipe.tag,
            *(command[1:] if entry else command),
        ]

    def _writable(self, place: Path, path: str) -> str:
        """The mount of a folder that the pod may write to; as with an emptyDir, the image's content is not in it."""
        folder = place / "writable" / path.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777)
        return f"{folder}:{path}:rw"

    # Starting

    def start(self, name: str, *aliases: str) -> None:
        """Start the pod of a Deployment or StatefulSet, reachable by its Services and by `aliases`."""
        containers = self.landscape.object(name).body["spec"]["template"]["spec"]["containers"]
        services = self._services(name)
        names = [n for s in services for n in (s, f"{s}.{self.namespace}", f"{s}.{self.namespace}.svc")]
        names += aliases
        label = self.landscape.object(name).kube_name
        network = [*(word for n in names for word in ("--network-alias", n)), "--hostname", label]
        for number, container in enumerate(containers):
            own = f"{self.name}-{label}" + (f"-{container['name']}" if number else "")
            where = [*self._on_network(), *network] if number == 0 else ["--network", f"container:{self.name}-{label}"]
            self.podman.run("run", "-d", "--name", own, *where, *self._words(name, number))
            if number == 0:
                found = self._inspect(own)
                address = found["NetworkSettings"]["Networks"][self.name]["IPAddress"]
                self.addresses |= dict.fromkeys([*names, label], address)
                for port, target in self._ports(services, containers).items():
                    command = ["nsenter", "-n", "-t", str(found["State"]["Pid"]), "iptables", "-t", "nat", "-A"]
                    redirect = ["-p", "tcp", "--dport", str(port), "-j", "REDIRECT", "--to-port", str(target)]
                    subprocess.run([*command, "PREROUTING", *redirect], check=True, capture_output=True)

    def job(self, name: str) -> str:
        """Run a Job to its end; returns what it printed."""
        run = ["run", "--rm", *self._on_network()]
        done = self.podman.run(*run, *self._words(name, 0), check=False, seconds=START)
        assert done.returncode == 0, f"{name}: {done.stdout[-3000:]} {done.stderr[-3000:]}"
        return done.stdout

    def _services(self, name: str) -> list[str]:
        labels = self.landscape.object(name).body["spec"]["template"]["metadata"]["labels"]
        return [
            o.kube_name
            for o in self.landscape.built.objects
            if o.kind == "Service" and (o.body["spec"].get("selector") or {"": ""}).items() <= labels.items()
        ]

    def _ports(self, services: list[str], containers: list[Body]) -> dict[int, int]:
        """Ports of Services and those of the containers behind them, where they differ."""
        named = {p["name"]: p["containerPort"] for c in containers for p in c.get("ports", ())}
        found = (o for o in self.landscape.built.objects if o.kind == "Service" and o.kube_name in services)
        ports = {p["port"]: named.get(p["targetPort"], p["targetPort"]) for o in found for p in o.body["spec"]["ports"]}
        return {port: int(target) for port, target in ports.items() if port != target}

    def _on_network(self) -> list[str]:
        """Options of a container with a network namespace of its own."""
        known = [word for name, address in self.hosts.items() for word in ("--add-host", f"{name}:{address}")]
        return ["--network", self.name, *known]

    def serve_host(self, service: str, address: str) -> None:
        """A Service whose server runs on this machine, at `address` of the network."""
        for name in (service, f"{service}.{self.namespace}", f"{service}.{self.namespace}.svc"):
            self.hosts[name] = address

    # Asking

    def _inspect(self, container: str) -> Any:
        return json.loads(self.podman.run("inspect", container).stdout)[0]

    def gateway(self) -> str:
        """The address of this machine on the network."""
        return str(json.loads(self.podman.run("network", "inspect", self.name).stdout)[0]["subnets"][0]["gateway"])

    def logs(self, name: str) -> str:
        """The end of what a pod's first container printed."""
        done = self.podman.run("logs", f"{self.name}-{self.landscape.object(name).kube_name}", check=False)
        return (done.stdout + done.stderr)[-4000:]

    def probe(self, name: str, kind: str) -> str:
        """Why a probe of any container of a pod fails now; empty when none does."""
        label = self.landscape.object(name).kube_name
        for number, container in enumerate(self.landscape.object(name).body["spec"]["template"]["spec"]["containers"]):
            found = container.get(kind)
            if not found:
                continue
            own = f"{self.name}-{label}" + (f"-{container['name']}" if number else "")
            if "exec" in found:
                done = self.podman.inside(own, *found["exec"]["command"], check=False, seconds=60)
                why = (done.stdout + done.stderr).strip() or "failed" if done.returncode else ""
            else:
                why = self._asked(container, found, label)
            if why:
                return f"{container['name']} {kind}: {why}"
        return ""

    def _asked(self, container: Body, probe: Body, label: str) -> str:
        import requests

        action = probe.get("httpGet") or probe["tcpSocket"]
        port = next(p["containerPort"] for p in container["ports"] if action["port"] in (p["name"], p["containerPort"]))
        if "httpGet" not in probe:
            with contextlib.suppress(OSError), socket.create_connection((self.addresses[label], port), 5):
                return ""
            return "closed"
        headers = {h["name"]: h["value"] for h in action.get("httpHeaders", ())}
        address = f"{action.get('scheme', 'HTTP').lower()}://{self.addresses[label]}:{port}{action['path']}"
        try:
            answer = requests.get(address, headers=headers, timeout=10, verify=False)  # noqa: S501  (as the kubelet)
        except requests.RequestException as error:
            return str(error)
        return "" if answer.ok else f"{answer.status_code} {answer.text[:300]}"

    def ready(self, *names: str) -> None:
        """Wait until the start-up, readiness and liveness probes of these succeed."""
        end = time.monotonic() + START
        for name in names:
            while why := next(
                filter(None, (self.probe(name, f"{k}Probe") for k in ("startup", "readiness", "liveness"))), ""
            ):
                if time.monotonic() > end or "improper" in why:  # podman's word for a container that has ended
                    pytest.fail(f"{name}: {why}\n{self.logs(name)}")
                time.sleep(2)


class OnNetwork(Database):
    """A database that the pods reach as well."""

    def open_to(self, address: str) -> None:
        """Listen on this address of this machine too."""
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(f"listen_addresses = '127.0.0.1,{address}'\n")


@contextlib.contextmanager
def pods(landscape: Rendered, folder: Path, recipes: Mapping[str, ImageRecipe]) -> Iterator[Pods]:
    """A network for pods, with the images of `recipes`; everything is removed at the end. Skips without root."""
    if why := obstacles():
        pytest.skip("; ".join(why))
    images = Images()
    images.ensure(recipes.values(), {}, print)
    made = Pods(landscape, folder, images.podman)
    made.podman.run("network", "create", "--internal", "--label", f"{LABEL}={made.name}", made.name)
    try:
        yield made
    finally:
        made.podman.remove(made.name)


@contextlib.contextmanager
def by_name(found: Pods) -> Iterator[None]:
    """Names of the network mean the same in this process."""
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        return real(found.addresses.get(host, host), port, *more, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", look_up)
        patch.setenv(
            "NO_PROXY", ",".join([*found.addresses, *found.addresses.values(), os.environ.get("NO_PROXY", "")])
        )
        yield
