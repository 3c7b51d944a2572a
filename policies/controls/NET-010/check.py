"""Listeners and routes have the host names of their components, lead to their Services, and end TLS there."""

from collections.abc import Iterator, Mapping
from typing import Any

from ggi.controls.sdk import Observation, Subject, Verdict, hosts, service_ports, verdict

CODES = (301, 302, 308)


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per Gateway and per route."""
    known = hosts(seen)
    listeners: dict[str, set[str]] = {}
    for subject in seen.of("Gateway"):
        spec = subject.body.get("spec") or {}
        found = [item for item in spec.get("listeners") or () if isinstance(item, Mapping)]
        listeners[subject.kube_name] = {str(item.get("name", "")) for item in found}
        wrong = [*_gateway(seen, spec, found, known)]
        yield verdict(subject.name, not wrong, ", ".join(sorted(set(wrong))))
    ports = service_ports(seen)
    for subject in seen.of("HTTPRoute", "TLSRoute"):
        wrong = [*_route(seen, subject, listeners, known), *_rules(subject, ports)]
        yield verdict(subject.name, not wrong, ", ".join(sorted(set(wrong))))


def _gateway(seen: Observation, spec: Mapping[str, Any], found: list[Any], known: Mapping[str, str]) -> Iterator[str]:
    if spec.get("gatewayClassName") != seen.environment.cluster.gateway.class_name:
        yield "gatewayClassName"
    if spec.get("addresses"):
        yield "addresses"
    named = {str(item.get("name", "")) for item in found}
    yield from (f"no listener for {name}" for name in known.keys() - named)
    for item in found:
        name, tls = str(item.get("name", "")), item.get("tls") or {}
        if name == "http":
            wanted: tuple[Any, ...] = (80, "HTTP", None, None)
        elif name in known:
            passed = seen.landscape.components[name].component.passthrough
            wanted = (443, "TLS" if passed else "HTTPS", known[name], "Passthrough" if passed else "Terminate")
            kinds = [kind.get("kind") for kind in (item.get("allowedRoutes") or {}).get("kinds") or ()]
            if kinds != ["TLSRoute" if passed else "HTTPRoute"]:
                yield f"{name}: kinds of routes"
            refs = tls.get("certificateRefs") or ()
            shown = [(c.get("kind", "Secret"), c.get("group", ""), c.get("name")) for c in refs]
            if shown != ([] if passed else [("Secret", "", f"{name}-tls")]):
                yield f"{name}: certificate"
        else:
            yield f"listener {name or 'without a name'}"
            continue
        mode = tls.get("mode", "Terminate") if tls else None
        if (item.get("port"), item.get("protocol"), item.get("hostname"), mode) != wanted:
            yield f"{name}: port, protocol, hostname or mode"


def _route(
    seen: Observation, subject: Subject, listeners: Mapping[str, set[str]], known: Mapping[str, str]
) -> Iterator[str]:
    spec = subject.body.get("spec") or {}
    parents = [item for item in spec.get("parentRefs") or () if isinstance(item, Mapping)]
    for parent in parents:
        if parent.get("sectionName") not in listeners.get(str(parent.get("name", "")), ()):
            yield "no such listener"
        elif parent["sectionName"] not in (subject.component, "http"):
            yield f"listener {parent['sectionName']}"
    if not parents:
        yield "no listener"
    wanted = [known[subject.component]] if subject.component in known else []
    if list(spec.get("hostnames") or ()) != wanted:
        yield "hostnames"


def _rules(subject: Subject, ports: Mapping[str, set[int]]) -> Iterator[str]:
    rules = [item for item in (subject.body.get("spec") or {}).get("rules") or () if isinstance(item, Mapping)]
    if not rules:
        yield "no rules"
    for rule in rules:
        backends = rule.get("backendRefs") or ()
        redirect = any("requestRedirect" in item for item in rule.get("filters") or ())
        if bool(backends) == redirect:
            yield "back end"
        for backend in backends:
            name = str(backend.get("name", ""))
            if not name.startswith(f"{subject.component}-") or "namespace" in backend:
                yield f"back end {name or 'without a name'}"
            elif backend.get("port") not in ports.get(name, ()):
                yield f"port of {name}"
        for item in rule.get("filters") or ():
            if (item.get("requestRedirect") or {}).get("statusCode", 301) not in CODES:
                yield "status of the redirect"
