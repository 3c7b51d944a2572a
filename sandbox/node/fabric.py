"""The network of a sandbox with real nodes: a namespace of its own with a bridge, apart from this machine's network.

The control plane runs in that namespace, each node in one of its own with a cable to the bridge. This machine's own
network has no part in it: `forward.py` carries connections from loopback ports into the namespace.
"""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from ggi.errors import Problem, WorkError
from ggi.messages import t
from sandbox.certificates import SERVICE_RANGE
from sandbox.parts import POD_RANGE

NETWORK = ipaddress.ip_network("10.245.0.0/24")
"""Addresses of the control plane (the first one) and of the nodes."""
BRIDGE = "nodes"
CONTROL_PLANE = str(NETWORK[1])


@dataclass(frozen=True, slots=True)
class RealNode:
    """One node: its name, its zone, its address, and the range of its pods."""

    number: int

    @property
    def zone(self) -> str:
        """A letter."""
        return "abc"[self.number]

    @property
    def name(self) -> str:
        """As `kubectl get nodes` shows it."""
        return f"node-{self.zone}"

    @property
    def address(self) -> str:
        """Its own, on the bridge."""
        return str(NETWORK[11 + self.number])

    @property
    def pods(self) -> str:
        """The range of its pods, a part of all pods' range."""
        return str([*ipaddress.ip_network(POD_RANGE).subnets(new_prefix=24)][self.number + 1])


def inside(pid: int) -> tuple[str, ...]:
    """The words that run a program in the network of the process `pid`."""
    return (_program("nsenter"), f"--net=/proc/{pid}/ns/net", "--")


def build(pid: int, nodes: Sequence[RealNode], addresses: Sequence[str]) -> None:
    """The bridge, in the network of the process `pid`, with `addresses` of the control plane besides its own.

    Can be repeated. Raises WorkError.
    """
    here = inside(pid)
    if not _run(*here, "ip", "link", "show", BRIDGE, check=False):
        _make_bridge(here, nodes)
    for address in addresses:
        _run(*here, "ip", "address", "replace", f"{address}/32", "dev", BRIDGE)


def _make_bridge(here: tuple[str, ...], nodes: Sequence[RealNode]) -> None:
    _run(*here, "ip", "link", "set", "lo", "up")
    _run(*here, "ip", "link", "add", BRIDGE, "type", "bridge")
    _run(*here, "ip", "link", "set", BRIDGE, "up")
    _run(*here, "ip", "address", "add", f"{CONTROL_PLANE}/{NETWORK.prefixlen}", "dev", BRIDGE)
    # Webhooks are Services of pods: the first node forwards to whatever pod is behind.
    _run(*here, "ip", "route", "add", SERVICE_RANGE, "via", nodes[0].address)
    for node in nodes:
        _run(*here, "ip", "route", "add", node.pods, "via", node.address)
    _run(*here, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")


def connect(pid: int, node: RealNode, node_pid: int, nodes: Sequence[RealNode]) -> None:
    """A cable from the bridge to a node, which is the process `node_pid`; and its routes. Raises WorkError."""
    here, there = inside(pid), inside(node_pid)
    if _run(*there, "ip", "link", "show", "eth0", check=False):
        return
    plug = f"to-{node.name}"
    _run(*here, "ip", "link", "delete", plug, check=False)
    _run(*here, "ip", "link", "add", plug, "type", "veth", "peer", "name", "eth0", "netns", str(node_pid))
    _run(*here, "ip", "link", "set", plug, "master", BRIDGE, "up")
    _run(*there, "ip", "link", "set", "lo", "up")
    _run(*there, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    _run(*there, "ip", "address", "add", f"{node.address}/{NETWORK.prefixlen}", "dev", "eth0")
    _run(*there, "ip", "link", "set", "eth0", "up")
    _run(*there, "ip", "route", "add", "default", "via", CONTROL_PLANE)
    for other in nodes:
        if other != node:
            _run(*there, "ip", "route", "add", other.pods, "via", other.address)


def _run(*words: str, check: bool = True) -> bool:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if check and done.returncode:
        said = " ".join(words[words.index("--") + 1 :] if "--" in words else words)
        raise WorkError(Problem(t("{command} failed: {why}", command=said, why=done.stderr.strip() or "?")))
    return done.returncode == 0


def _program(name: str) -> str:
    return shutil.which(name) or f"/usr/bin/{name}"
