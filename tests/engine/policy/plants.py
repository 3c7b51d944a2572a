"""Violations to plant, and per control where each can be seen: a table for people as much as for the test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ggi.controls.examples import Mutation

PLACES = ("plan", "preview", "state", "live", "admission")

SEVERAL = "the rule looks at more than one object; an admission policy sees one"
RELEASE = "the API server does not know the release"
TENANT = "the API server does not know the tenant's file"
REMOVED = "removing an object writes none"
SECRETS = "auditors may not read Secrets; the control is not judged"


@dataclass(frozen=True)
class Plant:
    """One control, and a change that breaks it: of an object (`subject`), or of the tenant's file."""

    control: str
    subject: str = ""
    change: tuple[Mutation, ...] = ()
    remove: bool = False
    unseen: Mapping[str, str] = field(default_factory=dict)
    """The places that can't see it, each with the reason."""
    about: str = ""
    """What the finding is about, when it is not `subject`."""


def set_(*changes: tuple[str | list[str | int], Any]) -> tuple[Mutation, ...]:
    """A change per (path, value)."""
    return tuple(Mutation(path=path, value=value) for path, value in changes)


POD = "spec.template.spec"
PLANTS = [
    Plant(
        "POD-001",
        "openklant/Deployment/web",
        set_(
            (f"{POD}.securityContext.runAsNonRoot", False),
            (f"{POD}.containers.0.securityContext.runAsNonRoot", False),
        ),
    ),
    Plant(
        "POD-014",
        "platform/Namespace/main",
        set_((["metadata", "labels", "pod-security.kubernetes.io/audit"], "privileged")),
    ),
    Plant("IMG-001", "openklant/Deployment/worker", set_((f"{POD}.containers.0.image", "docker.io/own/worker:latest"))),
    Plant("IMG-004", "openklant/Deployment/worker", unseen={"admission": RELEASE}),
    Plant("APP-001", "openklant/ConfigMap/env", set_(("data.DEBUG", "True"))),
    Plant("SEC-001", "openklant/Secret/env", set_(("immutable", False)), unseen={"live": SECRETS}),
    Plant("SEC-003", "openklant/ConfigMap/env", set_(("data.KEY_FILE", "-----BEGIN EC PRIVATE KEY-----"))),
    Plant(
        "NET-001",
        "platform/NetworkPolicy/default-deny",
        set_(("spec.policyTypes", ["Ingress"])),
        False,
        {"admission": SEVERAL},
    ),
    Plant("NET-004", "openklant/NetworkPolicy/web", set_(("spec.ingress.0.from.0.namespaceSelector", {}))),
    Plant("NET-005", "openklant/NetworkPolicy/web", unseen={"admission": SEVERAL}),
    Plant("NET-007", "openklant/Service/web", set_(("spec.externalIPs", ["192.0.2.10"]))),
    Plant("TLS-001", "platform/ClientTrafficPolicy/tls", set_(("spec.tls.minVersion", "1.0"))),
    Plant(
        "CRT-001",
        "openklant/Certificate/public",
        set_(("spec.privateKey.algorithm", "RSA"), ("spec.privateKey.size", 2048)),
    ),
    Plant("DAT-003", "postgresql/Cluster/main", set_(("spec.postgresql.parameters.ssl_min_protocol_version", "TLSv1"))),
    Plant("AVL-003", "openklant/PodDisruptionBudget/web", set_(("spec.maxUnavailable", "100%"))),
    Plant(
        "AVL-002",
        "openklant/PodDisruptionBudget/worker",
        remove=True,
        unseen={"admission": REMOVED},
        about="openklant/Deployment/worker",
    ),
    Plant("GOV-002", unseen={"admission": TENANT}),
]
HERINDELING = {"into": "GM9902", "date": "2026-01-01"}
"""In the tenant's file: GOV-002."""
