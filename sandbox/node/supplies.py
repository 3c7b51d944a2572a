"""What other parties would bring to a cluster: certificates of an FSC group, by an authority of the sandbox's own.

A component that waits for one names a Secret `<component>-group` in its volumes; PKIoverheid would issue it for the
organisation's OIN, the sandbox issues it for a number of the tests' range.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from cryptography.x509.oid import NameOID

from ggi.engine.kubeapi import KubeApi
from sandbox.hosts.authority import Authority

MANAGER = "ggi-sandbox-supplies"
SUFFIX = "-group"
GROUP_AUTHORITY = ("group-authority", "Sandbox FSC group")
"""File and name."""
OIN = "00000099000000000001"
"""Prefix 00000099: anyone may use it for tests (OIN-Stelsel, ch06)."""
ROUTES = (("gateway.networking.k8s.io/v1", "TLSRoute"), ("gateway.networking.k8s.io/v1", "HTTPRoute"))


def supply(api: KubeApi, folder: Path) -> None:
    """Make the Secrets that pods wait for and somebody else would supply. Raises ApiError."""
    for pod in api.list("v1", "Pod", fields="status.phase=Pending"):
        namespace = pod["metadata"]["namespace"]
        for volume in pod["spec"].get("volumes") or ():
            name = (volume.get("secret") or {}).get("secretName", "")
            if name.endswith(SUFFIX) and not api.find("v1", "Secret", name, namespace):
                component = name.removesuffix(SUFFIX)
                hosts = [*_hosts(api, component, namespace), f"{component}-server.{namespace}.svc"]
                api.apply(_secret(name, namespace, hosts, folder), field_manager=MANAGER, force=True)


def _hosts(api: KubeApi, component: str, namespace: str) -> list[str]:
    found = [api.find(version, kind, component, namespace) for version, kind in ROUTES]
    return [host for route in found if route for host in route["spec"].get("hostnames") or ()]


def _secret(name: str, namespace: str, hosts: list[str], folder: Path) -> dict[str, Any]:
    authority = Authority.kept(folder, *GROUP_AUTHORITY)
    subject = ((NameOID.ORGANIZATION_NAME, "Sandbox"), (NameOID.SERIAL_NUMBER, OIN))
    issued = authority.issue(hosts[0][:64], hosts, subject=subject)
    data = {"tls.crt": issued.certificate, "tls.key": issued.key, "ca.crt": authority.pem}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {"sandbox.ggi/supplied": "by the sandbox, in place of the FSC group's authority"},
        },
        "type": "kubernetes.io/tls",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }
