"""What is checked against the cluster before anything is written: is it the right one, and is what is there ours?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import NotFoundError, UnknownKindError
from ggi.engine.status import running_release
from ggi.engine.target import IDENTITY
from ggi.errors import InputError, Problem, WorkError
from ggi.inventory.load import Environment
from ggi.inventory.types import release_order
from ggi.landscape.objects import Object
from ggi.messages import t

OWNER = "ggi/stack"
"""Label of the stack that owns an object."""
LOGICAL_NAME = "ggi/name"
"""Annotation with the name under which the engine knows an object."""

SPACE = ("v1", "Namespace")
NAMED = 10
"""Objects of others that an error names; the rest is counted."""

_Found = tuple[str | None, str | None]
"""Of a live object: the stack that owns it, and its logical name."""


def cluster_identity(api: KubeApi) -> str:
    """UID of the namespace kube-system, which no two clusters share."""
    return str(api.get("v1", "Namespace", "kube-system")["metadata"]["uid"])


def another_cluster(context: str, found: str, expected: str) -> Problem:
    """What is wrong when a context leads to another cluster than the stack was made on."""
    return Problem(
        t(
            "context {context} leads to another cluster: its kube-system has UID {found}, not {expected}",
            context=context,
            found=found,
            expected=expected,
        ),
        t(
            "Check the context. If the cluster was replaced on purpose, run `pulumi config set ggi:{key} {found}` in "
            "the environment of `ggi env`, and record it in the region.",
            key=IDENTITY,
            found=found,
        ),
    )


def check_cluster(
    api: KubeApi, stack: str, namespace: str | None, objects: Sequence[Object], expected: str | None
) -> str:
    """Return the identity of the cluster. Raises WorkError when it is another one, or when it holds others' objects.

    `objects` have their final names. Without `namespace` they are in none.
    """
    identity = cluster_identity(api)
    if expected and identity != expected:
        raise WorkError(another_cluster(api.context, identity, expected))
    strangers = foreign_objects(api, stack, namespace, objects)
    if strangers:
        more = len(strangers) - NAMED
        rest = [Problem(t("and {count} more objects that are not of this stack", count=more))] if more > 0 else []
        raise WorkError(*strangers[:NAMED], *rest)
    return identity


def check_release(api: KubeApi, environment: Environment) -> None:
    """Raise InputError when the namespace runs a newer release than the one that is wanted."""
    running, wanted = running_release(api, environment.namespace), environment.release
    if running and release_order(running) > release_order(wanted):
        raise InputError(
            Problem(
                t(
                    "{stack} runs release {running}; {wanted} is older",
                    stack=environment.stack,
                    running=running,
                    wanted=wanted,
                ),
                t("Data may not fit an older version. If you are sure, add --downgrade (or set GGI_DOWNGRADE=1)."),
                environment.origin("release"),
            )
        )


def foreign_objects(api: KubeApi, stack: str, namespace: str | None, objects: Sequence[Object]) -> list[Problem]:
    """Objects in the cluster that have the name of one of ours and do not carry this stack's label."""
    there: dict[tuple[str, str], Mapping[str, _Found]] = {}
    if namespace is not None:
        try:
            live = api.find("v1", "Namespace", namespace)
        except UnknownKindError:
            live = None
        if live is None:
            return []
        there[SPACE] = {namespace: _found(live)}
    kinds = sorted({(o.api_version, o.kind) for o in objects} - there.keys())
    with ThreadPoolExecutor(max_workers=8) as pool:
        there |= pool.map(lambda kind: (kind, _names(api, kind[0], kind[1], namespace)), kinds)
    return list(_strangers(objects, there, stack))


def _found(live: Mapping[str, Any]) -> _Found:
    metadata = live["metadata"]
    return metadata.get("labels", {}).get(OWNER), metadata.get("annotations", {}).get(LOGICAL_NAME)


def _names(api: KubeApi, api_version: str, kind: str, namespace: str | None) -> dict[str, _Found]:
    try:
        items = api.list(api_version, kind, namespace)
    except (UnknownKindError, NotFoundError):
        return {}
    return {i["metadata"]["name"]: _found(i) for i in items}


def _strangers(
    objects: Iterable[Object], there: Mapping[tuple[str, str], Mapping[str, _Found]], stack: str
) -> Iterable[Problem]:
    inside = {owner for kind, found in there.items() if kind != SPACE for owner, _ in found.values() if owner}
    for item in objects:
        kind = (item.api_version, item.kind)
        owner, name = there[kind].get(item.kube_name, (stack, None))
        if owner is None and (inside == {stack} if kind == SPACE else name == item.name):
            # It lost its label: what is in a namespace tells whose it is, and of an object its logical name.
            owner = stack
        if owner != stack:
            whose = t("it belongs to {owner}", owner=owner) if owner else t("nobody's label is on it")
            yield Problem(
                t(
                    "{kind} {name} exists already and is not of this stack ({whose})",
                    kind=item.kind,
                    name=item.kube_name,
                    whose=whose,
                ),
                t(
                    "Remove or rename it, or set the label {label}={stack} on it to hand it over.",
                    label=OWNER,
                    stack=stack,
                ),
            )
        elif name and name != item.name:
            # The engine would take the new name for another object, adopt this one, and delete it under its old name.
            yield Problem(
                t(
                    "{kind} {name} is known as {known}, not as {wanted}",
                    kind=item.kind,
                    name=item.kube_name,
                    known=name,
                    wanted=item.name,
                ),
                t("A logical name never changes: give {wanted} its old name again.", wanted=item.name),
            )
