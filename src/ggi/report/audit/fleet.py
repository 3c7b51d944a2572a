"""Many audits on one page: controls against landscapes, and what deviates where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ggi.controls.control import Control
from ggi.report.audit.run import AuditRun, JudgedControl, StackReport, Status, worst
from ggi.report.audit.since import FindingChange, change

PLAIN = (Status.COMPLIES, Status.NOT_APPLICABLE)
SEEN = tuple(one for one in Status if one not in PLAIN)


@dataclass(frozen=True)
class Column:
    """One control over all landscapes."""

    control: Control
    judged: tuple[tuple[StackReport, JudgedControl], ...]

    @cached_property
    def counts(self) -> Mapping[Status, int]:
        """Landscapes per status."""
        return Counter(one.status for _, one in self.judged)

    @property
    def status(self) -> Status:
        """The worst."""
        return worst(self.counts)

    @property
    def counts_in_order(self) -> Mapping[Status, int]:
        """The same, worst first."""
        return {one: self.counts[one] for one in Status}

    @property
    def elsewhere(self) -> bool:
        """No landscape can show it in the place that was read."""
        return bool(self.judged) and all(one.elsewhere for _, one in self.judged)

    @property
    def failing(self) -> list[tuple[StackReport, JudgedControl]]:
        """The landscapes in which it deviates."""
        return [(stack, one) for stack, one in self.judged if one.status.deviates]

    @property
    def rank(self) -> tuple[int, int, str]:
        """Worst first, then the one that touches most landscapes."""
        return self.status.rank, -self.counts[self.status], self.control.id


@dataclass(frozen=True)
class Heat:
    """The heat map. Columns in which everything complies say nothing, so they are named and not drawn."""

    run: AuditRun

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
        return [column for column in self.all if column.status not in PLAIN and not column.elsewhere]

    @property
    def elsewhere(self) -> list[Control]:
        """Controls that no landscape can show in the place that was read."""
        return sorted((column.control for column in self.all if column.elsewhere), key=lambda control: control.id)

    @property
    def failing(self) -> list[Column]:
        """Controls that deviate anywhere."""
        return [column for column in self.all if column.failing]

    @property
    def plain(self) -> list[Column]:
        """Controls that are complied with wherever they mean something."""
        return sorted((c for c in self.all if c.status in PLAIN), key=lambda column: column.control.id)

    @cached_property
    def rows(self) -> tuple[StackReport, ...]:
        """The landscapes, worst first."""
        return tuple(sorted(self.run.stacks, key=lambda s: (*(-s.controls[one] for one in SEEN), s.audit.stack)))

    @cached_property
    def statuses(self) -> Mapping[Status, int]:
        """Landscapes per status: that of the worst of their controls."""
        found = Counter(stack.status for stack in self.run.stacks)
        return {one: found[one] for one in Status}

    @cached_property
    def cells(self) -> Mapping[Status, int]:
        """Pairs of a control and a landscape per status."""
        return {one: sum(stack.controls[one] for stack in self.run.stacks) for one in Status}

    @cached_property
    def counts(self) -> Mapping[Status, int]:
        """Findings per status."""
        return {one: sum(stack.counts[one] for stack in self.run.stacks) for one in Status}

    @property
    def findings(self) -> int:
        """How many findings there are."""
        return sum(self.counts.values())

    @cached_property
    def changes(self) -> Sequence[tuple[StackReport, FindingChange]]:
        """The landscapes that an earlier run looked at as well, with what changed."""
        found = ((stack, change(stack.audit, self.run.earlier)) for stack in self.rows)
        return [(stack, changed) for stack, changed in found if changed is not None]

    @property
    def moving(self) -> list[tuple[StackReport, FindingChange]]:
        """Those in which anything did."""
        return [(stack, one) for stack, one in self.changes if one.new or one.ended or one.worse]

    @property
    def moved(self) -> Mapping[str, int]:
        """Findings over all of them: new, ended, remaining."""
        changes = [one for _, one in self.changes]
        return {
            "new": sum(len(one.new) for one in changes),
            "ended": sum(len(one.ended) for one in changes),
            "remaining": sum(one.remaining for one in changes),
        }
