"""What somebody changed by hand where Pulumi does not look, and how an update takes it back.

Pulumi compares what the program names: not a field that nobody set, and only as many items of a list as the program
names. So we look ourselves, with the comparison that audits use. What the engine applied earlier is its own to take
away (server-side apply removes what is no longer applied), so that an update keeps its order; all else goes before.
An annotation counts how often that was needed: a new number is a change that a preview shows.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ggi.controls.integrity.added import load_added
from ggi.controls.integrity.compare import MISSING, Departure, ObjectComparison, Path
from ggi.controls.integrity.judge import as_planned, from_template
from ggi.controls.integrity.live import Body, LiveNamespace, controller, who
from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import InvalidError
from ggi.landscape.objects import Object

MENDED = "ggi/mended"
ENGINE = "pulumi"
"""With what the names of field managers begin that the engine uses."""
Wrong = TypeVar("Wrong")


@dataclass(frozen=True)
class ByHand:
    """What somebody changed: differences by logical name, and what its controller must make anew."""

    changes: Mapping[str, Sequence[Departure]]
    again: Sequence[Body] = ()
    """Pods and ReplicaSets that are not what their owner says."""

    @property
    def paths(self) -> dict[str, list[str]]:
        """The changed paths, by logical name."""
        return {name: [one.text for one in found] for name, found in self.changes.items()}


def mended_before(live: Body) -> int:
    """How often an update has put this live object right."""
    text = str((live["metadata"].get("annotations") or {}).get(MENDED, ""))
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else 0


def counted(
    live: LiveNamespace, objects: Iterable[Object], wrong: Callable[[Object, Body], Wrong]
) -> tuple[dict[str, Wrong], dict[str, int]]:
    """(what `wrong` says, number for the annotation), each by logical name, of our objects in the cluster.

    Only of those of which something is wrong, or was.
    """
    there = {who(body): body for body in live.objects}
    found: dict[str, Wrong] = {}
    counts: dict[str, int] = {}
    for item in objects:
        body = there.get((item.kind, item.kube_name))
        if body is None:
            continue
        count = mended_before(body)
        if what := wrong(item, body):
            found[item.name] = what
            count += 1
        if count:
            counts[item.name] = count
    return found, counts


def changed_by_hand(live: LiveNamespace, objects: Sequence[Object]) -> tuple[ByHand, dict[str, int]]:
    """What is to be taken back, and the numbers for the annotation by logical name."""
    added = load_added()

    def wrong(item: Object, body: Body) -> list[Departure]:
        if body["metadata"].get("deletionTimestamp"):
            return []  # somebody lets it go, and what keeps it is not ours to take away
        found = ObjectComparison(item.kind, added).differences(as_planned(item.name, item.body, body), body)
        # Where Pulumi misses something, all of it is taken back at once: half of it may be no valid object.
        by_hand = [one for one in found if not _of_engine(body, one) and not _left_alone(item.kind, one)]
        return by_hand if body.get("immutable") or any(map(_unseen, by_hand)) else []

    changes, counts = counted(live, objects, wrong)
    ours = {(item.kind, item.kube_name) for item in objects}
    return ByHand(changes, [*_not_of_owner(live, ours)]), counts


def take_back(api: KubeApi, live: LiveNamespace, objects: Iterable[Object], found: ByHand) -> None:
    """Take away what somebody added, and let controllers make anew what is not theirs any more. Raises WorkError."""
    there = {who(body): body for body in live.objects}
    for item in objects:
        # A Job can't be changed; the number that is counted makes the engine replace it.
        if item.name in found.changes and item.kind != "Job":
            body = there[item.kind, item.kube_name]
            space = body["metadata"].get("namespace")
            if body.get("immutable"):  # it can only come anew, which the engine's apply does
                api.delete(item.api_version, item.kind, item.kube_name, space, uid=body["metadata"]["uid"])
                continue
            patch = [_undo(one) for one in reversed(found.changes[item.name])]
            # What can't be changed in place the engine finds as well, and says what to do.
            with contextlib.suppress(InvalidError):
                api.patch(item.api_version, item.kind, item.kube_name, patch, namespace=space, patch_type="json")
    for body in found.again:
        metadata = body["metadata"]
        api.delete(body["apiVersion"], body["kind"], metadata["name"], metadata["namespace"], uid=metadata["uid"])


def _left_alone(kind: str, change: Departure) -> bool:
    """Whether it is left where it is.

    A finalizer keeps something from being lost. Annotations and labels that nobody planned are how others remember what
    they did: taken away, they would be back at once. Audits tell them. Those of a namespace decide what it lets in.
    """
    where = change.path[:2]
    return where == ("metadata", "finalizers") or (
        kind != "Namespace" and where in (("metadata", "annotations"), ("metadata", "labels"))
    )


def _unseen(change: Departure) -> bool:
    """Whether Pulumi does not see it: nobody named it, or a list has other items than those that are named."""
    return change.live is not MISSING and (change.wanted is MISSING or isinstance(change.wanted, list | tuple))


def _undo(change: Departure) -> dict[str, Any]:
    path = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in change.path)
    if change.wanted is MISSING:
        return {"op": "remove", "path": path}
    return {"op": "add" if change.live is MISSING else "replace", "path": path, "value": change.wanted}


def _of_engine(body: Body, change: Departure) -> bool:
    """Whether the engine itself applied what is there (managedFields, kubernetes.io, Server-Side Apply)."""
    mine: list[Any] = []
    others: list[Any] = []
    for entry in body["metadata"].get("managedFields") or ():
        if not entry.get("subresource"):
            applied = entry.get("operation") == "Apply" and str(entry.get("manager", "")).startswith(ENGINE)
            (mine if applied else others).append(entry.get("fieldsV1"))
    if change.more and any(_owns(fields, body, change.path) for fields in others):
        return False
    return any(_owns(fields, body, change.path) for fields in mine)


def _owns(fields: Any, body: Any, path: Path) -> bool:
    """Whether a set of fields holds the one at `path`, or all of something above it."""
    for step in path:
        if not isinstance(fields, Mapping):
            return False
        if not fields:
            return True
        if isinstance(step, str):
            fields, body = fields.get(f"f:{step}"), body.get(step) if isinstance(body, Mapping) else None
        else:
            body = body[step] if isinstance(body, list) and step < len(body) else None
            fields = _item(fields, body)
        if fields is None:
            return False
    return True


def _item(fields: Mapping[str, Any], item: Any) -> Any:
    """The fields of an item of a list: by its keys, or by its value."""
    for name, inner in fields.items():
        kind, _, text = name.partition(":")
        if kind == "v" and json.loads(text) == item:
            return inner
        if kind == "k" and isinstance(item, Mapping) and json.loads(text).items() <= item.items():
            return inner
    return None


RUNS = frozenset({"image", "command", "args", "env", "envFrom", "lifecycle", "securityContext", "volumeMounts"})
"""Of a container: what decides which program runs, and as what."""


def _not_of_owner(live: LiveNamespace, ours: Collection[tuple[str, str]]) -> Iterator[Body]:
    """Pods of ours in which another program runs than their ReplicaSet says, and ReplicaSets like that.

    A container more, or a volume, may come from admission; then it would come again.
    """
    added = load_added()
    for body in live.objects:
        kind, reference = body.get("kind"), controller(body)
        if kind not in ("Pod", "ReplicaSet") or reference is None or body["metadata"].get("deletionTimestamp"):
            continue
        owner = live.by_uid.get(str(reference.get("uid")))
        if not any(who(one) in ours for one in live.owners(body)):
            continue
        pair = (kind, owner["kind"] if owner is not None else "")
        if owner is None or pair not in (("Pod", "ReplicaSet"), ("ReplicaSet", "Deployment")):
            continue
        if kind == "ReplicaSet" and _revision(body) != _revision(owner):
            continue
        plain = {**body, "metadata": {k: v for k, v in body["metadata"].items() if k != "ownerReferences"}}
        found = ObjectComparison(str(kind), added).differences(from_template(body, owner), plain)
        inside = ("spec", "template", "spec") if kind == "ReplicaSet" else ("spec",)
        below = [one.path[len(inside) :] for one in found if one.path[: len(inside)] == inside]
        if any(path[:1] == ("ephemeralContainers",) or (len(path) > 2 and path[2] in RUNS) for path in below):
            yield body


def _revision(body: Body) -> str:
    return str((body["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision", ""))
