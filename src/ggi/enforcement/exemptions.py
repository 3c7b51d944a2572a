"""What an update may go through although a control refuses it: what a baseline knows, and what is urgent.

The command line judges first and starts the engine, whose policy pack judges again in another process. Both ask here;
the pack is told by environment variables. A variable alone opens nothing: what is urgent must stand in the trail.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from ggi.assurance.trail import read_trail, urgent_findings
from ggi.audit.baseline import Baseline, load_baseline
from ggi.audit.judge import Judge
from ggi.audit.sentences import saw_the_same
from ggi.catalogue.content import Catalogue
from ggi.clock import today
from ggi.controls.control import Control
from ggi.controls.load import load_controls
from ggi.controls.observation import Facts, Observation
from ggi.controls.subjects import of_landscape
from ggi.controls.verdict import Finding
from ggi.inventory.waivers import admission_line
from ggi.landscape.build import Landscape
from ggi.messages import t

BASELINE = "GGI_BASELINE"
"""Environment variable with the file of the first measurement."""
URGENT = "GGI_URGENT"
"""Environment variable with the hash of the line of the trail that begins an urgent update."""
TRAIL = "GGI_TRAIL"
"""Environment variable with the file of that trail."""


@dataclass(frozen=True)
class Exemptions:
    """What may go through in one stack."""

    stack: str
    baseline: Baseline | None = None
    urgent: frozenset[tuple[str, str, str]] = frozenset()
    ticket: str = ""

    @classmethod
    def of_environment(cls, stack: str, fingerprint: str, environment: Mapping[str, str] = os.environ) -> Exemptions:
        """What the variables say, for the landscape with this fingerprint. Raises InputError for a bad baseline."""
        file = environment.get(BASELINE)
        baseline = load_baseline(Path(file)) if file else None
        digest, path = environment.get(URGENT, ""), environment.get(TRAIL, "")
        if not digest or not path:
            return cls(stack, baseline)
        found = urgent_findings(Path(path), stack, digest, fingerprint)
        record = next((r for r in read_trail(Path(path), stack).records if r["hash"] == digest), {})
        return cls(stack, baseline, found, str(record.get("change", "")))

    def applied(
        self, findings: Iterable[Finding], controls: Mapping[str, Control] = MappingProxyType({})
    ) -> list[Finding]:
        """The findings; those that may go through block no more, and say why.

        With `controls`, also what an older version wrote down as an English sentence.
        """
        listed = self.baseline.applied(self.stack, findings, controls) if self.baseline else findings
        return [self._urgent(finding, controls) for finding in listed]

    def _urgent(self, finding: Finding, controls: Mapping[str, Control]) -> Finding:
        listed = (e for c, s, e in self.urgent if (c, s) == (finding.control, finding.subject))
        if not finding.blocks or not any(saw_the_same(finding, evidence, controls) for evidence in listed):
            return finding
        note = t("let through as urgent ({ticket}); approval is asked for afterwards", ticket=self.ticket)
        return replace(finding, urgent=True, note=f"{finding.note}; {note}" if finding.note else note)


def admitted(built: Landscape, catalogue: Catalogue) -> str:
    """What the cluster's admission must let through besides waivers, as its annotation has it; mostly nothing.

    The API server judges a third time and knows neither baseline nor trail. An update without them takes it back.
    """
    through = Exemptions.of_environment(built.stack, built.fingerprint)
    seen = Observation(of_landscape(built), today(), Facts(built, catalogue), built.environment.deviations)
    controls = load_controls(catalogue.roots)
    found = through.applied(Judge(controls, seen).findings(), controls.by_id)
    objects = {item.name: item for item in built.objects}
    lines = {
        admission_line(f.control, item.kind, item.kube_name, item.base, f.evidence)
        for f in found
        if (f.urgent or f.known_since is not None) and (item := objects.get(f.subject))
    }
    return "\n".join(sorted(lines))
