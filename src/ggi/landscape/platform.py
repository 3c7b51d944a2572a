"""What every namespace has before any component: its rules, its budget, its own certificate authority, its gateway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ggi.catalogue.tls import CIPHERS
from ggi.inventory.load import Environment
from ggi.inventory.types import quantity
from ggi.inventory.waivers import ACCEPTED, admission_text
from ggi.landscape.network import edge_peers
from ggi.landscape.objects import NAMESPACE, PLATFORM, Body, Object, labels
from ggi.landscape.pods import cpu_text

INTERNAL_ISSUER = "internal-ca"
"""Issuer in the namespace for certificates between components (Redis, FSC's internal side)."""
GATEWAY = "ggi"
DEFAULT_DENY = f"{PLATFORM}/NetworkPolicy/default-deny"
CA_SECRET = "internal-ca"  # noqa: S105  (a name)
QUOTA_MARGIN = 1.5
"""Room for a roll-out (old and new pods side by side) and for Jobs, as a factor on what the landscape asks for."""
CURVES = ("X25519MLKEM768", "X25519", "P-256", "P-384")
SOLVER_PORT, SOLVER_PODS = 8089, {"acme.cert-manager.io/http01-solver": "true"}
"""cert-manager's pods that answer HTTP-01 (pkg/issuer/acme/http/http.go and pkg/apis/acme/v1/types.go, v1.21.2)."""
PSS = "pod-security.kubernetes.io"


def make(
    environment: Environment,
    component: str,
    kind: str,
    role: str,
    api_version: str,
    kube_name: str,
    content: Mapping[str, Any],
    needs: Sequence[str] = (NAMESPACE,),
    **more: Any,
) -> Object:
    """A namespaced object with the standard labels."""
    body: Body = {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": kube_name,
            "namespace": environment.namespace,
            "labels": labels(environment.stack, component),
        },
        **content,
    }
    return Object(f"{component}/{kind}/{role}", component, body, tuple(needs), **more)


def _namespace(environment: Environment) -> Object:
    tenant = environment.tenant
    body: Body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": environment.namespace,
            "labels": labels(environment.stack, PLATFORM)
            | {f"{PSS}/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
            | {f"{PSS}/enforce-version": "latest", "ggi/tenant": tenant.id, "ggi/environment": environment.name},
            "annotations": {"ggi/gemeente": tenant.name, "ggi/release": environment.release},
        },
    }
    return Object(NAMESPACE, PLATFORM, body)


def _network(environment: Environment) -> list[Object]:
    deny = {"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}
    peer = environment.cluster.dns
    solver = environment.cluster.solver
    ports = [{"port": port, "protocol": protocol} for port in peer.ports for protocol in peer.protocols]
    dns = {"spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": edge_peers(peer), "ports": ports}]}}
    api = "networking.k8s.io/v1"
    result = [
        make(environment, PLATFORM, "NetworkPolicy", "default-deny", api, "default-deny", deny),
        make(environment, PLATFORM, "NetworkPolicy", "dns", api, "dns", dns),
    ]
    if solver:
        answer = [{"from": edge_peers(solver), "ports": [{"port": SOLVER_PORT, "protocol": "TCP"}]}]
        spec = {"podSelector": {"matchLabels": SOLVER_PODS}, "policyTypes": ["Ingress", "Egress"], "ingress": answer}
        result.append(make(environment, PLATFORM, "NetworkPolicy", "solver", api, "solver", {"spec": spec}))
    return result


def _certificate_authority(environment: Environment) -> list[Object]:
    """A CA of the namespace's own, so that no certificate of one tenant is trusted by another.

    It keeps its key when it is renewed. Certificates are not issued anew when their CA is, and each pod trusts the
    `ca.crt` beside its own certificate (cert-manager.io, Configuration, CA, "Important Information"); with the same
    name and key, the old and the new certificate of the CA both verify what either signed. `Always`, the default since
    cert-manager 1.18, would part them for up to two months.
    """
    api, name = "cert-manager.io/v1", f"{environment.stack} internal CA"
    root = f"{PLATFORM}/Issuer/self-signed"
    authority = f"{PLATFORM}/Certificate/{INTERNAL_ISSUER}"
    certificate = {
        "spec": {
            "isCA": True,
            "commonName": name,
            "secretName": CA_SECRET,
            "duration": "43800h",
            "renewBefore": "8760h",
            "privateKey": {"algorithm": "ECDSA", "size": 384, "rotationPolicy": "Never"},
            "issuerRef": {"name": "self-signed", "kind": "Issuer", "group": "cert-manager.io"},
        }
    }
    return [
        make(environment, PLATFORM, "Issuer", "self-signed", api, "self-signed", {"spec": {"selfSigned": {}}}),
        make(environment, PLATFORM, "Certificate", INTERNAL_ISSUER, api, INTERNAL_ISSUER, certificate, (root,)),
        make(
            environment,
            PLATFORM,
            "Issuer",
            INTERNAL_ISSUER,
            api,
            INTERNAL_ISSUER,
            {"spec": {"ca": {"secretName": CA_SECRET}}},
            (authority,),
        ),
    ]


def _pods(objects: Iterable[Object]) -> Iterable[tuple[int, Sequence[Body]]]:
    """(how many, resources per container) of every workload; Jobs count as one pod each.

    Pods that an operator makes are in its own object: so many `instances` with these `resources`.
    """
    for item in objects:
        spec = item.body.get("spec", {})
        if item.kind in ("Deployment", "StatefulSet", "Job"):
            containers = spec["template"]["spec"]["containers"]
            yield spec.get("replicas", 1), [c["resources"] for c in containers]
        elif item.kind == "Cluster":
            yield spec["instances"], [spec["resources"]]


def budget(environment: Environment, objects: Sequence[Object]) -> list[Object]:
    """ResourceQuota and LimitRange: what the landscape asks for, with room for a roll-out."""
    cpu = cpu_limit = memory = 0.0
    pods = 0
    claims = sum(1 for item in objects if item.kind == "PersistentVolumeClaim")
    for count, containers in _pods(objects):
        pods += count
        for figures in containers:
            cpu += count * quantity(figures["requests"]["cpu"])
            cpu_limit += count * quantity(figures["limits"]["cpu"])
            memory += count * quantity(figures["limits"]["memory"])
    gigabytes = -(-memory * QUOTA_MARGIN // 2**30)
    hard = {
        "requests.cpu": cpu_text(float(-(-cpu * QUOTA_MARGIN // 1))),
        "limits.cpu": cpu_text(float(-(-cpu_limit * QUOTA_MARGIN // 1))),
        "requests.memory": f"{int(gigabytes)}Gi",
        "limits.memory": f"{int(gigabytes)}Gi",
        "pods": str(int(-(-pods * QUOTA_MARGIN // 1)) + 5),
        "persistentvolumeclaims": str(claims + 10),
        "services.nodeports": "0",
        "services.loadbalancers": "0",
    }
    limits = {
        "spec": {
            "limits": [
                {
                    "type": "Container",
                    "default": {"cpu": "500m", "memory": "256Mi"},
                    "defaultRequest": {"cpu": "50m", "memory": "128Mi"},
                }
            ]
        }
    }
    return [
        make(environment, PLATFORM, "ResourceQuota", "main", "v1", "landscape", {"spec": {"hard": hard}}),
        make(environment, PLATFORM, "LimitRange", "main", "v1", "defaults", limits),
    ]


def _listener(name: str, host: str, passthrough: bool) -> Body:
    tls: Body = {"mode": "Passthrough"}
    if not passthrough:
        reference = {"group": "", "kind": "Secret", "name": f"{name}-tls"}
        tls = {"mode": "Terminate", "certificateRefs": [reference]}
    return {
        "name": name,
        "hostname": host,
        "port": 443,
        "protocol": "TLS" if passthrough else "HTTPS",
        "tls": tls,
        "allowedRoutes": {
            "namespaces": {"from": "Same"},
            "kinds": [{"group": "gateway.networking.k8s.io", "kind": "TLSRoute" if passthrough else "HTTPRoute"}],
        },
    }


def gateway(environment: Environment, listeners: Mapping[str, tuple[str, bool]]) -> list[Object]:
    """The Gateway of the namespace with a listener per component (host, passthrough), its TLS rules, and the redirect.

    Gateway API has no field for TLS versions and ciphers; Envoy Gateway's ClientTrafficPolicy has.
    """
    if not listeners:
        return []
    api = "gateway.networking.k8s.io/v1"
    main = f"{PLATFORM}/Gateway/main"
    plain = {
        "name": "http",
        "port": 80,
        "protocol": "HTTP",
        "allowedRoutes": {"namespaces": {"from": "Same"}},
    }
    spec = {
        "gatewayClassName": environment.cluster.gateway.class_name,
        "listeners": [plain] + [_listener(name, host, through) for name, (host, through) in sorted(listeners.items())],
    }
    redirect = {
        "spec": {
            "parentRefs": [{"name": GATEWAY, "sectionName": "http"}],
            "rules": [
                {"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}]}
            ],
        }
    }
    tls_rules = {
        "spec": {
            "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": GATEWAY}],
            "tls": {"minVersion": "1.2", "maxVersion": "1.3", "ciphers": list(CIPHERS), "ecdhCurves": list(CURVES)},
            "clientIPDetection": {"xForwardedFor": {"numTrustedHops": 0}},
            "headers": {"withUnderscoresAction": "RejectRequest"},
        }
    }
    return [
        make(environment, PLATFORM, "Gateway", "main", api, GATEWAY, {"spec": spec}),
        make(environment, PLATFORM, "HTTPRoute", "redirect", api, "redirect-to-https", redirect, (main,)),
        make(
            environment,
            PLATFORM,
            "ClientTrafficPolicy",
            "tls",
            "gateway.envoyproxy.io/v1alpha1",
            GATEWAY,
            tls_rules,
            (main,),
        ),
    ]


def platform(environment: Environment) -> list[Object]:
    """The namespace and what must be in it before any pod: network rules, certificate authority."""
    return [_namespace(environment), *_network(environment), *_certificate_authority(environment)]


def accepting(namespace: Object, text: str) -> Object:
    """The namespace, which tells the cluster's admission to let `text` through as well."""
    metadata = namespace.body["metadata"]
    notes = dict(metadata["annotations"])
    notes[ACCEPTED] = "\n".join(filter(None, (notes.get(ACCEPTED), text)))
    return replace(namespace, body={**namespace.body, "metadata": {**metadata, "annotations": notes}})


def accept(environment: Environment, objects: list[Object]) -> None:
    """Write on the namespace, which is one of `objects`, what the cluster's admission must let through."""
    listed = [(o.name, o.kind, o.kube_name, o.base) for o in objects]
    if text := admission_text(environment.deviations, environment.name, listed):
        place = next(n for n, item in enumerate(objects) if item.name == NAMESPACE)
        objects[place] = accepting(objects[place], text)
