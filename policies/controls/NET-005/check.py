"""Every opening, worked out from selectors and labels, is one that a flow of the landscape explains."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, explained, opened, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per NetworkPolicy."""
    reasons = explained(seen)
    unexplained: dict[str, list[str]] = {subject.name: [] for subject in seen.of("NetworkPolicy")}
    for opening, policy in opened(seen).items():
        if opening not in reasons:
            unexplained[policy].append(str(opening))
    for name, found in unexplained.items():
        yield verdict(name, not found, [Detail("flow", text) for text in sorted(found)[:5]])
