"""Listeners and routes have the host names of their components, lead to their Services, and end TLS there."""

from collections.abc import Iterator, Mapping
from typing import Any

from ggi.controls.sdk import Detail, Observation, Subject, Verdict, hosts, service_ports, verdict

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
        yield verdict(subject.name, not wrong, sorted(set(wrong)))
    ports = service_ports(seen)
    for subject in seen.of("HTTPRoute", "TLSRoute"):
        wrong = [*_route(seen, subject, listeners, known), *_rules(subject, ports)]
        yield verdict(subject.name, not wrong, sorted(set(wrong)))


def _gateway(
    seen: Observation, spec: Mapping[str, Any], found: list[Any], known: Mapping[str, str]
) -> Iterator[Detail]:
    if spec.get("gatewayClassName") != seen.environment.cluster.gateway.class_name:
        yield Detail("setting", "gatewayClassName")
    if spec.get("addresses"):
        yield Detail("setting", "addresses")
    named = {str(item.get("name", "")) for item in found}
    yield from (Detail("no-listener-for", name) for name in known.keys() - named)
    for item in found:
        name, tls = str(item.get("name", "")), item.get("tls") or {}
        if name == "http":
            wanted: tuple[Any, ...] = (80, "HTTP", None, None)
        elif name in known:
            passed = seen.landscape.components[name].component.passthrough
            wanted = (443, "TLS" if passed else "HTTPS", known[name], "Passthrough" if passed else "Terminate")
            kinds = [kind.get("kind") for kind in (item.get("allowedRoutes") or {}).get("kinds") or ()]
            if kinds != ["TLSRoute" if passed else "HTTPRoute"]:
                yield Detail("route-kinds", name)
            refs = tls.get("certificateRefs") or ()
            shown = [(c.get("kind", "Secret"), c.get("group", ""), c.get("name")) for c in refs]
            if shown != ([] if passed else [("Secret", "", f"{name}-tls")]):
                yield Detail("certificate", name)
        else:
            yield Detail("listener", name) if name else Detail("nameless-listener")
            continue
        mode = tls.get("mode", "Terminate") if tls else None
        if (item.get("port"), item.get("protocol"), item.get("hostname"), mode) != wanted:
            yield Detail("listener-settings", name)


def _route(
    seen: Observation, subject: Subject, listeners: Mapping[str, set[str]], known: Mapping[str, str]
) -> Iterator[Detail]:
    spec = subject.body.get("spec") or {}
    parents = [item for item in spec.get("parentRefs") or () if isinstance(item, Mapping)]
    for parent in parents:
        if parent.get("sectionName") not in listeners.get(str(parent.get("name", "")), ()):
            yield Detail("no-such-listener")
        elif parent["sectionName"] not in (subject.component, "http"):
            yield Detail("listener", parent["sectionName"])
    if not parents:
        yield Detail("no-listener")
    wanted = [known[subject.component]] if subject.component in known else []
    if list(spec.get("hostnames") or ()) != wanted:
        yield Detail("setting", "hostnames")


def _rules(subject: Subject, ports: Mapping[str, set[int]]) -> Iterator[Detail]:
    rules = [item for item in (subject.body.get("spec") or {}).get("rules") or () if isinstance(item, Mapping)]
    if not rules:
        yield Detail("no-rules")
    for rule in rules:
        backends = rule.get("backendRefs") or ()
        redirect = any("requestRedirect" in item for item in rule.get("filters") or ())
        if bool(backends) == redirect:
            yield Detail("back-end-or-redirect")
        for backend in backends:
            name = str(backend.get("name", ""))
            if not name.startswith(f"{subject.component}-") or "namespace" in backend:
                yield Detail("back-end", name) if name else Detail("nameless-back-end")
            elif backend.get("port") not in ports.get(name, ()):
                yield Detail("port-of", name)
        for item in rule.get("filters") or ():
            if (item.get("requestRedirect") or {}).get("statusCode", 301) not in CODES:
                yield Detail("redirect-status")
