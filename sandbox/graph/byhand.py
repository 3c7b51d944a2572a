"""Changing the state of a stand-in tenant, as an administrator with a browser would."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ggi.cookbook.content import load_cookbook
from ggi.cookbook.product import DNS, GRAPH
from ggi.cookbook.reading import Ref
from ggi.errors import InputError, Problem
from ggi.messages import t
from ggi.paths import ROOT
from sandbox.graph.state import StandInTenant, stand_in_file, stand_in_state

KINDS = ("application", "delegated", "roles")


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def change(stack: str, sandbox: str, what: str, words: Sequence[str]) -> list[str]:
    """Do `what` to a sandbox's stand-in of the tenant with this stack; returns what to tell. Raises InputError."""
    if what == "reset":
        stand_in_file(stack, sandbox).unlink(missing_ok=True)
        stand_in_state(stack, sandbox)
        return [t("The stand-in of {stack} is as delivered.", stack=stack)]
    state = stand_in_state(stack, sandbox)
    granted = state.data["granted"]
    if what == "show":
        return [f"{kind}: {', '.join(granted[kind])}" for kind in KINDS]
    if what == "revoke" and len(words) == 1:
        return _revoke(state, words[0])
    if what == "grant" and len(words) == 1:
        for kind in KINDS:
            if words[0] not in granted[kind] and _belongs(words[0], kind):
                granted[kind].append(words[0])
        state.save()
        return []
    if what == "set" and len(words) == 2 and "=" in words[1]:
        path, _, text = words[1].partition("=")
        _set(state.data, Ref.parse(words[0]), path, _value(text))
        state.save()
        return []
    raise InputError(
        Problem(
            t("the stand-in can't do that"),
            t("Known: {names}.", names="reset, show, revoke NAME, grant NAME, set OBJECT PROPERTY=VALUE"),
        )
    )


def _revoke(state: StandInTenant, name: str) -> list[str]:
    """Take a right away; to read, also the one that writes, which gives reading too. Returns what to tell."""
    taken = []
    for kind in KINDS:
        for right in dict.fromkeys((name, name.replace(".Read.", ".ReadWrite."))):
            if right in state.data["granted"][kind]:
                state.data["granted"][kind].remove(right)
                taken.append(right)
    state.save()
    if not taken:
        return [t("The stand-in has no right {name}; `stand-in show` lists what it has.", name=name)]
    return [t("Taken away: {names}.", names=", ".join(taken))]


def _belongs(name: str, kind: str) -> bool:
    return (kind == "roles") == ("." not in name) and (kind == "delegated") == name.startswith("TeamworkAppSettings")


def _set(data: Any, ref: Ref, path: str, value: Any) -> None:
    book = load_cookbook([ROOT])
    try:
        resource, channel = book.resource(ref.resource), book.channel(ref.resource)
        if channel == DNS:
            data["dns"][path] = value
            return
        if channel != GRAPH:
            data["powershell"][ref.resource][ref.item][path] = value
            return
        place = data["graph"][resource.url]
        if isinstance(place, list):
            place = next(o for o in place if o[resource.collection] == ref.item)
        *steps, last = path.split(".")
        for step in steps:
            place = place[step]
        place[last] = value
    except (KeyError, StopIteration):
        message = t("the stand-in has no {object}", object=ref)
        raise InputError(Problem(message, t("`ggi m365 check` shows the objects."))) from None
