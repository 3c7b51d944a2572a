"""Who may do what in a namespace, worked out from RBAC as the API server does.

Source: kubernetes.io, "Using RBAC Authorization", and pkg/apis/rbac/v1/evaluation_helpers.go of Kubernetes: rights add
up, `*` stands for all, and a rule with names does not hold for list, watch, create and deletecollection of the whole.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ggi.controls.integrity.files import load
from ggi.controls.integrity.live import LiveNamespace
from ggi.inventory.models import Model
from ggi.inventory.types import Line

ANY = "*"
BOOTSTRAP = "system:"
"""With what the names of bindings begin that a cluster itself has (pkg/registry/rbac, bootstrap policy)."""
VERBS = frozenset(
    ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "escalate", "bind", "*")
)
"""Verbs of which rights.yaml says what they let somebody do; `impersonate` and all others are told as they are."""
OTHER = "other rights"
BY_NAME = "by name"
"""After what a rule lets somebody do: only with objects that it names."""
RBAC = "rbac.authorization.k8s.io"


class LetsEntry(Model):
    """What a rule lets somebody do."""

    verbs: list[Line]
    groups: list[str] = []
    """API groups; default any."""
    resources: list[Line]
    named: Line
    """What it is called in findings."""


class NatureEntry(Model):
    """A subject that has rights by the nature of a cluster."""

    subject: Line
    but: list[Line] = []
    """What it is not meant to be let do, except by what a cluster itself begins with (names with `system:`)."""
    why: Line


class MadeEntry(Model):
    """What an operator lets the account do that it makes for an object of ours."""

    of: Line
    """The object's kind."""
    lets: list[Line]
    why: Line


class RightsFile(Model):
    """policies/integrity/rights.yaml."""

    lets: list[LetsEntry]
    harmless: list[Line]
    by_nature: list[NatureEntry]
    made: list[MadeEntry]


@dataclass(frozen=True, slots=True)
class Right:
    """What one binding gives one subject in the namespace. `subject` is `Kind:name`, of accounts `namespace/name`."""

    binding: str
    """`RoleBinding/name` in the namespace, `ClusterRoleBinding/name` in the cluster."""
    subject: str
    rules: tuple[Mapping[str, Any], ...]


@cache
def load_rights() -> RightsFile:
    """Those of the checkout. Raises InputError."""
    return load("rights", RightsFile)


def subject_name(subject: Mapping[str, Any], namespace: str) -> str:
    """How a subject is written here."""
    kind, name = str(subject.get("kind")), str(subject.get("name"))
    if kind == "ServiceAccount":
        return f"{kind}:{subject.get('namespace') or namespace}/{name}"
    return f"{kind}:{name}"


def rights(live: LiveNamespace, namespace: str) -> list[Right]:
    """Every right that holds in the namespace."""
    roles = {("Role", str(o["metadata"]["name"])): o for o in live.objects if o["kind"] == "Role"}
    roles |= {("ClusterRole", str(o["metadata"]["name"])): o for o in live.cluster if o["kind"] == "ClusterRole"}
    bindings = [o for o in live.objects if o["kind"] == "RoleBinding"]
    bindings += [o for o in live.cluster if o["kind"] == "ClusterRoleBinding"]
    result = []
    for binding in bindings:
        reference = binding.get("roleRef") or {}
        role = roles.get((str(reference.get("kind")), str(reference.get("name"))))
        rules = tuple((role or {}).get("rules") or ())
        for subject in binding.get("subjects") or ():
            name = f"{binding['kind']}/{binding['metadata']['name']}"
            result.append(Right(name, subject_name(subject, namespace), rules))
    return result


def allows(rules: Sequence[Mapping[str, Any]], verb: str, group: str, resource: str, name: str = "") -> bool:
    """Whether these rules allow a verb on a resource (`pods/exec`), of one name when it is given."""
    return any(_allows(rule, verb, group, resource, name) for rule in rules)


def _allows(rule: Mapping[str, Any], verb: str, group: str, resource: str, name: str) -> bool:
    sub = resource.partition("/")[2]
    resources = rule.get("resources") or ()
    return (
        _in(verb, rule.get("verbs"))
        and _in(group, rule.get("apiGroups"))
        and (_in(resource, resources) or (bool(sub) and f"*/{sub}" in resources))
        and (not rule.get("resourceNames") or name in rule["resourceNames"])
    )


def _in(word: str, words: Sequence[str] | None) -> bool:
    return word in (words or ()) or ANY in (words or ())


def lets(rules: Sequence[Mapping[str, Any]]) -> list[str]:
    """What these rules let somebody do, in the words of rights.yaml, without what is no danger."""
    found: set[str] = set()
    known = load_rights()
    for rule in rules:
        asks = set(rule.get("verbs") or ()) <= {"create"} and set(rule.get("apiGroups") or ()) <= set(known.harmless)
        if asks or not rule.get("resources"):
            continue
        if any(verb not in VERBS for verb in rule.get("verbs") or ()):
            found.add(OTHER)
        for entry in known.lets:
            if _meets(rule, entry):
                found.add(f"{entry.named} {BY_NAME}" if rule.get("resourceNames") else entry.named)
    return sorted(found)


def _meets(rule: Mapping[str, Any], entry: LetsEntry) -> bool:
    verbs, groups, resources = (rule.get(key) or () for key in ("verbs", "apiGroups", "resources"))
    return (
        (ANY in verbs or any(verb in entry.verbs for verb in verbs))
        and (not entry.groups or ANY in groups or any(group in entry.groups for group in groups))
        and bool(resources)
        and (ANY in entry.resources or ANY in resources or any(_named(one, entry.resources) for one in resources))
    )


def _named(resource: str, known: Sequence[str]) -> bool:
    return resource in known or (resource.startswith("*/") and any(one.endswith(resource[1:]) for one in known))


def by_nature(subject: str, binding: str = "", told: Sequence[str] = ()) -> bool:
    """Whether this subject has such rights by the nature of a cluster."""
    own = binding.partition("/")[2].startswith(BOOTSTRAP)
    return any(
        fnmatch.fnmatchcase(subject, entry.subject) and (own or not set(told) & set(entry.but))
        for entry in load_rights().by_nature
    )


def strange(live: LiveNamespace, namespace: str) -> Iterator[tuple[Right, list[str]]]:
    """Rights that somebody was given, and what they let him do."""
    for right in rights(live, namespace):
        told = lets(right.rules)
        if told and not by_nature(right.subject, right.binding, told):
            yield right, told
