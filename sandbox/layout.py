"""Where a sandbox keeps its files, its loopback ports, and what it is called."""

from __future__ import annotations

import json
import random
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ggi.errors import InputError, Problem, WorkError
from ggi.files import write_atomically
from ggi.messages import mark, t
from ggi.paths import state_dir
from sandbox import processes

DEFAULT = "default"

SIMULATED = mark("pods are simulated (kwok); no container runs")

PORT_NAMES = (
    "etcd",
    "etcd-peer",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
)

# Below the range from which Linux takes the ports of outgoing connections (32768 and up), so that a kept port stays
# ours.
_PORTS = range(20000, 32000)


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of the sandbox `name`, all under one folder that only its user can read."""

    name: str
    folder: Path

    @classmethod
    def of(cls, name: str) -> Layout:
        """The layout of the sandbox `name`.

        Raises InputError for a name that can't be part of a context or a folder.
        """
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?", name):
            raise InputError(
                Problem(
                    t("'{name}' can't be the name of a sandbox", name=name),
                    t("Use up to 30 lower-case letters, digits and hyphens, such as `default` or `demo-2`."),
                )
            )
        return cls(name, state_dir() / "sandbox" / name)

    @property
    def context(self) -> str:
        """The name of the kubeconfig context."""
        return "ggi-sandbox" if self.name == DEFAULT else f"ggi-sandbox-{self.name}"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of the sandbox's administrator."""
        return self.folder / "kubeconfig"

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.folder / "pki"

    @property
    def logs(self) -> Path:
        """One log file for each part."""
        return self.folder / "logs"

    @property
    def run(self) -> Path:
        """One file for each running part: its pid and when it started."""
        return self.folder / "run"

    @property
    def data(self) -> Path:
        """What the API server stored (etcd)."""
        return self.folder / "etcd"

    @property
    def stages(self) -> Path:
        """The kwok configuration that this sandbox runs with."""
        return self.folder / "kwok.yaml"

    @property
    def nodes(self) -> Path:
        """One folder for each real node; there is none where nodes are simulated."""
        return self.folder / "nodes"

    @property
    def real(self) -> bool:
        """Whether real nodes run the pods of this sandbox."""
        return self.nodes.is_dir()

    @property
    def lock(self) -> Path:
        """Held by whoever starts, stops or resets."""
        return self.folder / ".lock"

    def create(self) -> None:
        """Make the folders."""
        for folder in (self.folder, self.pki, self.logs, self.run):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)

    def ports(self) -> dict[str, int]:
        """The ports of the last start; empty when there was none."""
        try:
            found = json.loads((self.folder / "ports.json").read_text())
        except (OSError, ValueError):
            return {}
        return {name: int(number) for name, number in found.items()}

    def choose_ports(self, in_use: frozenset[str], names: Iterable[str] = PORT_NAMES) -> dict[str, int]:
        """Ports for all parts, by their `names`.

        Those of the last start where they are still free, and always for the running parts `in_use`.
        """
        ports = self.ports()
        for name in names:
            if name in in_use and name in ports:
                continue
            if name not in ports or not is_free(ports[name]):
                ports[name] = free_port(frozenset(ports.values()))
        write_atomically(self.folder / "ports.json", json.dumps(ports, indent=1) + "\n")
        return ports


def free_port(taken: frozenset[int]) -> int:
    """A loopback port that nobody listens on and that is not in `taken`."""
    for port in random.sample(_PORTS, k=200):  # not a secret
        if port not in taken and is_free(port):
            return port
    raise WorkError(t("no free loopback port between {first} and {last}", first=_PORTS.start, last=_PORTS.stop))


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:`port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do it: connections of an ended server that linger in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def sandboxes() -> list[str]:
    """The names of all sandboxes that have state on this machine."""
    root = state_dir() / "sandbox"
    return sorted(path.name for path in root.iterdir() if (path / "ports.json").is_file()) if root.is_dir() else []


def runs(name: str) -> bool:
    """Whether any part of the sandbox runs, seen from its files alone; `sandbox.controlplane.status` asks each part."""
    return any(processes.read(path) for path in Layout.of(name).run.glob("*.json"))
