"""The process behind each route has at least two replicas in prod (Haven: applications scale)."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per workload that the gateway forwards to."""
    if seen.environment.name != "prod":
        return
    found = {s.name: s for s in seen.of("Deployment", "StatefulSet")}
    for name in seen.landscape.order:
        item = seen.landscape.components[name]
        process = item.component.route.partition(":")[0]
        subject = found.get(f"{name}/Deployment/{process}") or found.get(f"{name}/StatefulSet/{process}")
        if item.external or not process or subject is None:
            continue
        count = subject.body["spec"].get("replicas", 1)
        yield verdict(subject.name, count > 1, Detail("replicas", count))
