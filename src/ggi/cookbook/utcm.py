"""Recipes as a monitor of UTCM (tenant configuration management in Microsoft Graph), which watches but never writes.

Limits of the service (Microsoft's overview page): 30 monitors, 800 monitored resources a day, which is 200 at its four
rounds a day. Types are written in lower case: the published schema checks nothing else. What it does not cover is
listed, not left out in silence.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ggi.cookbook.content import Cookbook
from ggi.cookbook.order import M365Tenant, Target
from ggi.cookbook.reading import EVERY

MOST = 200
"""Resources in all monitors of a tenant together."""


def monitor(tenant: M365Tenant, targets: Iterable[Target], book: Cookbook) -> dict[str, Any]:
    """The body of POST /admin/configurationManagement/configurationMonitors, and what is not covered."""
    resources: dict[str, dict[str, Any]] = {}
    left_out: list[dict[str, str]] = []
    for target in targets:
        for asked in target.asked:
            resource = book.resource(asked.ref.resource)
            why = ""
            if not resource.type_name:
                why = "UTCM has no such type"
            elif asked.ref.item == EVERY:
                why = "UTCM names objects one by one"
            elif str(asked.ref) not in resources and len(resources) >= MOST:
                why = f"more than {MOST} resources"
            if why:
                left_out.append({"recipe": target.id, "object": str(asked.ref), "why": why})
                continue
            entry = resources.setdefault(
                str(asked.ref),
                {"displayName": str(asked.ref), "resourceType": resource.type_name.lower(), "properties": {}},
            )
            if resource.named_by and asked.ref.item:
                entry["properties"][resource.named_by.title() if resource.collection else resource.named_by] = (
                    asked.ref.item
                )
            for want in asked.wants:
                if want.comparison in ("equal", "one_of") and "." not in want.path:
                    value = want.value[0] if want.comparison == "one_of" else want.value
                    entry["properties"][want.path[:1].upper() + want.path[1:]] = value
                else:
                    left_out.append(
                        {"recipe": target.id, "object": f"{asked.ref} {want.path}", "why": "UTCM compares for equality"}
                    )
    return {
        "monitor": {
            "displayName": f"Cookbook {tenant.stack}",
            "baseline": {"displayName": "Cookbook", "resources": list(resources.values())},
        },
        "not_covered": left_out,
    }
