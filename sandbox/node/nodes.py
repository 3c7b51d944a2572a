"""Real nodes behind a sandbox's API server: which there are, their files, and how each is started and looked at."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from string import Template

from ggi.engine.locks import locked
from ggi.errors import Problem, WorkError
from ggi.files import write_atomically
from ggi.messages import t
from ggi.paths import ROOT
from sandbox import certificates, processes
from sandbox.certificates import Extra, Pki
from sandbox.content import Offers
from sandbox.layout import Layout, free_port, is_free
from sandbox.node import fabric, images
from sandbox.node.fabric import RealNode
from sandbox.node.programs import ON_NODES
from sandbox.parts import API_PORT, POD_RANGE, ControlPlanePart

Report = Callable[[str], None]

FABRIC, PORTS, SURROUNDINGS, OUTSIDE = "fabric", "ports", "surroundings", "outside"
AROUND = (FABRIC, PORTS, OUTSIDE)
"""What is there before the control plane, in the order in which it starts."""
MEMORY_OF_NODE = 6 * 2**30
"""A landscape of 30 pods takes 8 to 9 GB, spread over the nodes."""
MOST = 3
MAIL_PORT = 587
"""For submission (RFC 6409)."""
_LISTEN_SECONDS = 5.0
"""For the forwarder to read its configuration again."""
_MACHINE = Path(__file__).resolve().parent / "machine"
_CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Plan:
    """How many nodes, from the first start on; and what of the cluster that is played now has an address.

    `api` is the API server's as its policies name it; `mail` and `directory`, each empty or host and address, are
    others that landscapes on it call.
    """

    nodes: int
    api: str
    mail: tuple[str, ...] = ()
    directory: tuple[str, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """All of them, besides that of the control plane."""
        found = {self.api, *self.mail[1:], *self.directory[1:]}
        return tuple(sorted(found - {fabric.CONTROL_PLANE}))


@dataclass(frozen=True)
class Nodes:
    """The real nodes of one sandbox."""

    layout: Layout

    @property
    def plan(self) -> Plan:
        """The plan of the last start. Raises WorkError when there was none."""
        try:
            found = json.loads(self._plan.read_text())
            more = {name: tuple(found.get(name) or ()) for name in ("mail", "directory")}
            return Plan(found["nodes"], found["api"], **more)
        except (OSError, ValueError, LookupError) as error:
            raise WorkError(t("the sandbox {name} has no nodes", name=self.layout.name)) from error

    def choose(self, offers: Offers) -> Plan:
        """The plan. The first start decides how many nodes: as many as processors and memory allow.

        What `offers` does not say stays as it was.
        """
        if self._plan.is_file():
            plan = self.plan
        else:
            memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
            plan = Plan(max(1, min(os.cpu_count() or 1, memory // MEMORY_OF_NODE, MOST)), fabric.CONTROL_PLANE)
            self.layout.nodes.mkdir(parents=True, exist_ok=True, mode=0o700)
        plan = replace(
            plan,
            api=offers.api or plan.api,
            mail=offers.mail or plan.mail,
            directory=offers.directory or plan.directory,
        )
        write_atomically(self._plan, json.dumps(asdict(plan)) + "\n")
        return plan

    @property
    def _plan(self) -> Path:
        return self.layout.nodes / "plan.json"

    @property
    def all(self) -> tuple[RealNode, ...]:
        """The nodes."""
        return tuple(RealNode(number) for number in range(self.plan.nodes))

    def folder(self, node: RealNode) -> Path:
        """All that the node keeps."""
        return self.layout.nodes / node.name

    @property
    def names(self) -> tuple[str, ...]:
        """Of its parts, in the order in which they start; those of the control plane come after AROUND."""
        return (*AROUND, SURROUNDINGS, *(node.name for node in self.all))

    def pid(self, part: str) -> int | None:
        """The process of a part that runs now."""
        record = processes.read(self.layout.run / f"{part}.json")
        return record.pid if record else None

    @property
    def extra(self) -> Extra:
        """Certificates of the nodes."""
        return Extra(
            addresses=(fabric.CONTROL_PLANE,),
            clients=(
                ("kube-proxy", "system:kube-proxy", ""),
                ("kube-router", "system:kube-router", ""),
                *((node.name, f"system:node:{node.name}", "system:nodes") for node in self.all),
            ),
            servers=tuple((f"{node.name}-server", node.name, node.address) for node in self.all),
        )

    def parts(self, ports: Mapping[str, int]) -> dict[str, ControlPlanePart]:
        """The parts besides those of the control plane."""
        unshare = shutil.which("unshare") or "/usr/bin/unshare"
        python = {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
        config = self.layout.nodes / "ports.json"
        found = [
            ControlPlanePart(FABRIC, (unshare, "--net", "--", "sleep", "infinity"), ""),
            ControlPlanePart(PORTS, (sys.executable, "-m", "sandbox.node.forward", str(config)), "", (), python),
            ControlPlanePart(
                SURROUNDINGS,
                (sys.executable, "-m", "sandbox.node.surroundings", self.layout.name),
                "",
                (self.layout.kubeconfig,),
                python,
            ),
            ControlPlanePart(
                OUTSIDE,
                (sys.executable, "-m", "sandbox.node.outside", str(self._outside)),
                "",
                (self._outside,),
                python,
                inside=fabric.inside(self.pid(FABRIC) or 0),
            ),
        ]
        for node in self.all:
            folder = self.folder(node)
            words = (
                *(unshare, "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--mount-proc"),
                *("--kill-child", "--", "/bin/sh", str(_MACHINE / "init.sh")),
                *(str(folder), node.name, str(self.layout.logs), self.cgroup(node)),
            )
            reads = (_MACHINE / "init.sh", *(folder / name for name in (*_FILES, "kubelet.kubeconfig")))
            found.append(ControlPlanePart(node.name, words, f"http://127.0.0.1:{ports[node.name]}/healthz", reads))
        return {part.name: part for part in found}

    def write_ports(self, ports: Mapping[str, int], more: Mapping[int, tuple[str, int]]) -> None:
        """Tell the forwarder which ports lead where: to the control plane, to each kubelet's health, and `more`."""
        leads: dict[int, tuple[str, int]] = {
            number: ("127.0.0.1", number) for name, number in ports.items() if name in _CONTROL_PLANE
        }
        leads[ports["kube-apiserver"]] = (fabric.CONTROL_PLANE, API_PORT)
        leads |= {ports[node.name]: (node.address, 10248) for node in self.all}
        leads |= more
        content = {"namespace": f"/proc/{self.pid(FABRIC)}/ns/net", "ports": {str(k): v for k, v in leads.items()}}
        write_atomically(self.layout.nodes / "ports.json", json.dumps(content, indent=1) + "\n")

    @property
    def doors(self) -> dict[int, tuple[str, int]]:
        """Loopback ports that lead to addresses of the cluster, from one start to the next."""
        try:
            found = json.loads(self._doors.read_text())
        except (OSError, ValueError):
            return {}
        return {int(port): (str(address), int(number)) for port, (address, number) in found.items()}

    def open_door(self, address: str, number: int) -> int:
        """The loopback port that leads to `address` and `number` of the cluster's network; made when there is none.

        Raises WorkError when the sandbox does not run.
        """
        if not self.pid(PORTS):
            raise WorkError(
                Problem(t("the sandbox {name} does not run", name=self.layout.name), t("Run `./ggi sandbox start`."))
            )
        with locked(self.layout.lock, t("the sandbox {name}", name=self.layout.name), lambda line: None):
            doors, ports = self.doors, self.layout.ports()
            port = next((port for port, lead in doors.items() if lead == (address, number)), 0)
            if not port:
                port = free_port(frozenset((*ports.values(), *doors)))
                doors[port] = (address, number)
                write_atomically(self._doors, json.dumps({str(k): v for k, v in doors.items()}) + "\n")
                self.write_ports(ports, doors)
        give_up = time.monotonic() + _LISTEN_SECONDS
        while is_free(port) and time.monotonic() < give_up:
            time.sleep(0.05)
        return port

    @property
    def _doors(self) -> Path:
        return self.layout.nodes / "doors.json"

    @property
    def letters(self) -> Path:
        """The folder with the letters that the landscapes sent."""
        return self.layout.nodes / "letters"

    @property
    def _outside(self) -> Path:
        return self.layout.nodes / "outside.json"

    def configure(self, pki: Pki, programs: Mapping[str, Path]) -> None:
        """Write the files of every node, and of what is outside."""
        plan = self.plan
        outside = {
            "mail": [plan.mail[1], MAIL_PORT] if plan.mail else None,
            "directory": [plan.directory[1], plan.directory[0]] if plan.directory else None,
            "letters": str(self.letters),
            "pki": str(pki.folder),
        }
        write_atomically(self._outside, json.dumps(outside) + "\n")
        server = f"https://{fabric.CONTROL_PLANE}:{API_PORT}"
        for node in self.all:
            folder = self.folder(node)
            for part in ("bin", "cni"):
                (folder / part).mkdir(parents=True, exist_ok=True)
            for tool in ON_NODES:
                link = folder / "bin" / tool.name
                link.unlink(missing_ok=True)
                link.symlink_to(programs[tool.name])
            values = {
                "folder": str(folder),
                "pki": str(pki.folder),
                "node": node.name,
                "address": node.address,
                "pods": POD_RANGE,
                "own_pods": node.pods,
                "cgroup": self.cgroup(node),
                "pause": images.PAUSE,
            }
            for name in _FILES:
                text = Template((_MACHINE / Path(name).name).read_text()).substitute(values)
                write_atomically(folder / name, text)
            write_atomically(folder / "address", node.address + "\n")
            write_atomically(folder / "resolv.conf", "nameserver 127.0.0.1\n")
            for client, file in ((node.name, "kubelet"), ("kube-router", "kube-router"), ("kube-proxy", "kube-proxy")):
                text = certificates.kubeconfig(pki, client, server, self.layout.context)
                write_atomically(folder / f"{file}.kubeconfig", text)

    def cgroup(self, node: RealNode) -> str:
        """The control group of the node's pods, from the root."""
        return f"/ggi-{self.layout.name}-{node.name}"

    def image_folder(self, node: RealNode) -> Path:
        """The root folder of the node's containerd; there is none before it gets images."""
        return self.folder(node) / "containerd"

    def prepare(self, node: RealNode) -> None:
        """Control groups, which the kubelet wants to be there, new ones after a node was killed."""
        self.clean(node)
        for root in _hierarchies():
            (root / self.cgroup(node).strip("/")).mkdir(exist_ok=True)

    def clean(self, node: RealNode) -> None:
        """Remove what a node that has ended leaves on the machine: its control groups."""
        for root in _hierarchies():
            top = root / self.cgroup(node).strip("/")
            for folder, _, _ in os.walk(top, topdown=False):
                with contextlib.suppress(OSError):
                    Path(folder).rmdir()

    def ctr(self, node: RealNode, *words: str, seconds: int = 600, check: bool = True) -> str:
        """Ask the node's containerd. Raises WorkError."""
        pid = self.pid(node.name)
        command = [
            *(shutil.which("nsenter") or "/usr/bin/nsenter", "-t", str(pid), "-m", "--"),
            *(str(self.folder(node) / "bin" / "ctr"), "-a", "/run/containerd/containerd.sock", "-n", "k8s.io", *words),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
        if check and done.returncode:
            raise WorkError(
                Problem(t("{node}: ctr {words} failed: {why}", node=node.name, words=words[0], why=done.stderr[-400:]))
            )
        return done.stdout


_CONTROL_PLANE = ("etcd", "etcd-peer", "kube-controller-manager", "kube-scheduler")
_FILES = ("kubelet.yaml", "proxy.yaml", "containerd.toml", "cni/network.conflist")


def _hierarchies() -> Sequence[Path]:
    """The roots of control groups: one on cgroup v2, one for each controller on v1."""
    if (_CGROUPS / "cgroup.controllers").exists():
        return [_CGROUPS]
    return [path for path in _CGROUPS.iterdir() if path.is_dir() and not path.is_symlink()]
