"""Many audits on one page: controls against landscapes, and what deviates where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ggi.audit.control import Control
from ggi.report.audit.run import Judged, Run, Stack, Status, worst

PLAIN = (Status.COMPLIES, Status.NOT_APPLICABLE)


@dataclass(frozen=True)
class Column:
    """One control over all landscapes."""

    control: Control
    judged: tuple[tuple[Stack, Judged], ...]

    @cached_property
    def counts(self) -> Mapping[Status, int]:
        """Landscapes per status."""
        return Counter(one.status for _, one in self.judged)

    @property
    def status(self) -> Status:
        """The worst."""
        return worst(self.counts)

    @property
    def rank(self) -> tuple[int, int, str]:
        """Worst first, then the one that touches most landscapes."""
        return self.status.rank, -self.counts[self.status], self.control.id


@dataclass(frozen=True)
class Heat:
    """The heat map. Columns in which everything complies say nothing, so they are named and not drawn."""

    run: Run

    @cached_property
    def all(self) -> tuple[Column, ...]:
        """Every control."""
        found = [
            Column(control, tuple((s, s.judged[name]) for s in self.run.stacks if name in s.judged))
            for name, control in self.run.controls.items()
        ]
        return tuple(sorted(found, key=lambda column: column.rank))

    @property
    def columns(self) -> list[Column]:
        """Controls with anything to see."""
        return [column for column in self.all if column.status not in PLAIN]

    @property
    def plain(self) -> list[Column]:
        """Controls that are complied with wherever they mean something."""
        return sorted((c for c in self.all if c.status in PLAIN), key=lambda column: column.control.id)

    @cached_property
    def rows(self) -> tuple[Stack, ...]:
        """The landscapes, worst first."""
        return tuple(
            sorted(self.run.stacks, key=lambda s: (*(-s.controls[one] for one in list(Status)[:5]), s.audit.stack))
        )

    @cached_property
    def statuses(self) -> Mapping[Status, int]:
        """Landscapes per status: that of the worst of their controls."""
        found = Counter(stack.status for stack in self.run.stacks)
        return {one: found[one] for one in Status}

    @cached_property
    def controls(self) -> Mapping[Status, int]:
        """Controls per status: the worst over all landscapes."""
        found = Counter(column.status for column in self.all)
        return {one: found[one] for one in Status}
