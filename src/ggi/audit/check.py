"""For `check.py`: `from ggi.audit.check import Seen, Verdict, verdict`."""

from __future__ import annotations

from ggi.audit.facts import Facts, Seen, Subject
from ggi.audit.verdict import Outcome, Verdict
from ggi.errors import Origin

__all__ = ["Facts", "Outcome", "Seen", "Subject", "Verdict", "elsewhere", "verdict"]


def verdict(subject: str, fine: bool | None, evidence: str = "", origin: Origin | None = None) -> Verdict:
    """PASS or FAIL; None is UNKNOWN. `evidence` is what was seen, without a secret's value."""
    outcome = Outcome.UNKNOWN if fine is None else Outcome.PASS if fine else Outcome.FAIL
    return Verdict(subject, outcome, evidence, origin)


def elsewhere(subject: str) -> Verdict:
    """UNKNOWN, since nothing in this place can show it; another place (`--from live`) can. Told once for all such."""
    return Verdict(subject, Outcome.UNKNOWN, elsewhere=True)
