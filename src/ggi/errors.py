"""Errors that are meant for a person: what is wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

EXIT_FAILED = 1
"""Findings, or work that failed."""
EXIT_INPUT = 2
"""Wrong input or wrong use; nothing was changed."""


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Where a value was written: `file` as the user knows it, 1-based `line`, and the `layer` it belongs to."""

    file: str
    line: int
    layer: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `fix` says what to do, in the imperative."""

    message: str
    fix: str = ""
    origin: Origin | None = None

    def __str__(self) -> str:
        where = f"{self.origin}: " if self.origin else ""
        fix = f"\n    {self.fix}" if self.fix else ""
        return f"{where}{self.message}{fix}"


class GgiError(Exception):
    """One or more problems, shown without a traceback; `exit_code` is that of the process."""

    exit_code = EXIT_FAILED

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(p if isinstance(p, Problem) else Problem(p) for p in problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class InputError(GgiError):
    """What the user wrote is wrong; nothing was changed."""

    exit_code = EXIT_INPUT


class WorkError(GgiError):
    """Work that was asked for failed or found something."""

    exit_code = EXIT_FAILED


def raise_if(problems: Iterable[Problem]) -> None:
    """Raise one InputError with all `problems`, sorted by place; do nothing when there are none."""
    found = sorted(problems, key=lambda p: (p.origin or Origin("", 0), p.message))
    if found:
        raise InputError(*found)
