"""Does a landscape ask of each program what its contract says that it can do? In: a landscape and the contracts."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ggi.catalogue.contract import ComponentContract, Contracts, ProbeFact, Program, VariableFact
from ggi.errors import Problem
from ggi.inventory.types import quantity
from ggi.landscape.build import Landscape
from ggi.landscape.network import edges, way
from ggi.landscape.objects import Body, Object
from ggi.landscape.relations import ComponentInstance
from ggi.landscape.scripts import programs
from ggi.messages import t

HEADROOM = 1.25
"""A process that was measured with nothing to do gets a quarter more at least; that much is our own choice."""
MIB = 2**20
DOCUMENT = "data.yaml"
"""Key of the ConfigMap with the document for django-setup-configuration, which is JSON here."""
UNKNOWN = Program((), (), (), (), (), (), ())
"""Stands for an image that a contract does not have."""
KINDS = ("Deployment", "StatefulSet", "Job")
PROBES = ("startup", "liveness", "readiness")
REFERRED = re.compile(r'"value_from": \{"env": "(\w+)"\}')
"""How a document for django-setup-configuration names a variable."""
READ = re.compile(r"\benviron\[[\"'](\w+)[\"']\](?!\s*=[^=])")
"""How a module in Python that we mount reads a variable that it can't do without (and does not set it itself)."""


@dataclass(frozen=True, slots=True)
class _Container:
    """A container of a pod template, with what its contract says about its image."""

    item: Object
    body: Body
    pod: Body
    program: Program
    label: str
    """The program's name and version, for messages."""
    environment: Mapping[str, str | None]
    """Names and, where they are no secret, values."""
    files: Mapping[str, str]
    """The files that it mounts from ConfigMaps, by path."""

    @property
    def name(self) -> str:
        """The name of its process, or of the step."""
        return str(self.body["name"])

    @property
    def main(self) -> bool:
        """It runs as long as the pod, and is not a step before that."""
        return any(self.body is one for one in self.pod["containers"])

    @property
    def command(self) -> list[str]:
        """Its command with its arguments; empty: what the image starts."""
        return [*self.body.get("command", ()), *self.body.get("args", ())]

    @property
    def user(self) -> int | None:
        """The number that it runs as: its own, else the pod's."""
        contexts = (self.body.get("securityContext", {}), self.pod.get("securityContext", {}))
        return next((context["runAsUser"] for context in contexts if "runAsUser" in context), None)

    @property
    def modules(self) -> frozenset[str]:
        """Variables that our own modules read, which it mounts."""
        texts = (text for path, text in self.files.items() if path.endswith(".py"))
        return frozenset(name for text in texts for name in READ.findall(text))

    @property
    def referred(self) -> frozenset[str]:
        """Variables that its command, its document or our modules name, so that something reads them."""
        named = re.findall(r"\$\((\w+)\)", " ".join(self.command))
        return self.modules.union(named, *(REFERRED.findall(text) for text in self.files.values()))

    @property
    def document(self) -> Mapping[str, Any]:
        """The document for django-setup-configuration that it mounts."""
        texts = [text for path, text in self.files.items() if path.endswith(f"/{DOCUMENT}")]
        found: dict[str, Any] = json.loads(texts[0]) if texts else {}
        return found


def missing_contracts(built: Landscape, contracts: Contracts) -> Iterator[ComponentInstance]:
    """The components of a landscape that are made here and whose version has no contract."""
    for item in built.components.values():
        if not item.external and (item.name, item.version.version) not in contracts:
            yield item


def check(built: Landscape, contracts: Contracts) -> list[Problem]:
    """Everything in which the objects of a landscape go against a contract; each with the contract as its place.

    A component without a contract is not looked at here: `missing_contracts` names it.
    """
    problems: list[Problem] = []
    for item in built.components.values():
        contract = contracts.get((item.name, item.version.version))
        if item.external or item.name in built.waiting or contract is None:
            continue
        title = f"{item.component.title} {contract.version}"
        own = built.of(item.name)
        for container in _containers(built, own, item, contract, title):
            for message, fix in _faults(container):
                problems.append(Problem(f"{container.item.name}: {message}", fix, contract.origin))
        problems.extend(_memory(built, own, contract))
        problems.extend(_reaches(built, contract))
        problems.extend(_made(own, contract))
        problems.extend(_channels(built, contract, title))
    return problems


def _containers(
    built: Landscape, own: Sequence[Object], item: ComponentInstance, contract: ComponentContract, title: str
) -> Iterator[_Container]:
    sources = {(o.kind, o.kube_name): o for o in own if o.kind in ("ConfigMap", "Secret")}
    cluster = built.environment.cluster
    images = {cluster.image(image.reference): name for name, image in item.version.images.items()}
    for workload in own:
        if workload.kind not in KINDS:
            continue
        pod = workload.body["spec"]["template"]["spec"]
        for body in [*pod["containers"], *pod.get("initContainers", ())]:
            image = images.get(body["image"], body["image"])
            yield _Container(
                item=workload,
                body=body,
                pod=pod,
                program=contract.programs.get(image, UNKNOWN),
                label=title if image == "main" else f"{title} ({image})",
                environment=_environment(body, sources),
                files=_files(body, pod, sources),
            )


def _environment(container: Body, sources: Mapping[tuple[str, str], Object]) -> dict[str, str | None]:
    result: dict[str, str | None] = {}
    for entry in container.get("envFrom", ()):
        for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            source = sources.get((kind, entry.get(key, {}).get("name", "")))
            if source is not None:
                result |= dict.fromkeys(source.secrets) | dict(source.body.get("data") or {})
    return result | {entry["name"]: entry.get("value") for entry in container.get("env", ())}


def _files(container: Body, pod: Body, sources: Mapping[tuple[str, str], Object]) -> dict[str, str]:
    names = {volume["name"]: volume.get("configMap", {}).get("name", "") for volume in pod.get("volumes", ())}
    result: dict[str, str] = {}
    for mount in container.get("volumeMounts", ()):
        source = sources.get(("ConfigMap", names.get(mount["name"], "")))
        if source is None:
            continue
        if "subPath" in mount:
            result[mount["mountPath"]] = source.body["data"][mount["subPath"]]
        else:
            result |= {f"{mount['mountPath']}/{key}": text for key, text in source.body["data"].items()}
    return result


Fault = tuple[str, str]


def _faults(container: _Container) -> Iterator[Fault]:
    if container.program is UNKNOWN:
        yield (
            t("the contract says nothing about the image of {program}", program=container.label),
            t("Write its facts below `images`."),
        )
        return
    yield from _variables(container)
    yield from _ports(container)
    yield from _probes(container)
    yield from _commands(container)
    yield from _user(container)
    yield from _writable(container)
    yield from _steps(container)


def _variables(container: _Container) -> Iterator[Fault]:
    for name in sorted(container.environment.keys() - container.program.names - container.referred):
        yield (
            t("{name} is set, which {program} does not read", name=name, program=container.label),
            t("Drop it, or add it to the contract with the place where the program reads it."),
        )
    needed = set(container.modules)
    if container.item.kind != "Job" and container.main and container.environment:
        facts = [fact for fact in container.program.environment if fact.required]
        needed.update(name for fact in facts if _holds(fact, container.environment) for name in fact.names)
    for name in sorted(needed - container.environment.keys()):
        yield (
            t("{program} needs {name}, which is not set", name=name, program=container.label),
            t("Set it in the component."),
        )


def _holds(fact: VariableFact, environment: Mapping[str, str | None]) -> bool:
    return all(environment.get(name) == value for name, value in fact.when.items())


def _ports(container: _Container) -> Iterator[Fault]:
    known = {fact.port for fact in container.program.ports if fact.port is not None}
    for fact in container.program.ports:
        if fact.said is not None:
            known |= {int(number) for number in fact.said.found(container.files)}
    for port in container.body.get("ports", ()):
        if port["containerPort"] not in known:
            yield (
                t("{program} does not listen on port {port}", program=container.label, port=port["containerPort"]),
                t("Known: {names}.", names=", ".join(map(str, sorted(known))) or "-"),
            )


def _probes(container: _Container) -> Iterator[Fault]:
    for kind in PROBES:
        probe = container.body.get(f"{kind}Probe")
        if probe is None or "tcpSocket" in probe:
            continue
        shown = probe["httpGet"]["path"] if "httpGet" in probe else " ".join(probe["exec"]["command"])
        facts = [fact for fact in container.program.probes if _answers(fact, probe, container.files)]
        if not facts:
            yield (
                t("{program} has no page or command {name} for probes", program=container.label, name=shown),
                t("Take one of the contract."),
            )
        elif not any(kind in fact.fits for fact in facts):
            yield (
                t("{name} is no {kind} probe: it checks {checks}", name=shown, kind=kind, checks=facts[0].checks),
                t("Take one of the contract that fits."),
            )


def _answers(fact: ProbeFact, probe: Body, files: Mapping[str, str]) -> bool:
    if "httpGet" in probe:
        pages = {fact.path} if fact.path else set()
        return probe["httpGet"]["path"] in (pages | fact.said.found(files) if fact.said else pages)
    return bool(fact.command) and _begins(probe["exec"]["command"], fact.command)


def _begins(command: Sequence[str], beginning: Sequence[str]) -> bool:
    return list(command[: len(beginning)]) == list(beginning)


def _commands(container: _Container) -> Iterator[Fault]:
    known = [fact.command for fact in container.program.commands]
    said = [container.command] if container.command else []
    for kind in PROBES:
        if command := container.body.get(f"{kind}Probe", {}).get("exec", {}).get("command"):
            said.append(command)
    known += [fact.command for fact in container.program.probes if fact.command]
    for command in said:
        for one in _single(command):
            if not any(_begins(one, beginning) for beginning in known):
                yield (
                    t("{program} has no command {name}", program=container.label, name=shlex.join(one)[:80]),
                    t("Known: {names}.", names=", ".join(sorted({shlex.join(k) for k in known})) or "-"),
                )


def _single(command: Sequence[str]) -> Iterator[Sequence[str]]:
    """The commands in a command: of `sh -c SCRIPT` the shell and those that the script starts."""
    if len(command) != 3 or command[1] != "-c":
        yield command
        return
    yield command[:1]
    yield from programs(command[2])


def _user(container: _Container) -> Iterator[Fault]:
    known = {number for fact in container.program.users for number in fact.ids}
    if container.user not in known:
        yield (
            t("{program} can't run as user {number}", program=container.label, number=container.user),
            t("Known: {names}.", names=", ".join(map(str, sorted(known))) or "-"),
        )


def _writable(container: _Container) -> Iterator[Fault]:
    known = {path for fact in container.program.writable for path in fact.paths}
    empty = {v["name"] for v in container.pod.get("volumes", ()) if "emptyDir" in v}
    mounts = {m["mountPath"]: m for m in container.body.get("volumeMounts", ())}
    if not container.main:
        return
    for path in sorted(path for path, mount in mounts.items() if mount["name"] in empty and path not in known):
        yield (
            t("{program} does not write to {path}", program=container.label, path=path),
            t("Drop it, or add it to the contract with the place where the program writes to it."),
        )
    for fact in container.program.writable:
        if container.name in fact.processes:
            for path in fact.paths:
                if path not in mounts or mounts[path].get("readOnly"):
                    yield (
                        t("{program} writes to {path}, which is read-only here", program=container.label, path=path),
                        t("Add it to `writable` of the process {name}.", name=container.name),
                    )


def _steps(container: _Container) -> Iterator[Fault]:
    flags = {fact.flag: fact for fact in container.program.steps}
    spaces = {fact.namespace: fact for fact in container.program.steps}
    document = container.document
    for key, content in document.items():
        if key in flags:
            if flags[key].namespace not in document:
                yield (
                    t("the step {name} has no content", name=key),
                    t("Write it below {name}.", name=flags[key].namespace),
                )
        elif key in spaces:
            if spaces[key].flag not in document:
                yield t("the step {name} is not switched on", name=key), t("Set {name}.", name=spaces[key].flag)
            for name in sorted(content.keys() - set(spaces[key].keys)):
                yield (
                    t("the step {name} does not know {key}", name=key, key=name),
                    t("Known: {names}.", names=", ".join(sorted(spaces[key].keys))),
                )
        else:
            yield (
                t("{program} has no step {name}", program=container.label, name=key),
                t("Known: {names}.", names=", ".join(sorted(flags)) or "-"),
            )


def _memory(built: Landscape, own: Sequence[Object], contract: ComponentContract) -> Iterator[Problem]:
    """Limits below what was measured; the place is the inventory's where that says how much."""
    said = built.environment.components[contract.component].resources
    limits = {
        c["name"]: quantity(c["resources"]["limits"]["memory"]) / MIB
        for o in own
        if o.kind in ("Deployment", "StatefulSet")
        for c in o.body["spec"]["template"]["spec"]["containers"]
    }
    for fact in contract.memory:
        needed = fact.mib * (HEADROOM if fact.state == "idle" else 1)
        if fact.process in limits and limits[fact.process] < needed:
            yield Problem(
                t(
                    "{name} may use {limit:.0f} MiB, and {seen} MiB were measured ({state})",
                    name=f"{contract.component}/{fact.process}",
                    limit=limits[fact.process],
                    seen=fact.mib,
                    state=t("with nothing to do") if fact.state == "idle" else t("at its peak"),
                ),
                t("Give it {needed:.0f} MiB at least.", needed=needed),
                built.environment.origin("components", contract.component, "resources", fact.process)
                if fact.process in said
                else contract.origin,
            )


def _reaches(built: Landscape, contract: ComponentContract) -> Iterator[Problem]:
    known = edges(built.environment.cluster, built.components, built.environment)
    for fact in contract.reaches:
        there = fact.to in built.components and fact.to not in built.waiting
        if not there and fact.to not in known:
            continue
        ways = {
            way(built.environment.cluster, built.components, relation)[0]
            for relation in built.relations
            if (relation.consumer, relation.provider) == (contract.component, fact.to)
        }
        if any(
            flow.source.component == contract.component
            and fact.process in flow.source.processes
            and (flow.target in ways or fact.to in (flow.target.component, flow.target.edge))
            for flow in built.flows
        ):
            continue
        yield Problem(
            t(
                "{name} must reach {target}, and nothing lets it through",
                name=f"{contract.component}/{fact.process}",
                target=fact.to,
            ),
            t("Declare it below `uses` or `outside` of the component."),
            contract.origin,
        )


def _channels(built: Landscape, contract: ComponentContract, title: str) -> Iterator[Problem]:
    """Channels and filters that are declared for a publisher are exactly those that it has."""
    known = {fact.channel: tuple(fact.filters) for fact in contract.channels}
    for relation in built.relations:
        if relation.consumer != contract.component or "channels" not in relation.parameters:
            continue
        declared = {name: tuple(filters) for name, filters in relation.parameters["channels"].items()}
        for name in sorted(declared.keys() | known.keys()):
            if declared.get(name) != known.get(name):
                yield Problem(
                    t(
                        "{program} publishes {channel} with {real}, and declared is {said}",
                        program=title,
                        channel=name,
                        real=_filters(known.get(name)),
                        said=_filters(declared.get(name)),
                    ),
                    t("Declare the channels of this version."),
                    contract.origin,
                )


def _filters(names: tuple[str, ...] | None) -> str:
    return t("no channel") if names is None else ", ".join(names) or "-"


def _made(own: Sequence[Object], contract: ComponentContract) -> Iterator[Problem]:
    for fact in contract.made:
        for item in own:
            if (item.kind, item.kube_name) == (fact.kind, fact.name):
                yield Problem(
                    t(
                        "{name}: an operator makes {kind} {object} itself",
                        name=item.name,
                        kind=fact.kind,
                        object=fact.name,
                    ),
                    t("Leave it out."),
                    contract.origin,
                )
