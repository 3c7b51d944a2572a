"""Evidence as older versions wrote it, as an English sentence: baselines, trails and waivers of then still say it."""

from __future__ import annotations

from collections.abc import Mapping

from ggi.controls.control import Control
from ggi.controls.evidence import Detail, Evidence
from ggi.controls.verdict import Finding

_SEMICOLONS = ("DAT-001", "DAT-008", "DOM-003", "DOM-004", "IDM-001", "IDM-002", "IDM-004", "IDM-006", "LOG-003")
"""Controls whose sentences had semicolons between their parts; those over hosts had them too, the others commas."""
_SORTED = ("AVL-007", "APP-007", "DAT-006", "IMG-005", "NET-009", "NET-010")
"""Controls that sort what they saw: by its words then, by its codes now."""
_UNCLEAR = ("TLS-005",)
"""Controls whose sentences had the same between their parts as within them."""


def saw_the_same(finding: Finding, evidence: str, controls: Mapping[str, Control]) -> bool:
    """Whether a finding is about what was written down as `evidence`, now or by an older version."""
    if evidence == finding.evidence:
        return True
    control = controls.get(finding.control)
    return control is not None and control.vocabulary.wrote(evidence, finding.evidence)


def code_of(control: Control, sentence: str) -> str | None:
    """The canonical evidence of a sentence that an older version wrote; None when it can't be told.

    Canonical evidence is given back as it is, and so is that of recipes, which always was data.
    """
    if control.vocabulary.knows(sentence) or control.is_recipe:
        return sentence
    if control.id in _UNCLEAR:
        return None
    between = "; " if control.id in _SEMICOLONS or "Host" in control.kinds else ", "
    found = control.vocabulary.from_sentence(sentence, between)
    if found is None:
        return None
    details: list[Detail] = sorted(found.details) if control.id in _SORTED else list(found.details)
    return str(Evidence.of(details))
