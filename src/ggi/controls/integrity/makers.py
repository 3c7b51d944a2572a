"""What controllers make of objects of ours, as `policies/integrity/makers.yaml` lists it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from ggi.controls.integrity.files import load
from ggi.inventory.models import Model
from ggi.inventory.types import Line

Body = Mapping[str, Any]


class MakerEntry(Model):
    """A kind that is made of another one."""

    kind: Line
    of: Line
    """Kind of its owner."""
    root: str = ""
    """Kind at the end of the owners, where that decides; default the kind of any object of ours."""
    named: str = ""
    """The name that it has, where controllers write no owner."""
    judged: Literal["template", "claim", "addresses", "outline", "whole"]
    """How."""
    why: str = ""


class EverywhereEntry(Model):
    """What every namespace has."""

    kind: Line
    named: str = ""
    """Its name; default any."""
    why: Line


class ClusterEntry(Model):
    """What an operator has outside of namespaces."""

    kind: Line
    named: Line
    """Its name, as an expression."""
    calls: Line
    """The namespace of the Service that it asks."""
    why: Line


class MakersFile(Model):
    """policies/integrity/makers.yaml."""

    makers: list[MakerEntry]
    everywhere: list[EverywhereEntry]
    cluster: list[ClusterEntry]


@cache
def load_makers() -> MakersFile:
    """Those of the checkout. Raises InputError."""
    return load("makers", MakersFile)


def named_by(entry: MakerEntry, owner: Body) -> re.Pattern[str]:
    """The names that an object of `entry` has when this is its owner."""
    spec = owner.get("spec") or {}
    templates = [str(one["metadata"]["name"]) for one in spec.get("volumeClaimTemplates") or ()]
    known = {
        "{owner}": re.escape(str(owner["metadata"]["name"])),
        "{secretName}": re.escape(str(spec.get("secretName", ""))),
        "{template}": f"({'|'.join(map(re.escape, templates))})",
    }
    text = entry.named
    for gap, value in known.items():
        text = text.replace(gap, value)
    return re.compile(text)
