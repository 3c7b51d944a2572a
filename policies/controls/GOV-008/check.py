"""Every object of the landscape is here by its logical name; a Job that is done may be gone."""

from collections.abc import Iterator

from ggi.controls.sdk import KINDS, Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about all, and one per object that is missing."""
    here = {subject.name for subject in seen.subjects}
    wanted = {name for name in seen.planned if name.split("/")[1] in KINDS and name.split("/")[1] != "Job"}
    for name in sorted(wanted - here):
        yield verdict(name, False, "missing")
    if wanted <= here:
        yield verdict(seen.stack, True, f"{len(wanted)} objects")
