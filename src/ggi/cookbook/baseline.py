"""The first measurement (nulmeting): every deviation of today as a draft of a waiver file, with its accepted value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import yaml

from ggi.cookbook.content import Cookbook
from ggi.cookbook.judge import Compliance, Judged
from ggi.messages import t

DAYS = 90
"""Until when a draft holds: short, since nobody has decided anything yet."""


def draft(judged: Iterable[Judged], book: Cookbook, date: dt.date) -> str:
    """A file for policies/waivers/m365/. Reason, compensation and roles are for people; the file says so."""
    waivers = [
        {
            "control": one.recipe,
            "resource": str(one.ref).replace(" ", "?"),
            "value": one.evidence,
            "reason": f"DRAFT, to be decided: {book.recipes[one.recipe].file.title.en}",
            "compensating": "DRAFT, to be decided",
            "owner": book.recipes[one.recipe].file.owner,
            "approver": "DRAFT: the role that accepts the risk",
            "granted": date.isoformat(),
            "expires": (date + dt.timedelta(days=DAYS)).isoformat(),
        }
        for one in judged
        if one.outcome is Compliance.DRIFT
    ]
    head = "# yaml-language-server: $schema=../../schema/waivers.schema.json\n# " + t(
        "A draft by ggi m365 baseline: decide on each, write reason and roles, or remove it and let it be mended."
    )
    text = yaml.safe_dump({"waivers": waivers}, sort_keys=False, allow_unicode=True, width=110)
    return f"{head}\n{text}"
