"""Every object of a namespace against the landscape: as planned, different, made by a controller, or a stranger."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ggi.controls.integrity.added import load_added
from ggi.controls.integrity.compare import MISSING, OUTLINE, Departure, ObjectComparison
from ggi.controls.integrity.live import Body, LiveNamespace, controller, full_kind, last_hand, who
from ggi.controls.integrity.makers import MakerEntry, load_makers, named_by
from ggi.controls.integrity.meanings import Meaning, load_meanings
from ggi.controls.integrity.rights import load_rights, strange
from ggi.controls.kinds import POD_SPEC
from ggi.landscape.build import Landscape


@dataclass(frozen=True)
class Unplanned:
    """Something that is not as planned. `subject` is a logical name, or `cluster/Kind/name` outside a namespace."""

    subject: str
    body: Body
    """The live object; the planned one when it is missing."""
    meaning: Meaning
    changes: tuple[Departure, ...] = ()
    missing: bool = False
    by: str = ""
    """Who may have done it."""
    made: bool = False
    """A controller makes it anew when it is taken away."""
    lets: tuple[str, ...] = ()
    """Of a binding: what it lets whom do."""

    @property
    def stranger(self) -> bool:
        """Whether nothing of ours made it."""
        return not self.changes and not self.missing


SLICE_OF = "kubernetes.io/service-name"
"""Label of the Service whose traffic an EndpointSlice leads (kubernetes.io, EndpointSlices)."""
ENDED = ("Failed", "Succeeded")
PASSING = frozenset({"ownerReferences", "deletionTimestamp", "deletionGracePeriodSeconds"})
"""Metadata of what a controller made that says nothing of what it is: it is going, and another one comes."""
NAME = "ggi/name"
"""Annotation with the logical name, which the engine adds (`ggi.engine.guard`)."""


@dataclass(frozen=True)
class Integrity:
    """What was found of one landscape, and how many objects were looked at."""

    found: Sequence[Unplanned]
    looked_at: int
    unread: frozenset[str]


class IntegrityJudge:
    """Judges one namespace. `planned` are objects by logical name; `name_of` gives that of a live one."""

    def __init__(self, planned: Mapping[str, Body], live: LiveNamespace, name_of: Callable[[Body], str]) -> None:
        self.planned, self.live, self.name_of = planned, live, name_of
        self.added, self.makers, self.meanings = load_added(), load_makers(), load_meanings()
        self.supplied = {("Secret", name) for body in planned.values() for name in _secrets_of(body)}
        self.ours: dict[str, Body] = {}
        self.twice: list[tuple[str, Body]] = []
        for body in live.objects:
            if (name := name_of(body)) in planned:
                if name in self.ours:
                    self.twice.append((name, body))
                self.ours[name] = body

    def judge(self, namespace: str) -> Integrity:
        """Everything that is found, by name."""
        found = [one for body in self.live.objects for one in self._object(body)]
        found += [*self._cluster(), *self._protections()]
        rights = [*self._rights(namespace)]
        told = {one.subject for one in rights}
        found = [one for one in found if not (one.stranger and one.subject in told)] + rights
        for name, body in self.twice:
            # A name that ends in a tag can be anybody's: two of them, and one is not ours.
            meaning = self.meanings.of_stranger(str(body["apiVersion"]), str(body["kind"]))
            found.append(Unplanned(name, body, meaning, by=last_hand(body)))
        for name, body in self.planned.items():
            if name not in self.ours and full_kind(str(body["apiVersion"]), str(body["kind"])) not in self.live.unread:
                meaning = self.meanings.of_change(str(body["kind"]), Departure(("spec",), body, MISSING))
                found.append(Unplanned(name, body, meaning, missing=True))
        found.sort(key=lambda one: (one.subject, one.meaning))
        return Integrity(found, len(self.live.objects), self.live.unread)

    def _object(self, body: Body) -> Iterator[Unplanned]:
        name = self.name_of(body)
        if name in self.planned:
            yield from self._of_ours(name, body)
            return
        made = self._maker(body)
        if made is not None:
            entry, owner, root = made
            yield from self._of_made(name, body, entry, owner, root)
        elif not self._everywhere(body) and who(body) not in self.supplied:
            meaning = self.meanings.of_stranger(str(body.get("apiVersion", "")), str(body.get("kind", "")))
            yield Unplanned(name, body, meaning, by=last_hand(body))

    def _of_ours(self, name: str, body: Body) -> Iterator[Unplanned]:
        wanted, kind = as_planned(name, self.planned[name], body), str(body["kind"])
        yield from self._told(name, body, ObjectComparison(kind, self.added).differences(wanted, body), kind)

    def _told(
        self, name: str, body: Body, changes: Sequence[Departure], kind: str, *, made: bool = False
    ) -> Iterator[Unplanned]:
        """One finding for each meaning that the changes have."""
        by: dict[Meaning, list[Departure]] = {}
        for change in changes:
            by.setdefault(self.meanings.of_change(kind, change), []).append(change)
        for meaning, some in by.items():
            yield Unplanned(name, body, meaning, tuple(some), by=last_hand(body), made=made)

    def _rights(self, namespace: str) -> Iterator[Unplanned]:
        """Bindings that let somebody do what nobody should; those that are strangers are told once."""
        bindings = {f"{b['kind']}/{b['metadata']['name']}": b for b in (*self.live.objects, *self.live.cluster)}
        lets: dict[str, list[str]] = {}
        for right, told in strange(self.live, namespace):
            if set(told) <= self._lets_by_maker(bindings[right.binding], right.subject, namespace):
                continue
            lets.setdefault(right.binding, []).append(f"{right.subject}: {', '.join(told)}")
        for name, lines in lets.items():
            body = bindings[name]
            subject = self.name_of(body) if body["kind"] == "RoleBinding" else f"cluster/{name}"
            yield Unplanned(subject, body, Meaning.RIGHT, by=last_hand(body), lets=tuple(sorted(lines)))

    def _lets_by_maker(self, binding: Body, subject: str, namespace: str) -> set[str]:
        """What the operator of an object of ours lets the account do that it made for it, by the Role beside it."""
        made = self._maker(binding)
        if made is None:
            return set()
        _, owner, root = made
        name, role = str(owner["metadata"]["name"]), binding.get("roleRef") or {}
        if (role.get("kind"), role.get("name"), subject) != ("Role", name, f"ServiceAccount:{namespace}/{name}"):
            return set()
        return {word for entry in load_rights().made if entry.of == root["kind"] for word in entry.lets}

    # -- outside of the namespace ------------------------------------------------------------------------------------

    def _cluster(self) -> Iterator[Unplanned]:
        """What can change every object of the cluster, or answers for a name of ours, and was not put there for us."""
        known = {(str(body["kind"]), str(body["metadata"]["name"])) for body in self.live.protections.values()}
        for body in self.live.cluster:
            kind, name = who(body)
            if kind in ("ClusterRole", "ClusterRoleBinding") or (kind, name) in known or self._of_operator(body):
                continue
            version, space = str(body.get("apiVersion", "")), body["metadata"].get("namespace")
            subject = f"{space}/{kind}/{name}" if space else f"cluster/{kind}/{name}"
            yield Unplanned(subject, body, self.meanings.of_stranger(version, kind), by=last_hand(body))

    def _of_operator(self, body: Body) -> bool:
        kind, name = who(body)
        called = {
            str(((hook.get("clientConfig") or {}).get("service") or {}).get("namespace"))
            for hook in body.get("webhooks") or ()
        }
        return any(
            entry.kind == kind and re.fullmatch(entry.named, name) and called == {entry.calls}
            for entry in self.makers.cluster
        )

    def _protections(self) -> Iterator[Unplanned]:
        """What of the cluster's own stack is missing or different."""
        there = {who(body): body for body in (*self.live.cluster, *self.live.objects)}
        for name, wanted in self.live.protections.items():
            kind, body = str(wanted["kind"]), there.get(who(wanted))
            if full_kind(str(wanted["apiVersion"]), kind) in self.live.unread:
                continue
            subject = f"cluster/{kind}/{wanted['metadata']['name']}"
            if body is None:
                meaning = self.meanings.of_change(kind, Departure(("spec",), wanted, MISSING))
                yield Unplanned(subject, wanted, meaning, missing=True)
            else:
                expected = as_planned(name, wanted, body)
                yield from self._told(
                    subject, body, ObjectComparison(kind, self.added).differences(expected, body), kind
                )

    # -- what controllers made ---------------------------------------------------------------------------------------

    def _everywhere(self, body: Body) -> bool:
        kind, name = who(body)
        return any(entry.kind == kind and entry.named in ("", name) for entry in self.makers.everywhere)

    def _maker(self, body: Body) -> tuple[MakerEntry, Body, Body] | None:
        """How it comes to be, its owner, and the object of ours at the end of the owners."""
        kind, name = who(body)
        owners = [*self.live.owners(body)]
        root = owners[-1] if owners else None
        if root is not None and not self._is_ours(root):
            return None
        for entry in self.makers.makers:
            if entry.kind != kind:
                continue
            if entry.named:
                found = self._named(entry, name)
                if found and (owners[0] is found[0] if owners else controller(body) is None):
                    return entry, *found
            elif root is not None and owners[0]["kind"] == entry.of and entry.root in ("", root["kind"]):
                return entry, owners[0], root
        return None

    def _named(self, entry: MakerEntry, name: str) -> tuple[Body, Body] | None:
        """The object by which something has its name, and the one of ours that made that."""
        for body in self.live.objects:
            if body.get("kind") != entry.of or not named_by(entry, body).fullmatch(name):
                continue
            root = [body, *self.live.owners(body)][-1]
            if self._is_ours(root):
                return body, root
        return None

    def _is_ours(self, body: Body) -> bool:
        return self.ours.get(self.name_of(body)) is body

    def _of_made(self, name: str, body: Body, entry: MakerEntry, owner: Body, root: Body) -> Iterator[Unplanned]:
        kind = str(body["kind"])
        wanted: Body
        if entry.judged == "whole" or (kind == "ReplicaSet" and not (body.get("spec") or {}).get("replicas")):
            # A ReplicaSet without pods is an older revision, which the Deployment controller keeps.
            return
        if entry.judged == "addresses":
            yield from self._addresses(name, body, owner)
            return
        rules = kind
        planned = self.planned[self.name_of(root)]
        if entry.judged == "outline":
            wanted, rules = {}, f"{root['kind']}{OUTLINE}{kind}"
        elif entry.judged == "claim":
            wanted = _claim(body, planned)
        else:
            wanted = from_template(body, planned)
        if kind == "Pod" and (body.get("status") or {}).get("phase") in ENDED:
            return  # it runs no more, and goes with its owner or the garbage
        plain = {**body, "metadata": {k: v for k, v in body["metadata"].items() if k not in PASSING}}
        changes = ObjectComparison(rules, self.added, planned).differences(wanted, plain)
        yield from self._told(name, body, changes, kind, made=True)

    def _addresses(self, name: str, body: Body, service: Body) -> Iterator[Unplanned]:
        """Addresses that belong to no pod that the Service selects."""
        selector = (self.planned.get(self.name_of(service)) or service).get("spec", {}).get("selector") or {}
        known = {
            str(ip["ip"])
            for pod in self.live.objects
            if pod["kind"] == "Pod" and selector.items() <= (pod["metadata"].get("labels") or {}).items()
            for ip in (pod.get("status") or {}).get("podIPs") or ()
        }
        subsets = body.get("subsets") or ()
        listed = [str(one) for endpoint in body.get("endpoints") or () for one in endpoint.get("addresses") or ()]
        listed += [
            str(one["ip"])
            for subset in subsets
            for key in ("addresses", "notReadyAddresses")
            for one in subset.get(key) or ()
        ]
        leads = (body["metadata"].get("labels") or {}).get(SLICE_OF, service["metadata"]["name"])
        wrong = sorted(set(listed) - known) if "Pod" not in self.live.unread else []
        if wrong or leads != service["metadata"]["name"]:
            change = Departure(("addresses",), MISSING, wrong or leads)
            yield Unplanned(name, body, Meaning.WAY, (change,), by=last_hand(body), made=True)


def _secrets_of(value: Any) -> Iterator[str]:
    """Names of Secrets that an object of ours refers to: one that is not planned was supplied by somebody."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "secretName" and isinstance(item, str):
                yield item
            elif key in ("secretRef", "secretKeyRef") and isinstance(item, Mapping):
                yield str(item.get("name"))
            else:
                yield from _secrets_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets_of(item)


def judge_live(landscape: Landscape, live: LiveNamespace) -> Integrity:
    """What of a namespace is not as the landscape says, with the rights that hold in it."""
    from ggi.controls.logical_names import LogicalNames

    environment = landscape.environment
    planned = {
        item.name: {**item.body, "data": dict.fromkeys(item.secrets, "")} if item.secrets else item.body
        for item in landscape.objects
    }
    judge = IntegrityJudge(planned, live, LogicalNames(landscape).of)
    return judge.judge(environment.namespace)


def strangers(landscape: Landscape, live: LiveNamespace) -> list[Unplanned]:
    """What is in the namespace, nothing of ours made, and the inventory does not name as somebody else's."""
    found = judge_live(landscape, live).found
    declared = landscape.environment.declared
    return [
        one for one in found if one.stranger and one.body["metadata"].get("namespace") and not declared(*who(one.body))
    ]


def as_planned(name: str, body: Body, live: Body) -> dict[str, Any]:
    """What a live object should be, by its logical name and planned body: with its name, and a Secret by its keys."""
    metadata = dict(body["metadata"])
    if NAME in (live["metadata"].get("annotations") or {}):
        metadata["annotations"] = {**(metadata.get("annotations") or {}), NAME: name}
    wanted = {**body, "metadata": metadata}
    return _outlined(wanted, live) if body["kind"] == "Secret" else wanted


def _outlined(wanted: dict[str, Any], body: Body) -> dict[str, Any]:
    """A Secret by its keys alone: its values are not read. Where the keys are not told, they are not judged."""
    if "type" not in body:  # metadata alone was read
        wanted = {key: value for key, value in wanted.items() if key != "type"}
    known, there = wanted.get("data") or {}, body.get("data") or {}
    return {**wanted, "data": there if not there or not known or there.keys() == known.keys() else known}


def _template(root: Body) -> Body:
    found: Any = root
    for step in POD_SPEC.get(str(root["kind"]), POD_SPEC["Deployment"])[:-1]:
        found = found.get(step) or {}
    template: Body = found
    return template


def from_template(body: Body, root: Body) -> dict[str, Any]:
    """A pod, ReplicaSet or Job as the workload at the end of its owners would have it now."""
    template, spec, kind = _template(root), body.get("spec") or {}, body["kind"]
    metadata = dict(template.get("metadata") or {})
    if kind == "ReplicaSet":
        wanted = {key: spec[key] for key in ("replicas",) if key in spec}
        planned = root["spec"]
        wanted |= {key: planned[key] for key in ("selector", "minReadySeconds") if key in planned}
        return {"metadata": {"labels": metadata.get("labels")}, "spec": {**wanted, "template": template}}
    if kind == "Job":
        job = root["spec"]["jobTemplate"]
        return {"metadata": job.get("metadata") or {}, "spec": job["spec"]}
    volumes = [*((template.get("spec") or {}).get("volumes") or ())]
    for claim in root["spec"].get("volumeClaimTemplates") or ():
        name = claim["metadata"]["name"]
        claimed = f"{name}-{body['metadata']['name']}"
        volumes.insert(0, {"name": name, "persistentVolumeClaim": {"claimName": claimed}})
    return {"metadata": metadata, "spec": {**(template.get("spec") or {}), **({"volumes": volumes} if volumes else {})}}


def _claim(body: Body, root: Body) -> dict[str, Any]:
    """The volume claim of a StatefulSet's pod."""
    name = str(body["metadata"]["name"])
    for claim in root["spec"].get("volumeClaimTemplates") or ():
        if name.startswith(f"{claim['metadata']['name']}-"):
            labels = {
                **(root["spec"].get("selector") or {}).get("matchLabels", {}),
                **(claim["metadata"].get("labels") or {}),
            }
            return {"metadata": {"labels": labels}, "spec": claim["spec"]}
    return {}
