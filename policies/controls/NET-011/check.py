"""How wide the edges are that a region describes: pods by labels, or small networks."""

import ipaddress
from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict

INSIDE = ("gateway", "dns", "apiserver", "monitoring", "operators", "solver")
OUTSIDE = ("backup", "smtp", "fsc", "crl", "selectielijst")
NARROW = {4: 24, 6: 64}
"""Prefix of what belongs to the cluster: a handful of nodes or addresses."""
WIDE = {4: 16, 6: 32}
"""Prefix of what stands outside: the network of one organisation."""


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per facility that the region describes."""
    cluster = seen.environment.cluster
    for name in (*INSIDE, *OUTSIDE):
        found = cluster.gateway.peer if name == "gateway" else getattr(cluster, name)
        if found is None:
            continue
        wrong = []
        if found.namespace and not found.pods:
            wrong.append(Detail("every-pod", name))
        for cidr in found.cidrs:
            network = ipaddress.ip_network(cidr, strict=False)
            if network.prefixlen < (NARROW if name in INSIDE else WIDE)[network.version]:
                wrong.append(Detail("network", f"{name} {cidr}"))
        yield verdict(f"cluster/Edge/{name}", not wrong, wrong or Detail("as-narrow"))
