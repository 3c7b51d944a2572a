"""Recipes as controls: one each, so that they report in an audit like all others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from ggi.controls.control import Control, ControlFile, Measure, Proof, Severity, SourceReference, Text
from ggi.controls.terms import Terms
from ggi.cookbook.content import Cookbook, Recipe

ISO = "2022"
ISO_TEXT = Text(
    nl="Beheersmaatregel waar dit recept aan bijdraagt; BIO2 nummert gelijk. De indeling is van ons.",
    en="Control that this recipe contributes to; BIO2 numbers alike. The mapping is ours.",
)


def control_of(recipe: Recipe, terms: Terms) -> Control:
    """The control that a recipe is. Its sources are the recipe's, and the controls of ISO 27002 it belongs to."""
    file = recipe.file
    title = file.title
    sources = [
        SourceReference(
            framework=source.framework,
            version=source.version,
            id=source.id,
            text=source.note or title,
        )
        for source in file.sources
    ]
    sources += [SourceReference(framework="ISO 27002", version=ISO, id=name, text=ISO_TEXT) for name in file.iso27002]
    made = ControlFile(
        id=file.id,
        title=title,
        why=file.why,
        severity=Severity(file.severity),
        since=file.since,
        measure=Measure.ISO,
        proof=[Proof.EXISTENCE],
        sources=sources,
        shared=["absent"],
        message=Text(nl=f"Wijkt af: {file.title.nl}", en=f"Deviates: {file.title.en}"),
        remediation=file.rollout,
    )
    kinds = frozenset({file.settings[0].resource.split("/")[0]})
    return Control(made, kinds, recipe.origin, family=terms.family(file.id), vocabulary=terms.vocabulary(made))


def controls_of(book: Cookbook) -> Mapping[str, Control]:
    """All of them by id."""
    return {name: control_of(recipe, book.terms) for name, recipe in book.recipes.items()}


def version_of(book: Cookbook) -> str:
    """A name for exactly this content: it stands where an audit has the release."""
    content = [recipe.file.model_dump(mode="json") for recipe in book.recipes.values()]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"cookbook-{digest[:8]}"
