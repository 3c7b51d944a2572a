"""What is judged: objects by logical name, and what else is known of the landscape. Never a secret's value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ggi.catalogue.content import Catalogue
from ggi.controls.kinds import POD_SPEC, WORKLOADS, kind_of
from ggi.errors import Origin
from ggi.inventory.load import Environment
from ggi.inventory.registry import Registry
from ggi.inventory.waivers import WaiverFile
from ggi.landscape.build import Landscape
from ggi.landscape.objects import PLATFORM

if TYPE_CHECKING:
    from ggi.controls.integrity.judge import Integrity
    from ggi.controls.integrity.live import LiveNamespace

UNKNOWN = "<unknown>"
"""Stands in an object where the engine will only know the value after the update."""

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Domain:
    """What was read of one domain. None: it could not be read.

    `host` is looked at for IPv6 (`addresses6`), CAA is the one that holds for it; the rest is of the mail domain.
    Example: `domain.dmarc is None` where nobody answered.
    """

    name: str
    signed: bool | None = None
    """Every signature from the trust anchor to the name is valid."""
    addresses6: tuple[str, ...] | None = None
    caa: tuple[str, ...] | None = None
    spf: str | None = None
    """The SPF record; "" when there is none."""
    dmarc: str | None = None
    """The DMARC record; "" when there is none."""
    mx: tuple[str, ...] | None = None
    dane: tuple[str, ...] | None = None
    """Mail servers of which a TLSA record with a valid signature exists."""
    dkim: bool | None = None
    """There are names under `_domainkey`, where keys of DKIM live."""
    security: str | None = None
    """The text of /.well-known/security.txt; "" when there is none."""


@dataclass(frozen=True)
class Subject:
    """One object that is judged. `name` is logical; `unknown` are the paths whose value is not known yet.

    Example: `subject.name` is `openzaak/Deployment/web`, `subject.body["spec"]["replicas"]` is 3.
    """

    name: str
    body: Body
    unknown: tuple[tuple[str | int, ...], ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Of a planned Secret: its data as texts, with every secret named instead of shown."""
    kind: str = field(init=False, compare=False, repr=False)
    """The kind, "" when controls do not look at it."""
    owned: bool = field(init=False, compare=False, repr=False)
    """Another object makes and keeps it: it is judged there."""

    def __post_init__(self) -> None:
        owners = self.body.get("metadata", {}).get("ownerReferences")
        object.__setattr__(self, "kind", kind_of(self.body))
        object.__setattr__(self, "owned", any(o.get("controller") for o in owners) if owners else False)

    @property
    def component(self) -> str:
        """The component that it belongs to."""
        return self.name.split("/")[0]

    @property
    def kube_name(self) -> str:
        """The name in the cluster."""
        return str((self.body.get("metadata") or {}).get("name", ""))

    @cached_property
    def pod(self) -> Body | None:
        """The specification of its pods, when it makes any."""
        if self.kind not in WORKLOADS:
            return None
        found: Any = self.body
        for step in POD_SPEC[self.kind]:
            found = found.get(step) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) and "containers" in found else None

    @cached_property
    def pod_labels(self) -> Mapping[str, str]:
        """The labels that its pods get."""
        found: Any = self.body
        for step in (*POD_SPEC[self.kind][:-1], "metadata", "labels"):
            found = found.get(step) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True)
class Facts:
    """What the inventory and the content say of the landscape that is judged."""

    landscape: Landscape
    catalogue: Catalogue
    registry: Registry | None = None

    @property
    def environment(self) -> Environment:
        """The environment."""
        return self.landscape.environment


@dataclass(frozen=True)
class Observation:
    """What a `check.py` gets. `unread` are kinds that could not be read here.

    Example: `for subject in seen.of("Service"): ...`; what should be stands in `seen.landscape`.
    """

    subjects: Sequence[Subject]
    date: dt.date
    facts: Facts
    waivers: WaiverFile = field(default_factory=WaiverFile)
    unread: frozenset[str] = frozenset()
    domains: Mapping[str, Domain] | None = None
    """What the DNS says of the domain of this environment, by name; None: nobody asked it."""
    instead: Mapping[str, str] | None = None
    """Per component, why its images that run are not those of the release; "" where they are. One that is not named
    has no pod that was asked. None: nothing stands in for an image here, and what a manifest names is what runs."""
    live: LiveNamespace | None = None
    """Everything that the cluster holds for the landscape; None where this place is no cluster."""
    ran: Mapping[str, str] | None = None
    """Releases that acceptatie has run, with the day on which that ended well, by its trail. None: nobody looked."""
    memory: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    """What one check worked out and another needs as well."""

    @property
    def landscape(self) -> Landscape:
        """The landscape as it should be."""
        return self.facts.landscape

    @property
    def environment(self) -> Environment:
        """Its environment."""
        return self.facts.environment

    @property
    def stack(self) -> str:
        """Name of the stack: the subject of what is about the whole."""
        return self.landscape.stack

    def of(self, *kinds: str) -> list[Subject]:
        """The objects of these kinds that are nobody else's."""
        by_kind: dict[str, list[tuple[int, Subject]]] | None = self.memory.get("by kind")
        if by_kind is None:
            by_kind = self.memory["by kind"] = {}
            for number, subject in enumerate(self.subjects):
                if not subject.owned:
                    by_kind.setdefault(subject.kind, []).append((number, subject))
        if len(kinds) == 1:
            return [subject for _, subject in by_kind.get(kinds[0], ())]
        if kinds not in self.memory:
            found = sorted(item for kind in set(kinds) for item in by_kind.get(kind, ()))
            self.memory[kinds] = [subject for _, subject in found]
        return list(self.memory[kinds])

    def config(self, component: str, role: str) -> Mapping[str, str] | None:
        """The data of a ConfigMap by its logical name, or None."""
        name = f"{component}/ConfigMap/{role}"
        return next((dict(s.body.get("data") or {}) for s in self.of("ConfigMap") if s.name == name), None)

    @property
    def integrity(self) -> Integrity | None:
        """What of the cluster is not as planned; None where this place is no cluster.

        Example: `seen.integrity.found` where `seen.integrity is not None`.
        """
        if self.live is None:
            return None
        if "integrity" not in self.memory:
            from ggi.controls.integrity.judge import judge_live

            self.memory["integrity"] = judge_live(self.landscape, self.live)
        found: Integrity = self.memory["integrity"]
        return found

    @property
    def planned(self) -> frozenset[str]:
        """The logical names of everything that the landscape has."""
        if "planned" not in self.memory:
            self.memory["planned"] = frozenset(item.name for item in self.landscape.objects)
        found: frozenset[str] = self.memory["planned"]
        return found


def origin_for(environment: Environment, subject: str, path: str = "") -> Origin:
    """Where the inventory causes an object: the component's own key, else where it is switched on."""
    component = subject.split("/")[0]
    if path:
        steps = [component if step == "{component}" else step for step in path.split(".")]
        return environment.origin(*steps)
    if component == PLATFORM or component not in environment.components:
        return environment.tenant.tree.origin
    return environment.origin("components", component, "enabled")


def unknown_paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where `UNKNOWN` stands in an object."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from unknown_paths(item, (*path, key))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from unknown_paths(item, (*path, number))
    elif value == UNKNOWN:
        yield path
