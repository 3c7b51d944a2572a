"""Every port that a component declares to have metrics is open for the monitoring of the cluster."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, opened, verdict
from ggi.controls.sdk import peers_of_edges as outside


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per port with metrics."""
    monitoring = outside(seen).get("monitoring", ())
    open_for = {(o.pod, o.port) for o in opened(seen) if o.inward and o.peer in monitoring}
    for name in seen.landscape.order:
        item = seen.landscape.components[name]
        for process in () if item.external else item.component.processes:
            for port in process.ports:
                if port.metrics:
                    fine = (f"{name}/{process.name}", f"{port.number}/TCP") in open_for
                    yield verdict(f"{name}/{process.name}", fine, Detail("port", port.number))
