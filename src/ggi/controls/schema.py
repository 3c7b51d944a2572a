"""JSON Schemas of the files below `policies/`, generated from the models, so that editors complete and check them."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from ggi.controls.control import ControlFile, RetiredFile
from ggi.controls.coverage import FrameworkFile
from ggi.controls.examples import Example
from ggi.inventory.schema import Schema, schemas
from ggi.inventory.waivers import RegionWaiverFile, WaiverFile

MODELS: Mapping[str, type[BaseModel]] = {
    "control": ControlFile,
    "example": Example,
    "framework": FrameworkFile,
    "retired": RetiredFile,
    "region-waivers": RegionWaiverFile,
    "waivers": WaiverFile,
}
"""The kinds of files below `policies/`."""


def policy_schemas() -> dict[str, Schema]:
    """All schemas by kind of file; `ggi.inventory.schema.write_schemas` writes them to policies/schema/."""
    made = schemas({}, MODELS)
    return {kind: made[kind] for kind in MODELS}
