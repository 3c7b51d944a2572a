"""The release of prod ran in accp first: by the trail of accp where it is at hand, else by what the file says.

Without an accp, or without a trail of it, there is nothing to see, which is no pass.
"""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, release_order, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about the stack of productie."""
    if seen.environment.name != "prod":
        return
    own, accp = seen.environment.release, seen.environment.tenant.file.environments.get("accp")
    if seen.ran is not None:
        fine: bool | None = own in seen.ran if seen.ran else None
        told = Detail("ran", seen.ran[own]) if fine else Detail("did-not-run" if seen.ran else "no-trail")
        yield verdict(seen.stack, fine, [Detail("prod", own), told])
        return
    before = accp.release if accp else None
    fine = None if before is None else release_order(own) <= release_order(before)
    yield verdict(seen.stack, fine, [Detail("prod", own), Detail("accp", before or "unknown")])
