"""Secrets, ConfigMaps and their keys, claims, volumes and service accounts that pods name exist; none is left over."""

from collections.abc import Iterator

from ggi.audit.check import Seen, Verdict, verdict
from ggi.audit.references import dangling, names, workloads


def check(seen: Seen) -> Iterator[Verdict]:
    """One verdict per workload."""
    known = names(seen)
    for subject in workloads(seen):
        missing = dangling(subject, known)
        yield verdict(subject.name, not missing, ", ".join(missing))
