"""Secrets, ConfigMaps and their keys, claims, volumes and service accounts that pods name exist; none is left over."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, dangling, encrypted, names, verdict, workloads


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per workload."""
    known, closed = names(seen), encrypted(seen)
    for subject in workloads(seen):
        missing = dangling(subject, known)
        pod = str(subject.pod) if closed else ""
        open_question = not missing and any(name in pod for name in closed)
        told = Detail("keys-encrypted") if open_question else missing
        yield verdict(subject.name, None if open_question else not missing, told)
