"""The options --baseline and --freeze of `ggi audit`: the first measurement (nulmeting) of a landscape that came in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli.output import note, say
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.audit.audit import Audit
    from ggi.audit.baseline import Baseline

BaselineFile = Annotated[
    Path | None,
    typer.Option("--baseline", metavar="FILE", help="The first measurement: what it has is known, and does not count."),
]
FreezeFile = Annotated[
    Path | None,
    typer.Option("--freeze", metavar="FILE", help="Write the first measurement; with --baseline, what is left of it."),
]


@dataclass(frozen=True)
class Measure:
    """What was asked for, with the baseline as read."""

    read: Path | None
    write: Path | None
    baseline: Baseline | None

    @classmethod
    def of(cls, read: Path | None, write: Path | None) -> Measure:
        """Read the baseline, if there is one. Raises InputError."""
        from ggi.audit.baseline import load_baseline

        return cls(read, write, load_baseline(read) if read else None)

    def applied(self, audits: Sequence[Audit]) -> list[Audit]:
        """The audits, with the date of every failure that was known."""
        from ggi.audit.baseline import with_baseline

        return [with_baseline(audit, self.baseline) if self.baseline else audit for audit in audits]

    def with_data(self, found: list[dict[str, Any]], audits: Sequence[Audit]) -> list[dict[str, Any]]:
        """The audits as JSON, each with what became of the baseline."""
        from ggi.audit.baseline import compared, data

        if self.baseline is None:
            return found
        return [
            {**item, "baseline": data(compared(audit, self.baseline))}
            for item, audit in zip(found, audits, strict=True)
        ]

    def show(self, audit: Audit) -> None:
        """Print what became of the baseline."""
        from ggi.audit.baseline import compared, summary

        if self.baseline is not None:
            for line in summary(compared(audit, self.baseline), audit.place):
                say(line)

    @property
    def first(self) -> bool:
        """Whether this is the first measurement itself: then nothing is new."""
        return self.write is not None and self.read is None

    def freeze(self, audits: Sequence[Audit]) -> None:
        """Write the first measurement, or what is left of it. Raises InputError."""
        from ggi.audit.baseline import freeze, write_baseline

        if self.write is not None:
            write_baseline(self.write, freeze(audits, self.baseline), self.read)
            kept = sum(f.known_since is not None or self.baseline is None for a in audits for f in a.failed)
            note(t("{count} findings are frozen in {file}", count=kept, file=self.write))
