"""The programs of the control plane and how each is started and asked how it is."""

from __future__ import annotations

import hashlib
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from pathlib import Path

from sandbox.certificates import SERVICE_RANGE, Pki
from sandbox.layout import Layout

API_PORT = 6443
"""Of the API server where there are real nodes: the usual one, which policies name."""

POD_RANGE = "10.244.0.0/16"
"""Addresses that kwok hands to pods, as kubeadm's examples choose them. Nothing answers there."""


@dataclass(frozen=True, slots=True)
class ControlPlanePart:
    """One daemon: its command line, where its health is asked, and the files whose change asks for a restart."""

    name: str
    command: tuple[str, ...]
    health: str
    reads: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    inside: tuple[str, ...] = ()
    """Words before the command that run it in another network."""

    def digest(self) -> str:
        """Changes with the command line, the program's version (its path holds it) and the content of what it reads."""
        state = hashlib.sha256("\0".join(self.command).encode())
        for path in self.reads:
            state.update(path.read_bytes() if path.exists() else b"")
        return state.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class RealNodes:
    """What the control plane must know of real nodes."""

    advertised: str
    """Where pods reach the API server: behind the Service `kubernetes`."""
    inside: tuple[str, ...]
    """Words before a command that run it in the nodes' network."""


def parts(
    layout: Layout, ports: Mapping[str, int], pki: Pki, programs: Mapping[str, Path], real: RealNodes | None = None
) -> dict[str, ControlPlanePart]:
    """The parts of the control plane in the order in which they start; kwok only without `real` nodes."""
    prefix = real.inside if real else ()
    server, etcd_client = pki.pair("server"), pki.pair("etcd-client")
    serving = (f"--tls-cert-file={server.certificate}", f"--tls-private-key-file={server.key}")
    etcd = f"https://127.0.0.1:{ports['etcd']}"
    peer = f"https://127.0.0.1:{ports['etcd-peer']}"
    keys = pki.service_accounts
    authority = pki.authority

    def config(name: str) -> Path:
        return layout.pki / f"{name}.kubeconfig"

    def address(name: str) -> tuple[str, str]:
        return ("--bind-address=127.0.0.1", f"--secure-port={ports[name]}")

    def delegated(name: str) -> tuple[str, ...]:
        return (
            f"--kubeconfig={config(name)}",
            f"--authentication-kubeconfig={config(name)}",
            f"--authorization-kubeconfig={config(name)}",
            # One of each runs here; an election only costs time.
            "--leader-elect=false",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--profiling=false",
            *address(name),
            *serving,
        )

    found = [
        ControlPlanePart(
            "etcd",
            (
                str(programs["etcd"]),
                "--name=sandbox",
                f"--data-dir={layout.data}",
                f"--listen-client-urls={etcd}",
                f"--advertise-client-urls={etcd}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=sandbox={peer}",
                f"--cert-file={server.certificate}",
                f"--key-file={server.key}",
                "--client-cert-auth",
                f"--trusted-ca-file={authority}",
                f"--peer-cert-file={server.certificate}",
                f"--peer-key-file={server.key}",
                "--peer-client-cert-auth",
                f"--peer-trusted-ca-file={authority}",
                # Nothing here must outlive a power cut; a killed process loses nothing either way.
                "--unsafe-no-fsync",
                # It elects itself after this time (ms); at least five heartbeats.
                "--election-timeout=500",
                "--log-level=warn",
            ),
            f"{etcd}/health",
            (server.certificate,),
        ),
        ControlPlanePart(
            "kube-apiserver",
            (
                str(programs["kube-apiserver"]),
                f"--etcd-servers={etcd}",
                f"--etcd-cafile={authority}",
                f"--etcd-certfile={etcd_client.certificate}",
                f"--etcd-keyfile={etcd_client.key}",
                *(("--bind-address=0.0.0.0", f"--secure-port={API_PORT}") if real else address("kube-apiserver")),
                *serving,
                f"--client-ca-file={authority}",
                "--authorization-mode=Node,RBAC",
                *(() if real else ("--disable-admission-plugins=TaintNodesByCondition",)),
                "--enable-admission-plugins=NodeRestriction",
                "--allow-privileged=true",
                f"--service-cluster-ip-range={SERVICE_RANGE}",
                "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
                f"--service-account-key-file={keys.certificate}",
                f"--service-account-signing-key-file={keys.key}",
                *(_with_nodes(pki, real) if real else _WITHOUT_NODES),
                "--profiling=false",
                "--shutdown-delay-duration=0s",
            ),
            f"https://127.0.0.1:{ports['kube-apiserver']}/readyz",
            (server.certificate,),
        ),
        ControlPlanePart(
            "kube-controller-manager",
            (
                str(programs["kube-controller-manager"]),
                *delegated("kube-controller-manager"),
                *(_LIFECYCLE if real else ("--controllers=*,-node-lifecycle-controller",)),
                "--use-service-account-credentials=true",
                f"--service-account-private-key-file={keys.key}",
                f"--root-ca-file={authority}",
                f"--cluster-signing-cert-file={authority}",
                f"--cluster-signing-key-file={pki.pair('ca').key}",
            ),
            f"https://127.0.0.1:{ports['kube-controller-manager']}/healthz",
            (config("kube-controller-manager"), server.certificate),
        ),
        ControlPlanePart(
            "kube-scheduler",
            (str(programs["kube-scheduler"]), *delegated("kube-scheduler")),
            f"https://127.0.0.1:{ports['kube-scheduler']}/healthz",
            (config("kube-scheduler"), server.certificate),
        ),
        ControlPlanePart(
            "kwok",
            (
                str(programs.get("kwok", "kwok")),
                f"--kubeconfig={config('kwok')}",
                "--manage-all-nodes=true",
                f"--cidr={POD_RANGE}",
                f"--server-address=127.0.0.1:{ports.get('kwok', 0)}",
                f"--config={layout.stages}",
                "--v=WARN",
            ),
            f"http://127.0.0.1:{ports.get('kwok', 0)}/healthz",
            (config("kwok"), layout.stages),
            # Else it would also read ~/.kwok/kwok.yaml.
            {"KWOK_WORKDIR": str(layout.folder / "kwok")},
        ),
    ]
    return {part.name: replace(part, inside=prefix) for part in found if not real or part.name != "kwok"}


# The node lifecycle controller, which takes taints away again, does not run where nodes are simulated: its verdict over
# nodes that nobody hears from would turn pods NotReady and nothing would turn them back. And the Service `kubernetes`
# can't have a loopback address as its endpoint.
_WITHOUT_NODES = ("--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none")
_LIFECYCLE = ("--controllers=*", "--node-monitor-period=2s", "--node-monitor-grace-period=25s")


def _with_nodes(pki: Pki, real: RealNodes) -> tuple[str, ...]:
    admin = pki.pair("admin")
    return (
        f"--advertise-address={real.advertised}",
        f"--kubelet-client-certificate={admin.certificate}",
        f"--kubelet-client-key={admin.key}",
        f"--kubelet-certificate-authority={pki.authority}",
        "--kubelet-preferred-address-types=InternalIP",
    )


def healthy(part: ControlPlanePart, pki: Pki) -> bool:
    """Whether the part answers within two seconds that it is well; one without an address is when it runs."""
    if not part.health:
        return True
    client = pki.pair("etcd-client" if part.name == "etcd" else "admin")
    try:
        context = ssl.create_default_context(cafile=str(pki.authority))
        context.load_cert_chain(client.certificate, client.key)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(part.health, timeout=2.0) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError, HTTPException):
        return False
