"""The texts that content declares: components, their settings and inputs, and releases.

They stand in content as plain English and are translated where they are shown; a further content root without a
translation of its own is shown as it is.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator

from pydantic import BaseModel

from ggi.catalogue.component import Component
from ggi.catalogue.content import load_catalogue
from ggi.inventory.fields import description
from ggi.inventory.models import EnvironmentSettings, TenantFile


def content_texts() -> set[str]:
    """Every text for people in the checkout's own content, and what the models say about each setting."""
    catalogue = load_catalogue(())
    found: set[str] = set()
    seen: set[type[BaseModel]] = set()
    for model in (EnvironmentSettings, TenantFile, *(c.settings for c in catalogue.components.values())):
        found.update(_descriptions(model, seen))
    for component in catalogue.components.values():
        found.update(_of_component(component))
    for release in catalogue.releases.values():
        found.add(release.model.title)
        found.update(version.notes for version in release.model.components.values())
    return found


def _of_component(component: Component) -> Iterator[str]:
    yield component.summary
    yield component.exit
    for asked in (*component.inputs, *component.external_inputs):
        yield from (asked.title, asked.role, asked.check)
    for api in component.offers:
        yield api.title
    for functional in component.functional:
        yield from (functional.title, functional.where)


def _descriptions(annotation: typing.Any, seen: set[type[BaseModel]]) -> Iterator[str]:
    """Descriptions of all fields of the models in an annotation, and of the models below them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation in seen:
            return
        seen.add(annotation)
        for name, field in annotation.model_fields.items():
            yield description(annotation, name)
            yield from _descriptions(field.annotation, seen)
    for inner in typing.get_args(annotation):
        yield from _descriptions(inner, seen)
