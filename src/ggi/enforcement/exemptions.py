"""What may go through although a control refuses it: what a baseline knows, and what is urgent.

The command line judges first and starts the engine, whose policy pack judges again in another process. Both ask here;
the pack is told by `RunContext`. A variable alone opens nothing: what is urgent must stand in the trail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from ggi.assurance.trail import read_trail, urgent_findings
from ggi.audit.assessment import Assessment
from ggi.audit.baseline import Baseline, load_baseline
from ggi.audit.sentences import saw_the_same
from ggi.controls.control import Control
from ggi.controls.verdict import Finding
from ggi.engine.run_context import RunContext
from ggi.inventory.waivers import admission_line
from ggi.messages import t


@dataclass(frozen=True)
class Exemptions:
    """What may go through in one stack."""

    stack: str
    baseline: Baseline | None = None
    urgent: frozenset[tuple[str, str, str]] = frozenset()
    ticket: str = ""

    @classmethod
    def of(cls, stack: str, fingerprint: str, context: RunContext) -> Exemptions:
        """What a run may let through, for the landscape with this fingerprint. Raises InputError for a bad baseline."""
        baseline = load_baseline(context.baseline) if context.baseline else None
        if not context.urgent or context.trail is None:
            return cls(stack, baseline)
        found = urgent_findings(context.trail, stack, context.urgent, fingerprint)
        record = next((r for r in read_trail(context.trail, stack).records if r["hash"] == context.urgent), {})
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


def admitted(assessment: Assessment, context: RunContext) -> str:
    """What the cluster's admission must let through besides waivers, as its annotation has it; mostly nothing.

    The API server judges a third time and knows neither baseline nor trail. An update without them takes it back.
    """
    if not context.baseline and not context.urgent:
        return ""
    built = assessment.landscape
    through = Exemptions.of(built.stack, built.fingerprint, context)
    found = through.applied(assessment.judge(assessment.planned).findings(), assessment.by.controls.by_id)
    objects = {item.name: item for item in built.objects}
    lines = {
        admission_line(f.control, item.kind, item.kube_name, item.base, f.evidence)
        for f in found
        if (f.urgent or f.known_since is not None) and (item := objects.get(f.subject))
    }
    return "\n".join(sorted(lines))
