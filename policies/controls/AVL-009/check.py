"""Requests and limits of all pods stay within the quota, and the quota within a few times of them."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from ggi.controls.sdk import Detail, Observation, Subject, Verdict, parse_quantity, verdict, workloads

ROOM = 5
"""A quota has room for a roll-out, for Jobs, and for growth; not for more."""
WANTED = ("requests.cpu", "limits.cpu", "requests.memory", "limits.memory")


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per quota."""
    total = dict.fromkeys(WANTED, Decimal(0))
    total["pods"] = Decimal(0)
    for subject in workloads(seen):
        if subject.kind in ("Deployment", "StatefulSet"):
            count = Decimal(subject.body["spec"].get("replicas", 1))
            for kind, amount in _asked(list((subject.pod or {}).get("containers") or ())).items():
                total[kind] += count * amount
            total["pods"] += count
    for subject in seen.of("Cluster"):
        spec: Mapping[str, Any] = subject.body.get("spec") or {}
        for kind, amount in _asked([spec]).items():
            total[kind] += Decimal(spec.get("instances", 1)) * amount
        total["pods"] += Decimal(spec.get("instances", 1))
    for subject in seen.of("ResourceQuota"):
        wrong = [*_wrong(subject, total)]
        yield verdict(subject.name, not wrong, wrong or Detail("pods", total["pods"]))


def _asked(found: list[Mapping[str, Any]]) -> dict[str, Decimal]:
    result = dict.fromkeys(WANTED, Decimal(0))
    for container in found:
        resources = container.get("resources") or {}
        for kind in WANTED:
            field, _, name = kind.partition(".")
            result[kind] += parse_quantity(str((resources.get(field) or {}).get(name, "0")))
    return result


def _wrong(subject: Subject, total: Mapping[str, Decimal]) -> Iterator[Detail]:
    hard = (subject.body.get("spec") or {}).get("hard") or {}
    for kind, amount in total.items():
        limit = parse_quantity(str(hard[kind])) if kind in hard else None
        if limit is None:
            yield Detail("no-limit", kind)
        elif limit < amount or limit > ROOM * amount + ROOM:
            yield Detail("setting", f"{kind} {hard[kind]}")
    if not 0 < int(hard.get("persistentvolumeclaims", 0)) <= 100:
        yield Detail("setting", "persistentvolumeclaims")
    opened = (kind for kind in ("services.nodeports", "services.loadbalancers") if str(hard.get(kind)) != "0")
    yield from (Detail("setting", kind) for kind in opened)
