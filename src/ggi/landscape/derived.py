"""What a value is when nobody says it, with a sentence on how it comes about; for landscapes and for `ggi explain`.

Pods follow from the number of inhabitants. Source: Open Zaak documentation, "Hardware": 10,000 / 50,000 / 100,000 /
500,000 / 1,000,000 inhabitants are about 15 / 30 / 60 / 120 / 235 requests per second; 25 requests per second take
about 4 CPU and 8 GB.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from typing import Any

from ggi.catalogue.content import Catalogue
from ggi.inventory.explain import Derive
from ggi.inventory.resolve import Environment, default_database
from ggi.inventory.tree import Steps
from ggi.messages import t

TABLE = ((10_000, 15.0), (50_000, 30.0), (100_000, 60.0), (500_000, 120.0), (1_000_000, 235.0))
REQUESTS_PER_POD = 25.0
"""What one web pod of a component serves; Open Zaak's figure for its smallest set-up."""


def requests_per_second(inhabitants: int) -> float:
    """Expected requests per second at busy times, interpolated in the table; linear beyond its ends."""
    if inhabitants <= TABLE[0][0]:
        return TABLE[0][1]
    for (low, few), (high, many) in pairwise(TABLE):
        if inhabitants <= high:
            return few + (many - few) * (inhabitants - low) / (high - low)
    return TABLE[-1][1] * inhabitants / TABLE[-1][0]


def web_pods(inhabitants: int) -> int:
    """Pods of a process that serves requests: at least two, so that a node can be emptied."""
    return max(2, ceil(requests_per_second(inhabitants) / REQUESTS_PER_POD))


def deriver(catalogue: Catalogue) -> Derive:
    """A function that derives values of an environment with this catalogue."""

    def derive(environment: Environment, path: Steps) -> tuple[Any, str] | None:
        if len(path) == 1:
            return _of_tenant(environment, str(path[0]))
        if len(path) == 3 and path[0] == "components" and path[1] in catalogue.components:
            return _of_component(environment, catalogue, str(path[1]), str(path[2]))
        return None

    return derive


def _of_tenant(environment: Environment, key: str) -> tuple[Any, str] | None:
    tenant = environment.tenant
    facts = {"name": tenant.name, "province": tenant.province, "inhabitants": tenant.inhabitants}
    if key in facts and getattr(tenant.file, key) is None:
        return facts[key], t("from the registry of gemeenten")
    if key == "namespace":
        return environment.stack, t("the name of the stack")
    if key in ("network", "m365"):
        return tenant.id, t("one of its own, named after the tenant")
    return None


def _of_component(environment: Environment, catalogue: Catalogue, name: str, key: str) -> tuple[Any, str] | None:
    component = catalogue.components[name]
    if key == "replicas":
        if not any(process.scales for process in component.processes):
            return None, t("no process of {component} grows with the inhabitants", component=component.title)
        inhabitants = environment.tenant.inhabitants
        return web_pods(inhabitants), t(
            "{inhabitants} inhabitants are about {rate:.0f} requests per second at busy times, at {each:.0f} per pod "
            "and with two pods at least (sizing table of Open Zaak)",
            inhabitants=inhabitants,
            rate=requests_per_second(inhabitants),
            each=REQUESTS_PER_POD,
        )
    if key == "host" and component.route:
        return environment.default_host(name), t("the component's name below `domain`")
    if key == "database" and any(use.component == "postgresql" for use in component.uses):
        return default_database(name), t("the component's name")
    return None
