"""Command, arguments, environment, ports and probes of every container are those of its process, step or run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ggi.controls.sdk import Component, Detail, Observation, Probe, Process, Subject, Verdict, verdict

Container = Mapping[str, Any]


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per workload of the landscape."""
    known: dict[str, list[str]] = {}
    for name in seen.planned:
        known.setdefault(name.partition("/")[0], []).append(name)
    for subject in seen.of("Deployment", "StatefulSet", "Job"):
        if subject.name in seen.planned and subject.pod is not None:
            component = seen.landscape.components[subject.component].component
            wrong = sorted({*_wrong(component, subject), *_configured(component, subject, known[component.name])})
            yield verdict(subject.name, not wrong, wrong)


def _wrong(component: Component, subject: Subject) -> Iterator[Detail]:
    role, pod = subject.name.rpartition("/")[2], subject.pod or {}
    containers = list(pod.get("containers") or ())
    process = component.processes[0] if subject.kind == "Job" else component.process(role)
    beside = () if subject.kind == "Job" else process.beside
    first = role if subject.kind == "Job" else process.container or role
    if [c.get("name") for c in containers] != [first, *(other.name for other in beside)]:
        yield Detail("containers")
        return
    if subject.kind == "Job":
        run = next(run for run in component.runs if run.name == role)
        yield from _starts(containers[0], run.command, (), process.environment)
        return
    for container, declared in zip(containers, (process, *beside), strict=True):
        yield from _container(container, declared)
    steps = [(step.name, list(step.command)) for step in process.prepare]
    if steps != [(c.get("name"), list(c.get("command") or ())) for c in pod.get("initContainers") or ()]:
        yield Detail("steps")


def _container(container: Container, process: Process) -> Iterator[Detail]:
    yield from _starts(container, process.command, process.args, process.environment)
    ports = [{"name": p.name, "containerPort": p.number, "protocol": "TCP"} for p in process.ports]
    if [{"protocol": "TCP", **port} for port in container.get("ports") or ()] != ports:
        yield Detail("ports")
    for field, probe in (
        ("startupProbe", process.startup),
        ("livenessProbe", process.liveness),
        ("readinessProbe", process.readiness),
    ):
        if _asked(container.get(field)) != _declared(probe):
            yield Detail("setting", field)


def _configured(component: Component, subject: Subject, known: Sequence[str]) -> Iterator[Detail]:
    """Configuration and secrets that its process or run gets as environment, and the container does not."""
    role, pod = subject.name.rpartition("/")[2], subject.pod or {}
    configured = {part.name: part.configured for part in component.runs}
    configured |= {part.name: part.configured for part in component.processes}
    if not configured[role]:
        return
    names = ["env", "setup"] if role == "configure" else ["env"]
    for container in (pod.get("containers") or ())[:1]:
        sources = [source for source in container.get("envFrom") or () if isinstance(source, Mapping)]
        for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            given = [str((source.get(field) or {}).get("name", "")) for source in sources]
            for name in names:
                # The document of `setup` is a file; only its secrets are environment.
                wanted = any(item.startswith(f"{component.name}/{kind}/{name}") for item in known)
                has = any(item.startswith(f"{component.name}-{name}") for item in given)
                if (kind, name) != ("ConfigMap", "setup") and wanted and not has:
                    yield Detail("setting", f"{kind} {name}")


def _starts(
    container: Container, command: tuple[str, ...], args: tuple[str, ...], environment: Mapping[str, str]
) -> Iterator[Detail]:
    if tuple(container.get("command") or ()) != command:
        yield Detail("command")
    if tuple(container.get("args") or ()) != args:
        yield Detail("arguments")
    if {entry.get("name"): entry.get("value") for entry in container.get("env") or ()} != environment:
        yield Detail("environment")


def _asked(probe: Mapping[str, Any] | None) -> tuple[Any, ...]:
    if not probe:
        return ()
    if "exec" in probe:
        return tuple((probe["exec"] or {}).get("command") or ())
    if "tcpSocket" in probe:
        return ((probe["tcpSocket"] or {}).get("port"),)
    asked = probe.get("httpGet") or {}
    return asked.get("port"), asked.get("path"), asked.get("scheme", "HTTP")


def _declared(probe: Probe | None) -> tuple[Any, ...]:
    if probe is None:
        return ()
    if probe.command:
        return probe.command
    return (probe.port, probe.path, probe.scheme) if probe.path else (probe.port,)
