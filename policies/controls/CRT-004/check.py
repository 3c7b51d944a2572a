"""Names, issuer, uses and Secret of every certificate: for the component's host name and its Services, none other."""

from collections.abc import Iterator, Mapping
from typing import Any

from ggi.controls.sdk import Detail, Observation, Subject, Verdict, hosts, service_ports, verdict

USES = {"digital signature", "key encipherment", "server auth", "client auth"}
LONGEST_CA = 5 * 366 * 24
"""Hours of five years."""


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per certificate and per issuer."""
    issuers = {s.kube_name for s in seen.of("Issuer")}
    authorities = {str(_spec(s).get("secretName")): s for s in seen.of("Certificate") if _spec(s).get("isCA")}
    for subject in seen.of("Certificate"):
        wrong = [*_issuer(seen, subject, issuers), *_names(seen, subject)]
        names = [Detail("host", name) for name in _spec(subject).get("dnsNames") or ()] or Detail("ca")
        yield verdict(subject.name, not wrong, wrong or names)
    for subject in seen.of("Issuer"):
        spec = _spec(subject)
        secret = (spec.get("ca") or {}).get("secretName")
        fine = set(spec) == {"selfSigned"} or (set(spec) == {"ca"} and secret in authorities)
        yield verdict(subject.name, fine, [Detail("setting", field) for field in spec] or Detail("nothing"))


def _spec(subject: Subject) -> Mapping[str, Any]:
    found: Mapping[str, Any] = subject.body.get("spec") or {}
    return found


def _issuer(seen: Observation, subject: Subject, issuers: set[str]) -> Iterator[Detail]:
    issuer, spec = _spec(subject).get("issuerRef") or {}, _spec(subject)
    name, kind = issuer.get("name"), issuer.get("kind", "Issuer")
    public = subject.name.endswith("/public")
    wanted = ("ClusterIssuer", seen.environment.cluster.gateway.issuer) if public else ("Issuer", name)
    if (kind, name) != wanted or (kind == "Issuer" and name not in issuers):
        yield Detail("issuer", f"{kind} {name}")
    if issuer.get("group", "cert-manager.io") != "cert-manager.io":
        yield Detail("issuer-group")
    if spec.get("isCA"):
        if subject.component != "platform" or name == spec.get("secretName") or not _lasts(spec):
            yield Detail("own-ca")
        if (spec.get("privateKey") or {}).get("rotationPolicy") != "Never":
            # Certificates are not issued anew with their CA: with another key, old and new would refuse each other.
            yield Detail("new-key")
    elif name == "self-signed":
        yield Detail("self-signed")


def _lasts(spec: Mapping[str, Any]) -> bool:
    """Whether a CA ends within five years and is renewed before its certificates end."""
    life, before = str(spec.get("duration", "")), str(spec.get("renewBefore", ""))
    if not (life.endswith("h") and before.endswith("h") and life[:-1].isdigit() and before[:-1].isdigit()):
        return False
    return 24 * 366 <= int(life[:-1]) <= LONGEST_CA and 24 * 30 <= int(before[:-1]) < int(life[:-1])


def _names(seen: Observation, subject: Subject) -> Iterator[Detail]:
    spec, component = _spec(subject), subject.component
    names = [str(name) for name in spec.get("dnsNames") or ()]
    ending = f".{seen.environment.namespace}.svc"
    if spec.get("isCA"):
        yield from (Detail("name", name) for name in names)
        return
    if subject.name.endswith("/public"):
        allowed = {hosts(seen).get(component, "")}
        secret = f"{component}-tls"
    else:
        services = [name for name in service_ports(seen) if name.startswith(f"{component}-")]
        allowed = {name + tail for name in [*services, component] for tail in ("", ending)}
        if not seen.landscape.components[component].component.passthrough:
            allowed |= {host for host in (hosts(seen).get(component),) if host}
        secret = f"{component}-internal"
        if set(spec.get("usages") or ()) != USES:
            # Both ends show a certificate; signing others with it is a CA's.
            yield Detail("usages")
    yield from (Detail("name", name) for name in names if name not in allowed)
    if not names or (len(allowed) > 1 and not any(name.endswith(ending) for name in names)):
        yield Detail("no-name")
    if subject.name.endswith("/public") and set(spec.get("usages") or USES) - USES:
        yield Detail("usages")
    if spec.get("secretName") != secret:
        yield Detail("secret", str(spec.get("secretName")))
    unwanted = ("keystores", "secretTemplate", "uris", "emailAddresses")
    yield from (Detail("setting", field) for field in unwanted if spec.get(field))
