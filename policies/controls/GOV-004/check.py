"""The release of prod is at most that of accp. Without an accp there is nothing to see, which is no pass."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, release_order, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about the stack of productie."""
    if seen.environment.name != "prod":
        return
    accp = seen.environment.tenant.file.environments.get("accp")
    own, before = seen.environment.release, accp.release if accp else None
    fine = None if before is None else release_order(own) <= release_order(before)
    yield verdict(seen.stack, fine, [Detail("prod", own), Detail("accp", before or "unknown")])
