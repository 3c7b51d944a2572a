"""What of the cluster is not as planned, and opens this."""

from collections.abc import Iterator

from ggi.controls.sdk import Meaning, Observation, Verdict, unplanned


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per object."""
    return unplanned(seen, Meaning.RIGHT)
