"""Waivers end on their last day, and plans on the day when they are due."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per waiver, opened lock and plan of this environment; one for the stack when there is none."""
    mine = [(item, last) for item, last in seen.waivers.ending if item.covers(seen.environment.name)]
    for item, last in mine:
        yield verdict(item.about, last >= seen.date, [Detail("until", last), Detail("owner", item.owner)])
    if not mine:
        yield verdict(seen.stack, True, Detail("none"))
