"""Reading what was accepted: `policies/waivers/<tenant>.yaml`, and the proposals of regions that it adopts.

The files are content: they lie in the checkout and in further content roots. This module knows no controls;
`ggi.audit.deviations` checks that what a file names exists and may be waived.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ggi.errors import GgiError, Origin, Problem, raise_if
from ggi.inventory.models import Model
from ggi.inventory.names import check_names
from ggi.inventory.tree import Node, read
from ggi.inventory.validate import nearest, validate
from ggi.inventory.waivers import (
    AdoptedWaiver,
    Adoption,
    Decision,
    Lock,
    Proposal,
    RegionWaiverFile,
    WaiverFile,
)
from ggi.messages import t

FOLDER = Path("policies") / "waivers"
REGIONS = "regions"
KINDS = ("waivers", "adopted", "not_applicable", "plans", "locks")
"""The lists of a tenant's file."""


@dataclass(frozen=True)
class WaiversOf:
    """The deviations of one tenant as read, with the places of their values. What was adopted is among the waivers."""

    tenant: str
    file: WaiverFile
    tree: Node
    root: Path
    """The content root that the file is in."""
    adopted: Mapping[int, int] = field(default_factory=dict)
    """By `id` of an adopted waiver: its number in the list `adopted`."""

    def origin(self, item: Decision) -> Origin:
        """Where a decision is written."""
        if id(item) in self.adopted:
            return self.place("adopted", self.adopted[id(item)])
        for key in KINDS:
            for number, other in enumerate(getattr(self.file, key)):
                if other is item:
                    return self.place(key, number)
        return self.tree.origin

    def place(self, key: str, number: int) -> Origin:
        """Where an item of one of the lists is written."""
        node = self.tree.child(key, number)
        return node.origin if node is not None else self.tree.origin


@dataclass(frozen=True)
class ProposalsOf:
    """What one region proposes, by id."""

    region: str
    proposals: Mapping[str, Proposal]
    tree: Node
    root: Path

    def origin(self, proposal: Proposal) -> Origin:
        """Where a proposal is written."""
        node = self.tree.child("proposals", list(self.proposals).index(proposal.id))
        return node.origin if node is not None else self.tree.origin


@dataclass(frozen=True)
class Waivers:
    """All files below policies/waivers/ of all content roots.

    What is wrong in the file of one tenant stops that tenant alone, so it is kept apart: `wrong` by the tenant's id, or
    by `regions/<region>`.
    """

    tenants: Mapping[str, WaiversOf]
    regions: Mapping[str, ProposalsOf]
    wrong: Mapping[str, Sequence[Problem]] = field(default_factory=dict)

    def get(self, tenant: str) -> WaiversOf | None:
        """The deviations of a tenant, if it has any. Raises InputError when its file is wrong."""
        raise_if(self.wrong.get(tenant, ()))
        return self.tenants.get(tenant)

    def locks(self, tenant: str) -> tuple[Lock, ...]:
        """The locks that a tenant may open. Raises InputError when its file is wrong."""
        found = self.get(tenant)
        return tuple(found.file.locks) if found else ()

    @property
    def problems(self) -> list[Problem]:
        """Everything that is wrong in any file."""
        return [problem for found in self.wrong.values() for problem in found]


def _files(
    roots: Sequence[Path], folder: Path, model: type[Model], wrong: dict[str, list[Problem]]
) -> Iterator[tuple[str, Path, Node, Model]]:
    """(key, root, tree, file) of every file in one folder of every content root; of one name only the first."""
    seen: set[str] = set()
    for root in dict.fromkeys(roots):
        for path in sorted((root / folder).glob("*.yaml")):
            if path.name.startswith("."):
                continue
            problems: list[Problem] = []
            try:
                tree = read(path, str(folder / path.name), f"waivers {path.stem}", problems)
                file = validate(tree, model, problems)
                check_names(tree, model, {}, problems)
                if path.stem in seen:
                    message = t("the deviations of {tenant} are in two content roots", tenant=path.stem)
                    problems.append(Problem(message, t("Keep them in one file."), tree.origin))
                elif file is not None:
                    yield path.stem, root, tree, file
            except GgiError as error:
                problems.extend(error.problems)
            seen.add(path.stem)
            if problems:
                key = path.stem if folder == FOLDER else f"{REGIONS}/{path.stem}"
                wrong.setdefault(key, []).extend(problems)


def read_waivers(roots: Sequence[Path]) -> Waivers:
    """What every content root has. Raises nothing: what is wrong is in `wrong`, and left out of the rest."""
    wrong: dict[str, list[Problem]] = {}
    regions: dict[str, ProposalsOf] = {}
    for name, root, tree, file in _files(roots, FOLDER / REGIONS, RegionWaiverFile, wrong):
        assert isinstance(file, RegionWaiverFile)  # noqa: S101
        regions[name] = ProposalsOf(name, {p.id: p for p in file.proposals}, tree, root)
        if len(regions[name].proposals) < len(file.proposals):
            twice = Problem(t("two proposals have one id"), t("Give each an id of its own."), tree.origin)
            wrong.setdefault(f"{REGIONS}/{name}", []).append(twice)
    tenants: dict[str, WaiversOf] = {}
    for name, root, tree, file in _files(roots, FOLDER, WaiverFile, wrong):
        assert isinstance(file, WaiverFile)  # noqa: S101
        tenants[name] = _with_adopted(WaiversOf(name, file, tree, root), regions, wrong)
    return Waivers(tenants, regions, wrong)


def _with_adopted(written: WaiversOf, regions: Mapping[str, ProposalsOf], wrong: dict[str, list[Problem]]) -> WaiversOf:
    """A tenant's deviations with a waiver for every proposal that it adopted."""
    problems: list[Problem] = []
    made: dict[int, int] = {}
    taken: list[AdoptedWaiver] = []
    for number, item in enumerate(written.file.adopted):
        waiver = _adopted(item, regions, written.place("adopted", number), problems)
        if waiver is not None:
            taken.append(waiver)
            made[id(waiver)] = number
    if problems:
        wrong.setdefault(written.tenant, []).extend(problems)
    whole = written.file.model_copy(update={"waivers": [*written.file.waivers, *taken]})
    return replace(written, file=whole, adopted=made)


def _adopted(
    item: Adoption, regions: Mapping[str, ProposalsOf], place: Origin, problems: list[Problem]
) -> AdoptedWaiver | None:
    """The waiver that an adoption makes of a proposal, when the proposal still reads as it was adopted."""
    region, _, name = item.proposal.partition("/")
    listed = regions.get(region)
    proposal = listed.proposals.get(name) if listed else None
    if proposal is None:
        known = [f"{r}/{i}" for r, found in regions.items() for i in found.proposals]
        problems.append(
            Problem(t("there is no proposal {name}", name=item.proposal), nearest(item.proposal, known), place)
        )
        return None
    if proposal.reads != item.reads:
        message = t("the proposal {name} no longer reads as it was adopted", name=item.proposal)
        fix = t("Read it again; if it is still accepted, write `reads: {digits}`.", digits=proposal.reads)
        problems.append(Problem(message, fix, place))
        return None
    if item.expires > proposal.expires:
        message = t("it ends after the proposal does, on {date}", date=proposal.expires)
        problems.append(Problem(message, t("Choose an earlier date."), place))
        return None
    if set(item.environments) - set(proposal.environments or item.environments):
        message = t("the proposal holds in {names} alone", names=", ".join(proposal.environments))
        problems.append(Problem(message, t("Name one of these."), place))
        return None
    own = item.model_dump(include={"owner", "approver", "granted", "expires"})
    said = proposal.model_dump(exclude={"id"}) | own | {"proposal": item.proposal}
    if item.environments:
        said["environments"] = item.environments
    return AdoptedWaiver.model_validate(said)
