"""Recipes as a monitor of UTCM (tenant configuration management in Microsoft Graph), which watches but never writes.

Limits of the service (Microsoft's overview page): 30 monitors, 800 monitored resources a day, which is 200 at its four
rounds a day. Every name and value is held against what UTCM knows (`utcm_schema`), since the service's published
schema lets a misspelt one pass, and it would watch nothing. What is not covered is listed, not left out in silence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ggi.cookbook.content import Cookbook
from ggi.cookbook.product import Monitored
from ggi.cookbook.reading import EVERY
from ggi.cookbook.targets import Asked, M365Tenant, RecipeTarget, WantedValue
from ggi.cookbook.utcm_schema import known, refused
from ggi.messages import t

MOST = 200
"""Resources in all monitors of a tenant together."""


@dataclass(frozen=True)
class LeftOut:
    """What a monitor does not watch, and why."""

    recipe: str
    object: str
    why: str


def monitor(tenant: M365Tenant, targets: Iterable[RecipeTarget], book: Cookbook) -> dict[str, Any]:
    """The body of POST /admin/configurationManagement/configurationMonitors, and what is not covered."""
    resources: dict[str, dict[str, Any]] = {}
    left_out: list[LeftOut] = []
    for target in targets:
        for asked in target.asked:
            watched = book.resource(asked.ref.resource).monitor
            why = _not_watched(asked, watched, resources)
            if why or watched is None:
                left_out.append(LeftOut(target.id, str(asked.ref), why))
                continue
            fitting = {}
            for want in asked.wants:
                name, value, reason = _property(watched, want)
                if reason:
                    left_out.append(LeftOut(target.id, f"{asked.ref} {want.path}", reason))
                else:
                    fitting[name] = value
            if fitting:
                entry = resources.setdefault(str(asked.ref), _resource(watched, asked))
                entry["properties"] |= fitting
    return {
        "monitor": {
            "displayName": f"Cookbook {tenant.stack}",
            "baseline": {"displayName": "Cookbook", "resources": list(resources.values())},
        },
        "not_covered": [vars(one) for one in left_out],
    }


def _not_watched(asked: Asked, watched: Monitored | None, resources: dict[str, Any]) -> str:
    if watched is None:
        return t("UTCM has no such type")
    if asked.ref.item == EVERY:
        return t("UTCM names objects one by one")
    if str(asked.ref) not in resources and len(resources) >= MOST:
        return t("more than {most} resources", most=MOST)
    return ""


def _resource(watched: Monitored, asked: Asked) -> dict[str, Any]:
    named = {watched.key: asked.ref.item} if watched.key else {}
    return {
        "displayName": str(asked.ref),
        "resourceType": watched.type,
        "properties": {**watched.fixed, **named},
    }


def _property(watched: Monitored, want: WantedValue) -> tuple[str, Any, str]:
    """(name in UTCM, value, why it can't be watched)."""
    if want.comparison not in ("equal", "one_of"):
        return "", None, t("UTCM compares for equality")
    name = watched.name_of(want.path)
    kind = known()[watched.type]["properties"].get(name)
    if kind is None:
        return "", None, t("UTCM has no such property")
    value = want.value[0] if want.comparison == "one_of" else want.value
    if kind.get("type") == "string" and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return name, value, t("UTCM does not take this value") if refused(kind, value) else ""
