"""An earlier run, read from its JSON, and what changed since: what is new or worse, and what became of the rest."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ggi.audit.audit import Audit
from ggi.controls.verdict import Finding, Outcome
from ggi.errors import InputError, Origin, Problem
from ggi.messages import t

Key = tuple[str, str]
"""Control and subject: what a finding is about, from one run to the next."""
JOINT = "; "
"""Between the evidence of several findings about one subject."""


@dataclass(frozen=True)
class EarlierAudit:
    """One stack as an earlier run saw it."""

    date: dt.date
    place: str
    counts: Mapping[str, int]
    failed: Mapping[Key, str]
    """What did not comply, with its evidence."""


@dataclass(frozen=True)
class Earlier:
    """An earlier run, by stack."""

    audits: Mapping[str, EarlierAudit]

    @property
    def date(self) -> dt.date:
        """Its latest date."""
        return max(audit.date for audit in self.audits.values())


@dataclass(frozen=True)
class FindingChange:
    """What changed for one stack since an earlier run in the same place."""

    date: dt.date
    new: tuple[Finding, ...]
    worse: tuple[tuple[Finding, str], ...]
    """What fails in another way than before, and what was seen then."""
    ended: tuple[tuple[Key, Outcome | None], ...]
    """What no longer fails, and what became of it; None: it is no longer there."""
    remaining: int
    before: int
    """How many findings did not comply then."""


def _audit(found: Mapping[str, Any]) -> EarlierAudit:
    failed: dict[Key, str] = {}
    for finding in found["findings"]:
        if finding["outcome"] == Outcome.FAIL:
            key = str(finding["control"]), str(finding["subject"])
            failed[key] = JOINT.join([failed[key], finding["evidence"]] if key in failed else [finding["evidence"]])
    counts = {str(name): int(number) for name, number in found["counts"].items()}
    return EarlierAudit(dt.date.fromisoformat(found["date"]), str(found["from"]), counts, failed)


def load_earlier(path: Path) -> Earlier:
    """Read an earlier run, as `--json` or `--format json` wrote it. Raises InputError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        audits = {str(one["stack"]): _audit(one) for one in found}
        if not audits:
            raise ValueError("empty")
    except OSError as error:
        message = t("the earlier audit can't be read: {why}", why=error.strerror or error)
        raise InputError(Problem(message, origin=Origin(str(path), 0))) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(
            Problem(
                t("this is no audit"),
                t("Name a file that `ggi audit --format json` wrote."),
                Origin(str(path), 0),
            )
        ) from None
    return Earlier(audits)


def _failures(audit: Audit) -> dict[Key, tuple[Finding, str]]:
    """What fails, with all evidence about one subject together."""
    groups: dict[Key, list[Finding]] = {}
    for finding in audit.failed:
        groups.setdefault((finding.control, finding.subject), []).append(finding)
    return {key: (found[0], JOINT.join(f.evidence for f in found)) for key, found in groups.items()}


def _same(audit: Audit, finding: Finding, before: str, now: str) -> bool:
    """Whether the same was seen; an older version wrote a sentence of it."""
    return before == now or audit.controls[finding.control].vocabulary.wrote(before, now)


def change(audit: Audit, earlier: Earlier | None) -> FindingChange | None:
    """What changed since the earlier run, or None when it did not look at this stack in this place."""
    before = earlier.audits.get(audit.stack) if earlier is not None else None
    if before is None or before.place != audit.place.value:
        return None
    now = _failures(audit)
    outcomes = {(f.control, f.subject): f.outcome for f in audit.findings}
    return FindingChange(
        date=before.date,
        new=tuple(finding for key, (finding, _) in now.items() if key not in before.failed),
        worse=tuple(
            (finding, before.failed[key])
            for key, (finding, evidence) in now.items()
            if key in before.failed and not _same(audit, finding, before.failed[key], evidence)
        ),
        ended=tuple((key, outcomes.get(key)) for key in sorted(before.failed) if key not in now),
        remaining=sum(key in before.failed for key in now),
        before=len(before.failed),
    )
