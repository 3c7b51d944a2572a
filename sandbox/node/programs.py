"""Programs of a real node, each built from its tagged Go module, and the packages of the machine that it needs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ggi.engine.gobuild import GoSource
from ggi.engine.tools import Tool, kubernetes
from ggi.messages import mark, t

_GO = Path(__file__).resolve().parent / "go"

CONTAINERD_VERSION = "2.3.7"
PLUGINS_VERSION = "1.9.1"
COREDNS_VERSION = "1.15.0"
KUBE_ROUTER_VERSION = "2.1.0"
CLOUDNATIVEPG_VERSION = "1.30.0"
CERT_MANAGER_VERSION = "1.21.2"
ENVOY_GATEWAY_VERSION = "1.9.1"


def _of_module(module: str, version: str, package: str, purpose: str, seconds: int, *, name: str = "") -> Tool:
    made = GoSource(module, f"v{version}", f"{module}/{package}")
    return Tool(name or package.rpartition("/")[2], version, made, purpose, seconds)


def _of_ours(name: str, module: str, version: str, purpose: str, seconds: int) -> Tool:
    text = (_GO / f"{name.replace('-', '')}.go").read_text()
    return Tool(name, version, GoSource(module, f"v{version}", "", main=text), purpose, seconds)


_CONTAINERD = "github.com/containerd/containerd/v2"
_PLUGINS = "github.com/containernetworking/plugins"
_RUNS = mark("a real node: runs containers")
_NETWORK = mark("a real node: networks of pods")

KUBELET = kubernetes("kubelet", mark("a real node: runs pods"), 60)
KUBE_PROXY = kubernetes("kube-proxy", mark("a real node: addresses of Services"), 15)
CONTAINERD = _of_module(_CONTAINERD, CONTAINERD_VERSION, "cmd/containerd", _RUNS, 60)
SHIM = _of_module(_CONTAINERD, CONTAINERD_VERSION, "cmd/containerd-shim-runc-v2", _RUNS, 5)
CTR = _of_module(_CONTAINERD, CONTAINERD_VERSION, "cmd/ctr", _RUNS, 5)
PLUGINS = tuple(
    _of_module(_PLUGINS, PLUGINS_VERSION, f"plugins/{package}", _NETWORK, 5)
    for package in ("main/ptp", "main/loopback", "ipam/host-local", "meta/portmap")
)
KUBE_ROUTER = _of_module(
    "github.com/cloudnativelabs/kube-router/v2",
    KUBE_ROUTER_VERSION,
    "cmd/kube-router",
    mark("a real node: enforces NetworkPolicies"),
    100,
)
COREDNS = _of_ours(
    "coredns", "github.com/coredns/coredns", COREDNS_VERSION, mark("a real node: names inside the cluster"), 40
)
CLOUDNATIVEPG = _of_module(
    "github.com/cloudnative-pg/cloudnative-pg",
    CLOUDNATIVEPG_VERSION,
    "cmd/manager",
    mark("a real node: the operator of PostgreSQL"),
    120,
    name="cloudnative-pg",
)
CERT_MANAGER = _of_ours(
    "cert-manager",
    "github.com/cert-manager/cert-manager",
    CERT_MANAGER_VERSION,
    mark("a real node: the operator of certificates"),
    60,
)
ENVOY_GATEWAY = _of_module(
    "github.com/envoyproxy/gateway",
    ENVOY_GATEWAY_VERSION,
    "cmd/envoy-gateway",
    mark("a real node: the operator of the gateway"),
    150,
)

ON_NODES = (KUBELET, KUBE_PROXY, CONTAINERD, SHIM, CTR, *PLUGINS, KUBE_ROUTER)
"""What every node runs itself."""
IN_PODS = (COREDNS, CLOUDNATIVEPG, CERT_MANAGER, ENVOY_GATEWAY)
"""What is put into images and runs in pods."""

NEEDED = (
    "runc",
    "podman",
    "mmdebstrap",
    "iptables",
    "ip6tables",
    "ipset",
    "nft",
    "conntrack",
    "ip",
    "unshare",
    "nsenter",
)
"""Programs that must be on PATH."""
PACKAGES = "runc podman mmdebstrap iptables ipset nftables conntrack iproute2 util-linux"
"""Debian packages with all of these."""


def obstacles() -> list[str]:
    """Why this machine can't have a real node; empty when it can. Each is a sentence that says what to do."""
    if os.uname().sysname != "Linux":
        return [t("a real node needs Linux")]
    found = [] if os.geteuid() == 0 else [t("a real node needs root")]
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    if absent := [name for name in NEEDED if shutil.which(name, path=path) is None]:
        found.append(t("{names} not installed (apt install {packages})", names=", ".join(absent), packages=PACKAGES))
    if "overlay" not in Path("/proc/filesystems").read_text(encoding="ascii").split():
        found.append(t("the kernel has no overlay file system (modprobe overlay)"))
    return found
