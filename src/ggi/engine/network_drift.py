"""Network rules that somebody widened by hand.

Pulumi compares only as many items of a list as the program names, and no list that it does not name. A rule that is
added behind ours, or to a policy without rules, is no drift to it. So we look ourselves, and in an update put such a
policy right. An annotation counts how often that was needed: a new number is a change that a preview shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ggi.engine.kubeapi import KubeApi
from ggi.landscape.objects import Object

MENDED = "ggi/mended"
Wrong = TypeVar("Wrong")
POLICY = ("networking.k8s.io/v1", "NetworkPolicy")
_LISTS = ("ingress", "egress")


def _rules(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A policy's spec in one form: no rules and an empty list of rules are the same."""
    return {**spec, **{name: spec.get(name) or [] for name in _LISTS}}


def differences(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """Property paths at which the spec of a live policy is not the wanted one."""
    one, two = _rules(wanted), _rules(live)
    return [f"spec.{key}" for key in sorted({*one, *two}) if one.get(key) != two.get(key)]


def mended_before(live: Mapping[str, Any]) -> int:
    """How often an update has put this live object right."""
    text = live["metadata"].get("annotations", {}).get(MENDED, "0")
    return int(text) if text.isdigit() else 0


def counted(
    api: KubeApi,
    kind: tuple[str, str],
    objects: Iterable[Object],
    namespace: str,
    wrong: Callable[[Object, Mapping[str, Any]], Wrong],
) -> tuple[dict[str, Wrong], dict[str, int]]:
    """(what `wrong` says, number for the annotation), each by logical name, of our objects of a kind in the cluster.

    Only of those of which something is wrong, or was.
    """
    live = {item["metadata"]["name"]: item for item in api.list(*kind, namespace)}
    found: dict[str, Wrong] = {}
    counts: dict[str, int] = {}
    for item in objects:
        there = live.get(item.kube_name) if (item.api_version, item.kind) == kind else None
        if there is None:
            continue
        count = mended_before(there)
        if what := wrong(item, there):
            found[item.name] = what
            count += 1
        if count:
            counts[item.name] = count
    return found, counts


def mend(api: KubeApi, objects: Iterable[Object], names: Iterable[str]) -> None:
    """Write the rules of these policies (by logical name) as they should be.

    The provider leaves empty lists out of what it sends, so that it could not empty one; here they are sent.
    """
    wanted = set(names)
    for item in objects:
        if item.name in wanted:
            api.apply({**item.body, "spec": _rules(item.body["spec"])}, field_manager="ggi", force=True)


def network_drift(
    api: KubeApi, objects: Iterable[Object], namespace: str
) -> tuple[dict[str, list[str]], dict[str, int]]:
    """(paths that differ, number for the annotation), each by logical name, of the policies that are in the cluster."""
    return counted(api, POLICY, objects, namespace, lambda item, live: differences(item.body["spec"], live["spec"]))
