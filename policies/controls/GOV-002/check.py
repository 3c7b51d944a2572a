"""On and after the day of a herindeling, the gemeente that ended is no longer active."""

from collections.abc import Iterator

from ggi.controls.sdk import Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about the stack."""
    tenant = seen.environment.tenant
    change = tenant.file.herindeling
    past = change is not None and change.date <= seen.date
    told = f"{tenant.file.state.value}, into {change.into} on {change.date}" if change else tenant.file.state.value
    yield verdict(seen.stack, not past or tenant.file.state.value not in ("active", "onboarding"), told)
