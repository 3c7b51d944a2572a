"""Behind every route: port 443, a BackendTLSPolicy for the component's host name, and a certificate for that name."""

from collections.abc import Iterator, Mapping
from typing import Any

from ggi.controls.sdk import Detail, Observation, Subject, Verdict, hosts, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per HTTPRoute that forwards to a Service."""
    policies: dict[str, Mapping[str, Any]] = {}
    for subject in seen.of("BackendTLSPolicy"):
        for target in _spec(subject).get("targetRefs") or ():
            if target.get("kind") == "Service":
                policies[str(target.get("name"))] = _spec(subject).get("validation") or {}
    certificates = {str(_spec(s).get("secretName")): _spec(s).get("dnsNames") or () for s in seen.of("Certificate")}
    for subject in seen.of("HTTPRoute"):
        backends = [b for rule in _spec(subject).get("rules") or () for b in rule.get("backendRefs") or ()]
        if backends:
            host = hosts(seen).get(subject.component, "")
            wrong = [detail for backend in backends for detail in _backend(backend, host, policies, certificates)]
            yield verdict(subject.name, not wrong, sorted(set(wrong)))


def _spec(subject: Subject) -> Mapping[str, Any]:
    found: Mapping[str, Any] = subject.body.get("spec") or {}
    return found


def _backend(
    backend: Mapping[str, Any],
    host: str,
    policies: Mapping[str, Mapping[str, Any]],
    certificates: Mapping[str, Any],
) -> Iterator[Detail]:
    if backend.get("port") != 443:
        yield Detail("port-of", backend.get("name", ""))
    found = policies.get(str(backend.get("name")))
    if found is None:
        yield Detail("no-policy")
        return
    if found.get("hostname") != host:
        yield Detail("other-name", found.get("hostname", ""))
    authorities = [
        str(item.get("name")) for item in found.get("caCertificateRefs") or () if item.get("kind") == "Secret"
    ]
    if not authorities or found.get("wellKnownCACertificates") or not set(authorities) <= set(certificates):
        yield Detail("other-authority")
    elif not any(host in certificates[name] for name in authorities):
        yield Detail("no-certificate")
