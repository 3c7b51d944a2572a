"""On and after the day of a herindeling, the gemeente that ended is no longer active."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about the stack."""
    tenant = seen.environment.tenant
    change = tenant.file.herindeling
    past = change is not None and change.date <= seen.date
    told = [Detail("state", tenant.file.state.value)]
    told += [Detail("into", f"{change.into} {change.date}")] if change else []
    yield verdict(seen.stack, not past or tenant.file.state.value not in ("active", "onboarding"), told)
