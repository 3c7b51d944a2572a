"""Contracts: what somebody else's program really reads, offers and needs, as data with a source for each fact.

A contract is `stacks/contracts/<component>-<version>.yaml`. What several contracts share stands in
`stacks/contracts/_<name>.yaml`, which they include. Nothing in a contract is taken from this toolkit: each fact names a
source, which is a file of the program itself at a version, its documentation, or a measurement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ggi.errors import Origin, Problem
from ggi.inventory.models import Model
from ggi.inventory.tree import read
from ggi.inventory.types import Slug
from ggi.inventory.validate import validate
from ggi.messages import t

FOLDER = "stacks/contracts"
ProbeKind = Literal["startup", "liveness", "readiness"]
Text = Annotated[str, Field(min_length=1)]


class Source(Model):
    """Where a fact was read or seen. `version` and `commit` are those that were looked at."""

    project: Text
    """`owner/name` of a repository, the address of a page, or `measured`."""
    version: Text
    """Version that was read; where it is not the version of the contract, `note` says why it holds."""
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{7,40}$")] | None = None
    file: str = ""
    note: str = ""


class Fact(Model):
    """Anything that has a source."""

    source: Slug
    """Key below `sources` of the same file."""


class VariableFact(Fact):
    """VariableFact of environment variables that the program reads."""

    names: list[Text]
    required: bool = False
    """It does not work without them."""
    when: dict[str, str] = {}
    """They are only required where these variables have these values."""


def _one_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(t("this is no regular expression: {error}", error=error)) from None
    if groups != 1:
        raise ValueError(t("a pattern has one group, which is what it finds"))
    return pattern


class SaidOf(Model):
    """Something that the program reads in a file which we mount, so that the file decides it."""

    file: Text
    """Path in the container; `*` for any part of a name."""
    pattern: Annotated[Text, AfterValidator(_one_group)]
    """Regular expression, in which ^ and $ are the ends of a line; its group is what the file says."""

    def found(self, files: Mapping[str, str]) -> set[str]:
        """What the mounted files say, of those which the program reads."""
        texts = (text for path, text in files.items() if fnmatchcase(path, self.file))
        return {name for text in texts for name in re.findall(self.pattern, text, re.MULTILINE)}


class PortFact(Fact):
    """A port that the program listens on, or the place in its configuration that says so."""

    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    said: SaidOf | None = None
    what: str = ""


class ProbeFact(Fact):
    """A page or command that tells how the program is. `fits` are the probes that it may serve."""

    path: str = ""
    said: SaidOf | None = None
    """The place in its configuration that has such pages."""
    command: list[str] = []
    """The beginning of the command."""
    checks: Text
    """What it looks at."""
    fits: list[ProbeKind] = []


class CommandFact(Fact):
    """The beginning of a command that the image has."""

    command: list[Text]


class UserFact(Fact):
    """Numbers of users that the program can run as."""

    ids: list[int]


class WritableFact(Fact):
    """Folders that the program writes to. With `processes`, those can't do without them."""

    paths: list[Text]
    processes: list[Slug] = []


class StepFact(Fact):
    """A step of django-setup-configuration: its switch, its namespace, and the keys right below that."""

    flag: Text
    namespace: Text
    keys: list[Text]


class MemoryFact(Fact):
    """What a process was seen to use, in MiB: when it had nothing to do, or at its peak."""

    process: Slug
    mib: Annotated[int, Field(ge=1)]
    state: Literal["idle", "peak"]


class ReachFact(Fact):
    """What a process must be able to reach: a component (when the landscape has it) or an edge of the cluster."""

    process: Slug
    to: Text
    what: str = ""


class ChannelFact(Fact):
    """A channel on which the program publishes, with the attributes that a subscriber can filter on."""

    channel: Text
    filters: list[Text]


class MadeFact(Fact):
    """An object that an operator makes under this name; a landscape must not make one."""

    kind: Text
    name: Text


class ProgramFacts(Model):
    """Facts about one program. `include` names shared files, without `_` and `.yaml`."""

    include: list[Text] = []
    sources: dict[Slug, Source] = {}
    environment: list[VariableFact] = []
    ports: list[PortFact] = []
    probes: list[ProbeFact] = []
    commands: list[CommandFact] = []
    users: list[UserFact] = []
    writable: list[WritableFact] = []
    steps: list[StepFact] = []

    def facts(self) -> Iterator[Fact]:
        """Every fact that has a source."""
        for some in (
            self.environment,
            self.ports,
            self.probes,
            self.commands,
            self.users,
            self.writable,
            self.steps,
        ):
            yield from some


class ContractFile(Model):
    """What a component of one version is; `images` as in the release. Sources of all images stand at the top."""

    component: Slug
    version: Text
    sources: dict[Slug, Source] = {}
    images: dict[Slug, ProgramFacts]
    memory: list[MemoryFact] = []
    reaches: list[ReachFact] = []
    made: list[MadeFact] = []
    channels: list[ChannelFact] = []


@dataclass(frozen=True, slots=True)
class Program:
    """What is known of one image: the facts of its contract and of everything that it includes."""

    environment: tuple[VariableFact, ...]
    ports: tuple[PortFact, ...]
    probes: tuple[ProbeFact, ...]
    commands: tuple[CommandFact, ...]
    users: tuple[UserFact, ...]
    writable: tuple[WritableFact, ...]
    steps: tuple[StepFact, ...]

    @property
    def names(self) -> frozenset[str]:
        """Every variable that it reads."""
        return frozenset(name for fact in self.environment for name in fact.names)


@dataclass(frozen=True, slots=True)
class ComponentContract:
    """A contract as read; `programs` by the image's name in the release."""

    component: str
    version: str
    origin: Origin
    programs: Mapping[str, Program]
    memory: tuple[MemoryFact, ...] = ()
    reaches: tuple[ReachFact, ...] = ()
    made: tuple[MadeFact, ...] = ()
    channels: tuple[ChannelFact, ...] = ()


Contracts = Mapping[tuple[str, str], ComponentContract]
"""Contracts by component and version."""


def _unsourced(facts: Sequence[Fact], sources: Mapping[str, Source], origin: Origin, problems: list[Problem]) -> None:
    for name in sorted({fact.source for fact in facts} - sources.keys()):
        message = t("this contract has no source {name}", name=name)
        problems.append(Problem(message, t("Say below `sources` where the fact was read."), origin))


def _shared(roots: Sequence[Path], problems: list[Problem]) -> dict[str, ProgramFacts]:
    """The files that others include, by name; a later root wins."""
    found: dict[str, ProgramFacts] = {}
    for root in roots:
        for path in sorted(root.joinpath(FOLDER).glob("_*.yaml")):
            tree = read(path, f"{FOLDER}/{path.name}", "contract")
            model = validate(tree, ProgramFacts, problems)
            if model is not None:
                _unsourced(list(model.facts()), model.sources, tree.origin, problems)
                found[path.stem.removeprefix("_")] = model
    return found


def _program(
    facts: ProgramFacts, shared: Mapping[str, ProgramFacts], origin: Origin, problems: list[Problem]
) -> Program:
    parts = [facts]
    waiting = list(facts.include)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if name not in shared:
            message = t("there are no shared facts {name}", name=name)
            problems.append(Problem(message, t("Known: {names}.", names=", ".join(sorted(shared))), origin))
            continue
        parts.append(shared[name])
        waiting += shared[name].include
    return Program(
        environment=tuple(f for p in parts for f in p.environment),
        ports=tuple(f for p in parts for f in p.ports),
        probes=tuple(f for p in parts for f in p.probes),
        commands=tuple(f for p in parts for f in p.commands),
        users=tuple(f for p in parts for f in p.users),
        writable=tuple(f for p in parts for f in p.writable),
        steps=tuple(f for p in parts for f in p.steps),
    )


def load_contracts(roots: Sequence[Path], problems: list[Problem]) -> Contracts:
    """All contracts of the content roots; of two for one version the later root's counts. What is wrong: `problems`."""
    shared = _shared(roots, problems)
    found: dict[tuple[str, str], ComponentContract] = {}
    for root in roots:
        for path in sorted(root.joinpath(FOLDER).glob("[!_]*.yaml")):
            tree = read(path, f"{FOLDER}/{path.name}", "contract")
            model = validate(tree, ContractFile, problems)
            if model is None:
                continue
            name = f"{model.component}-{model.version}"
            if path.stem != name:
                message = t("this file must be named {name}.yaml", name=name)
                problems.append(Problem(message, t("Rename the file."), tree.origin))
            own = [*model.memory, *model.reaches, *model.made, *model.channels]
            _unsourced(own, model.sources, tree.origin, problems)
            for facts in model.images.values():
                _unsourced(list(facts.facts()), {**model.sources, **facts.sources}, tree.origin, problems)
            found[model.component, model.version] = ComponentContract(
                component=model.component,
                version=model.version,
                origin=tree.origin,
                programs={
                    image: _program(facts, shared, tree.origin, problems) for image, facts in model.images.items()
                },
                memory=tuple(model.memory),
                reaches=tuple(model.reaches),
                made=tuple(model.made),
                channels=tuple(model.channels),
            )
    return found
