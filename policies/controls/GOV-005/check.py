"""The tenant's own file names the ring; a default is nobody's choice."""

from collections.abc import Iterator

from ggi.controls.sdk import Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about the stack."""
    tenant = seen.environment.tenant
    chosen = tenant.tree.child("ring") is not None
    yield verdict(seen.stack, chosen, f"ring {tenant.file.ring}" if chosen else "none named")
