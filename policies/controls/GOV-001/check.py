"""At most 122 days between the date of the release and the date of the audit."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict

MOST_DAYS = 122


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about the stack."""
    release = seen.facts.catalogue.releases[seen.environment.release].model
    age = (seen.date - release.date).days
    # The evidence is the release and not its age, so that a waiver of today still fits tomorrow.
    yield verdict(seen.stack, age <= MOST_DAYS, Detail("release", f"{release.release} {release.date}"))
