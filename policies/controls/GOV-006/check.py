"""The labels of every object that the landscape has, and of its pods, name its component and environment."""

from collections.abc import Iterator, Mapping
from typing import Any

from ggi.controls.sdk import Detail, Observation, Subject, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per object of the landscape that is here."""
    known = seen.planned
    for subject in seen.subjects:
        if subject.name in known:
            wrong = [*_wrong(seen, subject), *_place(seen, subject)]
            yield verdict(subject.name, not wrong, wrong or Detail("stack", seen.stack))


def _wrong(seen: Observation, subject: Subject) -> list[Detail]:
    component, stack = subject.component, seen.stack
    wanted = {
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/instance": stack,
        "app.kubernetes.io/part-of": "ggi",
        "app.kubernetes.io/managed-by": "pulumi",
        "ggi/stack": stack,
    }
    if subject.kind == "Namespace":
        tenant = seen.environment.tenant
        wanted |= {"ggi/tenant": tenant.id, "ggi/environment": seen.environment.name}
    role = subject.name.rpartition("/")[2]
    of_workload = {"app.kubernetes.io/component": role} if subject.kind in ("Deployment", "StatefulSet") else {}
    found = [
        Detail("label", key)
        for key in _unlike((subject.body.get("metadata") or {}).get("labels"), wanted | of_workload)
    ]
    if subject.pod is not None:
        own = wanted | {"app.kubernetes.io/component": role}
        found += [Detail("pod-label", key) for key in _unlike(subject.pod_labels, own)]
    return found


def _unlike(labels: Mapping[str, Any] | None, wanted: Mapping[str, str]) -> list[str]:
    if labels and wanted.items() <= labels.items():
        return []
    return [key for key, value in wanted.items() if (labels or {}).get(key) != value]


def _place(seen: Observation, subject: Subject) -> list[Detail]:
    metadata = subject.body.get("metadata") or {}
    if subject.kind == "Namespace":
        return [] if metadata.get("name") == seen.environment.namespace else [Detail("namespace-name")]
    return [] if metadata.get("namespace") == seen.environment.namespace else [Detail("namespace")]
