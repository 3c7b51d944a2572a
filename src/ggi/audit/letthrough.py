"""What an update may go through although a control refuses it: what a baseline knows, and what is urgent.

The command line judges first and starts the engine, whose policy pack judges again in another process. Both ask here;
the pack is told by environment variables. A variable alone opens nothing: what is urgent must stand in the trail.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ggi.audit.baseline import Baseline, load_baseline
from ggi.audit.trail import read_trail, urgent_findings
from ggi.audit.verdict import Finding
from ggi.messages import t

BASELINE = "GGI_BASELINE"
"""Environment variable with the file of the first measurement."""
URGENT = "GGI_URGENT"
"""Environment variable with the hash of the line of the trail that begins an urgent update."""
TRAIL = "GGI_TRAIL"
"""Environment variable with the file of that trail."""


@dataclass(frozen=True)
class LetThrough:
    """What may go through in one stack."""

    stack: str
    baseline: Baseline | None = None
    urgent: frozenset[tuple[str, str, str]] = frozenset()
    ticket: str = ""

    @classmethod
    def of_environment(cls, stack: str, fingerprint: str, environment: Mapping[str, str] = os.environ) -> LetThrough:
        """What the variables say, for the landscape with this fingerprint. Raises InputError for a bad baseline."""
        file = environment.get(BASELINE)
        baseline = load_baseline(Path(file)) if file else None
        digest, path = environment.get(URGENT, ""), environment.get(TRAIL, "")
        if not digest or not path:
            return cls(stack, baseline)
        found = urgent_findings(Path(path), stack, digest, fingerprint)
        record = next((r for r in read_trail(Path(path), stack).records if r["hash"] == digest), {})
        return cls(stack, baseline, found, str(record.get("change", "")))

    def applied(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings; those that may go through block no more, and say why."""
        listed = self.baseline.applied(self.stack, findings) if self.baseline else findings
        return [self._urgent(finding) for finding in listed]

    def _urgent(self, finding: Finding) -> Finding:
        if not finding.blocks or (finding.control, finding.subject, finding.evidence) not in self.urgent:
            return finding
        note = t("let through as urgent ({ticket}); approval is asked for afterwards", ticket=self.ticket)
        return replace(finding, urgent=True, note=f"{finding.note}; {note}" if finding.note else note)
