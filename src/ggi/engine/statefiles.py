"""The state of a stack when its backend is a folder: room to write it, and its newest whole copy when it was cut off.

The engine's file backend puts a new state in place even when the disk was full while it was written (gocloud.dev's
fileblob renames what it has). It keeps copies: one beside the state, and one of each update in `backups`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ggi.engine.target import PROJECT, Target
from ggi.errors import Problem
from ggi.messages import t

ROOM = 32 * 2**20
"""Bytes that must be free at least: an update of a full landscape writes 1.5 MB, and two copies of it."""


def folder(backend: str) -> Path | None:
    """The folder of a backend; None when it is none of this machine's."""
    if not backend.startswith("file://"):
        return None
    name = unquote(backend.removeprefix("file://").partition("?")[0])
    return Path(name).expanduser()


def too_full(target: Target) -> Problem | None:
    """What to say when there is too little room to write a state; None when there is enough, or nobody knows."""
    place = folder(target.backend)
    if place is None or not place.is_dir():
        return None
    free = shutil.disk_usage(place).free
    if free >= ROOM:
        return None
    return Problem(
        t(
            "only {free} MB are free where the state of {stack} is written: {folder}",
            free=free // 2**20,
            stack=target.stack,
            folder=place,
        ),
        t("Free some space ({room} MB at least) and run the same command again.", room=ROOM // 2**20),
    )


def is_cut_off(text: str) -> bool:
    """Whether the engine says that a state is no whole JSON."""
    return "failed to load checkpoint" in text or "unexpected end of JSON input" in text


def has_pending(target: Target) -> bool:
    """Whether the state lists operations of which nobody knows how they ended; False when it can't be seen here."""
    place = folder(target.backend)
    try:
        return place is not None and b'"pending_operations"' in _state(place, target.stack).read_bytes()
    except OSError:
        return False


def _state(place: Path, stack: str) -> Path:
    return place / ".pulumi" / "stacks" / PROJECT / f"{stack}.json"


def restore(target: Target) -> str:
    """Put the newest whole copy in the place of a state that was cut off; returns what it is called, or nothing.

    The broken one is kept beside it. Without any copy the state starts empty: the next update adopts what carries the
    stack's label.
    """
    place = folder(target.backend)
    if place is None:
        return ""
    state = _state(place, target.stack)
    attributes = state.with_suffix(".json.attrs")
    if not state.is_file():
        return ""
    if _is_whole(state):
        if not attributes.is_file() or _json(attributes) is not None:
            return ""
        # An engine that is killed may leave its attributes (type and MD5 sum) empty beside a whole state.
        attributes.unlink()
        return state.name
    state.replace(state.with_suffix(".json.broken"))
    attributes.unlink(missing_ok=True)
    for copy in _copies(place, state, target.stack):
        if _is_whole(copy):
            shutil.copyfile(copy, state)
            return copy.name
    return t("an empty one")


def _copies(place: Path, state: Path, stack: str) -> Iterator[Path]:
    """The copies of a state, the newest first."""
    found = [state.with_suffix(".json.bak"), *(place / ".pulumi" / "backups" / PROJECT / stack).glob("*.json")]
    yield from sorted((path for path in found if path.is_file()), key=lambda path: path.stat().st_mtime, reverse=True)


def _is_whole(path: Path) -> bool:
    return "checkpoint" in (_json(path) or {})


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
