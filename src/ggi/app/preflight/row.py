"""A row of the answer: what was found, what is needed, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ggi.messages import mark


class PreflightOutcome(StrEnum):
    """How a check came out. Only `WELL` says that something is as it should be."""

    WELL = mark("well")
    ATTENTION = mark("attention")
    """It may be meant so; somebody must know."""
    WRONG = mark("wrong")
    NOT_READ = mark("not read")
    """A right is missing, or the cluster does not tell."""
    NOT_TRIED = mark("not tried")
    """Nobody asked for it, or nothing is there yet to try it on."""


FAILED = frozenset({PreflightOutcome.WRONG, PreflightOutcome.NOT_READ})
"""What makes a preflight fail."""


@dataclass(frozen=True, slots=True)
class PreflightRow:
    """One check, in the reader's language; what comes from the cluster is in its own words."""

    check: str
    """Its id, such as `version/kubernetes`."""
    title: str
    found: str
    needed: str
    outcome: PreflightOutcome
    todo: str = ""
