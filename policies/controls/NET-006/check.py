"""Every flow that a relation explains is open at each end that is inside the namespace."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, explained, opened, pods, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per relation or edge."""
    known = pods(seen)
    open_now = opened(seen)
    closed: dict[str, list[str]] = {}
    for opening, reason in explained(seen).items():
        for name in reason.split(", "):
            found = closed.setdefault(name, [])
            # A Job that is done and gone needs no way in or out any more.
            if opening not in open_now and opening.pod in known:
                found.append(str(opening))
    for name, found in sorted(closed.items()):
        yield verdict(name, not found, [Detail("flow", text) for text in sorted(found)[:5]])
