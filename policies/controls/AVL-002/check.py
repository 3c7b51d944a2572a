"""Every Deployment or StatefulSet with more than one replica is covered by a PodDisruptionBudget."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, matches, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per workload with several replicas."""
    budgets = seen.of("PodDisruptionBudget")
    for subject in seen.of("Deployment", "StatefulSet"):
        spec = subject.body["spec"]
        count = spec.get("replicas", 1)
        if count < 2:
            continue
        labels = (spec["template"].get("metadata") or {}).get("labels") or {}
        found = [b.kube_name for b in budgets if matches(b.body["spec"].get("selector") or {}, labels)]
        told = [Detail("replicas", count), Detail("budget", ", ".join(found) or "none")]
        yield verdict(subject.name, bool(found), told)
