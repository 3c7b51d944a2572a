"""JSON Schemas of the files below `cookbook/`, generated from the models, so that editors complete and check them."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from ggi.controls.terms import load_terms
from ggi.cookbook.product import ProductFile
from ggi.cookbook.recipe import ParameterFile, RecipeFile
from ggi.inventory.schema import Schema, schemas

MODELS: Mapping[str, type[BaseModel]] = {"recipe": RecipeFile, "product": ProductFile, "parameter": ParameterFile}
"""The kinds of files below `cookbook/`."""


def cookbook_schemas() -> dict[str, Schema]:
    """All schemas by kind of file; `ggi.inventory.schema.write_schemas` writes them to cookbook/schema/."""
    made = schemas({}, MODELS)
    made["recipe"]["$defs"]["Source"]["properties"]["framework"]["enum"] = sorted(load_terms([]).frameworks)
    return {kind: made[kind] for kind in MODELS}
