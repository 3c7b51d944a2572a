"""What Keycloak is told: the realm, its clients and its actions, read from the files of its configuration Job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ggi.controls.observation import Observation

REALM_SUBJECT = "keycloak/ConfigMap/configure-files"
"""Logical name of the ConfigMap that the realm is read from. Example: `verdict(REALM_SUBJECT, True)`."""
_FOLDER = "etc_ggi_keycloak_"


@dataclass(frozen=True)
class Realm:
    """The realm of the administrators, the realm `master`, clients by id, and required actions by alias."""

    own: dict[str, Any]
    master: dict[str, Any]
    clients: dict[str, dict[str, Any]] = field(default_factory=dict)
    actions: dict[str, dict[str, Any]] = field(default_factory=dict)


def realm(seen: Observation) -> Realm | None:
    """The realm of what was seen, or None when there is no Keycloak.

    Example: `found is not None and found.own.get("bruteForceProtected")`, with `found = realm(seen)`.
    """
    data = seen.config("keycloak", "configure-files")
    if data is None or f"{_FOLDER}realm.json" not in data:
        return None

    def files(folder: str) -> dict[str, dict[str, Any]]:
        prefix = f"{_FOLDER}{folder}_"
        return {
            key.removeprefix(prefix).removesuffix(".json"): json.loads(text)
            for key, text in data.items()
            if key.startswith(prefix) and key.endswith(".json")
        }

    return Realm(
        own=json.loads(data[f"{_FOLDER}realm.json"]),
        master=json.loads(data.get(f"{_FOLDER}master.json", "{}")),
        clients=files("clients"),
        actions=files("actions"),
    )


def out_of_bounds(settings: Mapping[str, Any], limits: Mapping[str, tuple[float, float]]) -> list[str]:
    """The settings that are not said, or lie outside (least, most). What is not said stays as somebody clicked it.

    Example: `out_of_bounds(found.own, {"failureFactor": (3, 10)})` gives `["failureFactor 30"]`.
    """
    found = []
    for key, (least, most) in limits.items():
        value = settings.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            found.append(f"{key} {value}")
    return found
