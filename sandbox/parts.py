"""The programs of the control plane and how each is started and asked how it is."""

from __future__ import annotations

import hashlib
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from sandbox.certificates import SERVICE_RANGE, Pki
from sandbox.layout import Layout

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

    def digest(self) -> str:
        """Changes with the command line, the program's version (its path holds it) and the content of what it reads."""
        state = hashlib.sha256("\0".join(self.command).encode())
        for path in self.reads:
            state.update(path.read_bytes() if path.exists() else b"")
        return state.hexdigest()[:16]


def parts(
    layout: Layout, ports: Mapping[str, int], pki: Pki, programs: Mapping[str, Path]
) -> dict[str, ControlPlanePart]:
    """All parts of the sandbox in the order in which they start."""
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
                *address("kube-apiserver"),
                *serving,
                f"--client-ca-file={authority}",
                "--authorization-mode=Node,RBAC",
                # The node lifecycle controller, which takes these taints away again, does not run.
                "--disable-admission-plugins=TaintNodesByCondition",
                "--enable-admission-plugins=NodeRestriction",
                "--allow-privileged=true",
                f"--service-cluster-ip-range={SERVICE_RANGE}",
                "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
                f"--service-account-key-file={keys.certificate}",
                f"--service-account-signing-key-file={keys.key}",
                # The Service `kubernetes` can't have a loopback address as its endpoint.
                "--advertise-address=127.0.0.1",
                "--endpoint-reconciler-type=none",
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
                # Its verdict over nodes that nobody hears from would turn pods NotReady and nothing would turn them
                # back.
                "--controllers=*,-node-lifecycle-controller",
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
                str(programs["kwok"]),
                f"--kubeconfig={config('kwok')}",
                "--manage-all-nodes=true",
                f"--cidr={POD_RANGE}",
                f"--server-address=127.0.0.1:{ports['kwok']}",
                f"--config={layout.stages}",
                "--v=WARN",
            ),
            f"http://127.0.0.1:{ports['kwok']}/healthz",
            (config("kwok"), layout.stages),
            # Else it would also read ~/.kwok/kwok.yaml.
            {"KWOK_WORKDIR": str(layout.folder / "kwok")},
        ),
    ]
    return {part.name: part for part in found}


def healthy(part: ControlPlanePart, pki: Pki) -> bool:
    """Whether the part answers within two seconds that it is well. Never raises."""
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
