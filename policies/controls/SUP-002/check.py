"""Support of every component goes on. A component whose end nobody knows is not judged."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per component."""
    for name in seen.landscape.order:
        item = seen.landscape.components[name]
        end = item.component.support_end
        if not item.external:
            yield verdict(name, None if end is None else end >= seen.date, Detail("until", end or "unknown"))
