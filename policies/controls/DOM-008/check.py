"""Public host names against the environment's own domain."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per component with a name."""
    domain = seen.environment.domain
    for name, host in seen.landscape.hosts.items():
        inside = host == domain or (host.endswith(domain) and host.removesuffix(domain).endswith("."))
        yield verdict(f"{name}/Host/main", inside, Detail("in-domain" if inside else "outside", host))
