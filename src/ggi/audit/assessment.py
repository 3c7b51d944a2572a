"""Judging a landscape: content, deviations and date come together here, for every place where controls act."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ggi.audit.audit import Audit, Looked, Place, run_audit
from ggi.audit.deviations import Deviations
from ggi.audit.judge import Judge
from ggi.catalogue.content import Catalogue
from ggi.controls.control import Control
from ggi.controls.load import Controls
from ggi.controls.observation import Facts, Observation, Subject
from ggi.controls.subjects import of_landscape
from ggi.inventory.load import Environment, Inventory
from ggi.inventory.waiverfiles import Waivers, WaiversOf
from ggi.inventory.waivers import Deviation, WaiverFile
from ggi.landscape.build import Landscape, landscape


@dataclass(frozen=True)
class Assessor:
    """All that judging needs beside a landscape: content, inventory, what was accepted, and the date."""

    catalogue: Catalogue
    inventory: Inventory
    controls: Controls
    waivers: Waivers
    date: dt.date

    def of(self, built: Landscape) -> Assessment:
        """The assessment of a landscape."""
        return Assessment(self, built)

    def of_environment(self, environment: Environment) -> Assessment:
        """The assessment of an environment. Raises InputError."""
        return Assessment(self, landscape(environment, self.catalogue))


@dataclass(frozen=True)
class Assessment:
    """One landscape and who judges it."""

    by: Assessor
    landscape: Landscape

    @cached_property
    def facts(self) -> Facts:
        """What inventory and content say of the landscape."""
        return Facts(self.landscape, self.by.catalogue, self.by.inventory.registry)

    @property
    def accepted(self) -> WaiversOf | None:
        """What was accepted of its tenant, if anything."""
        return self.by.waivers.get(self.landscape.environment.tenant.id)

    @cached_property
    def planned(self) -> Sequence[Subject]:
        """The objects as the inventory asks for them."""
        return of_landscape(self.landscape)

    def observation(self, subjects: Iterable[Subject]) -> Observation:
        """These objects with what else is known."""
        waivers = self.accepted.file if self.accepted else WaiverFile()
        return Observation(list(subjects), self.by.date, self.facts, waivers)

    def judge(self, subjects: Iterable[Subject], controls: Iterable[Control] | None = None) -> Judge:
        """The judge of these objects, by `controls` or all of them."""
        return Judge(self.by.controls if controls is None else controls, self.observation(subjects))

    def audit(
        self,
        subjects: Sequence[Subject] | None = None,
        place: Place = Place.PLAN,
        *,
        looked: Looked | None = None,
        simulated: bool = False,
        brief: bool = False,
    ) -> Audit:
        """The audit of what was read in `place`; without `subjects`, of the plan. Raises InputError."""
        return run_audit(
            self.facts,
            self.planned if subjects is None else subjects,
            self.by.controls,
            place,
            self.by.date,
            self.accepted,
            looked=looked,
            simulated=simulated,
            others=self.unused_elsewhere,
            brief=brief,
        )

    def deviations(self) -> Deviations:
        """The tenant's deviations after the plan was judged: they know what they matched."""
        seen = self.observation(self.planned)
        found = Deviations(seen.waivers, self.landscape.environment.name, self.by.date)
        for _ in Judge(self.by.controls, seen, found).findings():
            pass
        return found

    def unused_elsewhere(self) -> dict[str, Sequence[Deviation]]:
        """Per other environment of the tenant: the deviations that match nothing in its plan. Raises InputError."""
        here, inventory = self.landscape.environment, self.by.inventory
        if self.accepted is None:
            return {}
        return {
            name: self.by.of_environment(inventory.environment(here.tenant, name)).deviations().unused()
            for name in here.tenant.environments
            if name != here.name
        }
