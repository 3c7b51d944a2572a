"""Every object of the landscape is here by its logical name; a Job that is done may be gone."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, known_kinds, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about all, and one per object that is missing."""
    kinds = known_kinds()
    here = {subject.name for subject in seen.subjects}
    wanted = {name for name in seen.planned if name.split("/")[1] in kinds and name.split("/")[1] != "Job"}
    for name in sorted(wanted - here):
        yield verdict(name, False, Detail("missing"))
    if wanted <= here:
        yield verdict(seen.stack, True, Detail("objects", len(wanted)))
