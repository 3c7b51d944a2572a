"""For `check.py`: `from ggi.controls.sdk import Detail, Observation, Verdict, verdict`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ggi.controls.evidence import Detail, Evidence
from ggi.controls.observation import Domain, Facts, Observation, Subject
from ggi.controls.verdict import Outcome, Verdict
from ggi.errors import Origin

__all__ = [
    "Detail",
    "Domain",
    "Facts",
    "Observation",
    "Outcome",
    "Subject",
    "Verdict",
    "elsewhere",
    "of_domains",
    "verdict",
]

Told = Detail | Iterable[Detail]
"""What was seen: `Detail("replicas", 1)`, or several of them in order."""


def verdict(subject: str, fine: bool | None, evidence: Told = (), origin: Origin | None = None) -> Verdict:
    """PASS or FAIL; None is UNKNOWN. `evidence` is what was seen, without a secret's value.

    Every code has words in the control's own file or in policies/evidence.yaml.
    """
    outcome = Outcome.UNKNOWN if fine is None else Outcome.PASS if fine else Outcome.FAIL
    return Verdict(subject, outcome, str(Evidence.of(evidence)), origin)


def elsewhere(subject: str) -> Verdict:
    """UNKNOWN, since nothing in this place can show it; another place (`--from live`) can. Told once for all such."""
    return Verdict(subject, Outcome.UNKNOWN, elsewhere=True)


def of_domains(
    seen: Observation, needed: set[str], judge: Callable[[Domain], tuple[bool, Told] | None]
) -> Iterator[Verdict]:
    """One verdict per domain: whether it is fine, and what was seen; none where `judge` says that it is not meant.

    UNKNOWN where this place asks nobody, or nobody answered about one of `needed`, which are fields of a Domain.
    """
    if seen.domains is None:
        yield elsewhere(seen.stack)
        return
    for name, domain in seen.domains.items():
        if any(getattr(domain, field) is None for field in needed):
            yield verdict(name, None, Detail("no-answer"))
        elif judged := judge(domain):
            yield verdict(name, *judged)
