"""Every Service of the landscape selects the pods of its own component, at ports that they declare, by TCP."""

from collections.abc import Iterator
from typing import Any

from ggi.controls.sdk import NAME_LABEL as NAME
from ggi.controls.sdk import PROCESS_LABEL as PROCESS
from ggi.controls.sdk import Detail, Observation, Subject, Verdict, ports_of, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per Service that the landscape makes."""
    known = seen.planned
    for subject in seen.of("Service"):
        if subject.name in known:
            wrong = sorted(set(_wrong(seen, subject)))
            yield verdict(subject.name, not wrong, wrong)


def _wrong(seen: Observation, subject: Subject) -> Iterator[Detail]:
    component, _, role = subject.name.split("/")
    spec: dict[str, Any] = dict(subject.body.get("spec") or {})
    selector = spec.get("selector") or {}
    if selector.get(NAME) != component or selector.get(PROCESS) != role:
        yield Detail("selector")
    process = seen.landscape.components[component].component.process(role)
    there = ports_of(seen, selector) or set()
    names = [p.get("name") for p in spec.get("ports") or ()]
    ports = [port for port in process.pod_ports if not port.own]
    if sorted(map(str, names)) != sorted(p.name for p in ports):
        yield Detail("ports")
    for port in spec.get("ports") or ():
        target = port.get("targetPort", port.get("port"))
        if target not in there or target not in (port.get("name"), *(p.number for p in ports)):
            yield Detail("target", target)
        if port.get("protocol", "TCP") != "TCP":
            yield Detail("protocol", port["protocol"])
        if not 0 < port.get("port", 0) < 65536:
            yield Detail("port-number")
    yield from (Detail("setting", field) for field in ("externalName", "publishNotReadyAddresses") if spec.get(field))
