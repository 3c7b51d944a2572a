"""What the engine reports while it works, as the toolkit's own values, and its errors in words for people."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ggi.engine.target import Target
from ggi.errors import Problem
from ggi.messages import t

Step = Callable[["Event"], None]

QUIET = frozenset({"same", "read", "refresh"})
"""Operations that change nothing."""
PARTS = frozenset({"create-replacement", "delete-replaced"})
"""What one `replace` consists of."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one resource. `op` is Pulumi's word: same, create, update, replace, delete, …"""

    name: str
    type: str
    op: str
    done: bool
    failed: bool = False
    changed: tuple[str, ...] = ()
    """Property paths that differ."""

    @property
    def component(self) -> str:
        """The component that the resource belongs to."""
        return self.name.split("/")[0]


@dataclass(frozen=True, slots=True)
class EngineResult:
    """What a run did: number of Kubernetes objects per operation, the messages of the engine, seconds, each change."""

    changes: Mapping[str, int]
    messages: tuple[str, ...]
    seconds: float
    steps: tuple[Event, ...]

    @property
    def changed(self) -> int:
        """How many objects were (or would be) made, changed or removed."""
        return sum(n for op, n in self.changes.items() if op not in QUIET)


@dataclass
class Watcher:
    """Reads the engine's events, as they come in its event log (one JSON object per event)."""

    on_step: Step | None = None
    drift: bool = False
    """Whether what a refresh finds is what is asked for; in an update it only precedes the changes."""
    messages: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    steps: dict[tuple[str, str], Event] = field(default_factory=dict)
    _counted: dict[str, str] = field(default_factory=dict)

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Take in one event."""
        if found := event.get("resourcePreEvent"):
            self._step(found["metadata"], done=False)
        elif found := event.get("resOutputsEvent"):
            self._step(found["metadata"], done=True)
        elif found := event.get("resOpFailedEvent"):
            self._step(found["metadata"], done=True, failed=True)
        elif found := event.get("policyEvent"):
            where = self.errors if found.get("enforcementLevel") == "mandatory" else self.messages
            where.append(_of_policy(found.get("message", "")))
        elif found := event.get("diagnosticEvent"):
            text = re.sub(r"<\{%[^%]*%\}>", "", found.get("message", "")).strip()
            if found["severity"] == "error" and text:
                self.errors.append(for_people(text, found.get("urn")))
            elif found["severity"] == "warning" and text:
                self.messages.append(for_people(text, found.get("urn")))

    @property
    def changes(self) -> dict[str, int]:
        """Objects per operation; of those that were counted twice (refreshed, then updated) the change counts."""
        counts: dict[str, int] = {}
        for op in self._counted.values():
            counts[op] = counts.get(op, 0) + 1
        return counts

    def _step(self, metadata: Mapping[str, Any], *, done: bool, failed: bool = False) -> None:
        urn = str(metadata["urn"])
        kind = urn.split("::")[2].split("$")[-1]
        if not kind.startswith("kubernetes:"):
            return
        op, name = str(metadata["op"]), urn.split("::")[3]
        if op == "refresh" and self.drift:
            op = _drift(metadata)
        step = Event(name, kind, op, done, failed, _changed(metadata))
        if op not in QUIET:
            known = self.steps.get((urn, op))
            self.steps[urn, op] = step if known is None else replace(step, changed=step.changed or known.changed)
        if done and not failed and op not in PARTS and (op not in QUIET or self._counted.get(urn, "same") in QUIET):
            # The engine reads everything before an update; that is not what became of an object.
            if op == "refresh":
                op = "same"
            self._counted[urn] = op
        if self.on_step is not None:
            self.on_step(step)

    def outcome(self, seconds: float) -> EngineResult:
        """What was seen, when the run is over."""
        shown = tuple(step for step in self.steps.values() if step.op not in PARTS)
        return EngineResult(self.changes, tuple(_together(dict.fromkeys(self.messages))), seconds, shown)


def _drift(metadata: Mapping[str, Any]) -> str:
    """What a refresh found: `same`, `update` (the live object differs) or `delete` (it is gone)."""
    if metadata.get("new") is None:
        return "delete"
    old, new = metadata.get("old") or {}, metadata["new"]
    return "update" if _changed(metadata) or old.get("inputs") != new.get("inputs") else "same"


def _changed(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """The property paths that differ, without those that only the server and the provider write."""
    paths = metadata.get("detailedDiff") or {}
    return tuple(sorted(path for path in paths if not path.startswith(("__", "status"))))


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock of a stack in a file or bucket."""

    user: str
    host: str
    pid: int
    since: str

    def __str__(self) -> str:
        return t("{user} on {host}, process {pid}, since {since}", **{k: getattr(self, k) for k in self.__slots__})

    @property
    def died(self) -> bool:
        """Whether it ran on this machine and is no more. Of another machine nothing is known, so False."""
        if self.host != socket.gethostname():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        try:
            return b"pulumi" not in Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            return False


def holders(text: str) -> list[Holder]:
    """Who holds the lock, from the engine's message; empty when the message is about something else."""
    if "currently locked by" not in text:
        return []
    found = re.findall(r"created by (.*?)@(\S+) \(pid (\d+)\) at (\S+)", text)
    return [Holder(user, host, int(pid), since) for user, host, pid, since in found]


def no_such_stack(text: str) -> bool:
    """Whether the engine says that the stack was not made yet."""
    return "no stack named" in text


def problems(watcher: Watcher, text: str, target: Target) -> list[Problem]:
    """What went wrong, for people. `text` is what the engine wrote to standard error and output.

    A lock, a wrong passphrase and a full disk have words of their own.
    """
    stack = target.stack
    if "currently locked by" in text:
        who = "; ".join(map(str, holders(text))) or "?"
        return [
            Problem(
                t("another run works on {stack}: {who}", stack=stack, who=who),
                t(
                    'Wait for it. If it died: eval "$(./ggi env {arguments})" && pulumi cancel -s {stack} --yes',
                    stack=stack,
                    arguments=f"{stack} --sandbox" if target.sandbox else stack,
                ),
            )
        ]
    lower = text.lower()
    if "incorrect passphrase" in lower or "passphrase must be set" in lower or "passphrase_file" in lower:
        return [
            Problem(
                t("the passphrase does not fit the stack {stack}", stack=stack),
                t("Set PULUMI_CONFIG_PASSPHRASE_FILE to the file that this stack was made with."),
            )
        ]
    if "no space left on device" in lower or "disk quota exceeded" in lower or "file too large" in lower:
        return [
            Problem(
                t("the disk is full; the state of {stack} could not be written", stack=stack),
                t("Free some space and run the same command again; it goes on where this one stopped."),
            )
        ]
    found = list(dict.fromkeys(watcher.errors)) or [_last_error(text)]
    told = [message for message in found if not _says_nothing(message)] or found[:1]
    return [Problem(message) for message in _together(told)]


MANY = 4
"""From so many objects on that fail for one reason, the reason is told once."""


_ABOUT_OBJECT = re.compile(r"((?:[A-Z]{3}-[0-9]{3} )?)([^ /]+/[^ /]+/[^ /]+): (.*)", re.DOTALL)
"""A message about one object; that of a control has its id before the name."""


def _together(messages: Iterable[str]) -> list[str]:
    """The messages, each once: `name: reason` of many objects becomes one line."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for message in messages:
        found = _ABOUT_OBJECT.fullmatch(message)
        control, name, reason = found.groups() if found else ("", "", message)
        reasons.setdefault((control, reason), []).append(name)
    result = []
    for (control, reason), names in reasons.items():
        if len(names) < MANY:
            result += [f"{control}{name}: {reason}" if name else reason for name in names]
        else:
            many = t("{name} and {count} others: {reason}", name=names[0], count=len(names) - 1, reason=reason)
            result.append(f"{control}{many}")
    return result


def _says_nothing(message: str) -> bool:
    """Whether the engine only repeats that something failed."""
    told = message.strip().rstrip(".")
    return (
        told in ("update failed", "preview failed", "refresh failed", "destroy failed")
        or told.startswith("an unhandled error occurred: program exited")
        or told.endswith("context canceled")
    )


def _of_policy(text: str) -> str:
    """What a policy reports: the SDK puts the policy's description on a line before it."""
    return text.partition("\n")[2].strip() or text.strip()


def for_people(text: str, urn: str | None) -> str:
    """A message of the engine with the resource's name before it, and without Python's frames."""
    lines = text.splitlines()
    if any(line.startswith("Traceback") for line in lines):
        # The last line of a traceback is what was raised; the frames above it are indented.
        lines = [line for line in lines if not line.startswith(("Traceback", " "))]
    body = "\n".join(lines).strip().removeprefix("error: ")
    name = urn.split("::")[3] if urn and urn.count("::") >= 3 else ""
    return f"{name}: {body}" if name and "/" in name else body


def _last_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line.split("error:", 1)[1].strip() for line in lines if "error:" in line]
    told = [line for line in telling if not _says_nothing(line)]
    return (told or telling or lines or [t("the engine ended without a word")])[-1]
