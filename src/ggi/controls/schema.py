"""JSON Schemas of the files below `policies/`, generated from the models, so that editors complete and check them.

What a control may name (kinds, frameworks) is that of the checkout's own content.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from ggi.controls.control import ControlFile, RetiredFile
from ggi.controls.coverage import FrameworkFile
from ggi.controls.evidence import EvidenceFile
from ggi.controls.examples import Example
from ggi.controls.integrity.added import AddedFile
from ggi.controls.integrity.makers import MakersFile
from ggi.controls.integrity.meanings import MeaningsFile
from ggi.controls.integrity.rights import RightsFile
from ggi.controls.kinds import KindsFile, known_kinds
from ggi.controls.terms import CitedFile, FamiliesFile, load_terms
from ggi.inventory.schema import Schema, schemas
from ggi.inventory.waivers import RegionWaiverFile, WaiverFile

MODELS: Mapping[str, type[BaseModel]] = {
    "added": AddedFile,
    "control": ControlFile,
    "evidence": EvidenceFile,
    "example": Example,
    "families": FamiliesFile,
    "framework": FrameworkFile,
    "frameworks": CitedFile,
    "kinds": KindsFile,
    "makers": MakersFile,
    "meanings": MeaningsFile,
    "retired": RetiredFile,
    "rights": RightsFile,
    "region-waivers": RegionWaiverFile,
    "waivers": WaiverFile,
}
"""The kinds of files below `policies/`."""


def policy_schemas() -> dict[str, Schema]:
    """All schemas by kind of file; `ggi.inventory.schema.write_schemas` writes them to policies/schema/."""
    made = schemas({}, MODELS)
    terms = load_terms([])
    control = made["control"]
    control["properties"]["kinds"]["items"]["enum"] = [*known_kinds(), "pods"]
    control["$defs"]["SourceReference"]["properties"]["framework"]["enum"] = sorted(terms.frameworks)
    return {kind: made[kind] for kind in MODELS}
