"""Public names inside the cluster: each leads straight to the Service of the component that has it (decision 021)."""

from __future__ import annotations

from collections.abc import Iterable

from ggi.catalogue.component import service_host
from ggi.catalogue.content import Catalogue
from ggi.inventory.models import NameRules
from ggi.inventory.resolve import Environment


def direct_names(environment: Environment, catalogue: Catalogue) -> dict[str, str]:
    """The public host names of one environment, and the Service that each leads to, without the cluster's domain.

    Not those whose TLS passes through the gateway: they are for others, and their Services have no port 443.
    A component that waits for an input has a name already: it leads nowhere until its Service is there.
    """
    found = {}
    for name, settings in environment.components.items():
        component = catalogue.components[name]
        process, _, port = component.route.partition(":")
        if settings.enabled and settings.external is None and port == "https" and not component.passthrough:
            found[environment.host(name)] = service_host(name, process, environment.namespace)
    return found


def coredns_rules(environments: Iterable[Environment], catalogue: Catalogue, names: NameRules) -> str:
    """Lines for the server block of CoreDNS: a rewrite per name, of the question and of the answer alike.

    Source: plugin/rewrite/README.md of coredns 1.15: rules are tried in their order, and the first that fits ends it.
    """
    pairs: dict[str, str] = {}
    for environment in environments:
        pairs |= direct_names(environment, catalogue)
    lines = [f"rewrite name exact {host} {pairs[host]}.{names.zone} answer auto\n" for host in sorted(pairs)]
    return (
        "# Public names of landscapes, straight to their Services. Written by ggi; changes are overwritten.\n"
        + "".join(lines)
    )
