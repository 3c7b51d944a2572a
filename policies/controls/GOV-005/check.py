"""The tenant's own file names the ring; a default is nobody's choice."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about the stack."""
    tenant = seen.environment.tenant
    chosen = tenant.tree.child("ring") is not None
    yield verdict(seen.stack, chosen, Detail("ring", tenant.file.ring) if chosen else Detail("no-ring"))
