"""Where one is: what is in the inventory, what runs, what was done last, and which step makes sense next.

All of it from files of this machine: nothing is started, asked over a network, or changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ggi.engine import tools
from ggi.inventory.outline import Outline, outline
from ggi.inventory.stack import StackKind, kind_of

if TYPE_CHECKING:
    from ggi.assurance.trail import Trail

MOST_TRAILS = 50
"""Trails that are read of each place, the last changed first; 50 take 0.1 s."""
STEPS = 3


@dataclass(frozen=True, slots=True)
class LastOperation:
    """The last operation of a stack, from its trail."""

    stack: str
    sandbox: str | None
    action: str
    """up, down, apply ..."""
    at: str
    """When it ended, or began when it did not end: ISO 8601, UTC."""
    outcome: str
    """done, failed or interrupted; `refused` by the controls; `begun` when nothing tells how it ended."""
    who: str

    @property
    def option(self) -> str:
        """What a command about its stack needs."""
        return " --sandbox" if self.sandbox else ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for another person, or is not as it was written, in the trail of a stack."""

    stack: str
    sandbox: str | None
    what: str
    """`urgent` (to be approved afterwards), `request` (to be approved before) or `broken`."""
    number: int = 0
    """Of the line in the trail."""


@dataclass(frozen=True, slots=True)
class Where:
    """What `ggi` alone shows."""

    folder: Path
    is_inventory: bool
    tenants: int
    stacks: dict[StackKind, int]
    unreadable: Sequence[str]
    """Files of the inventory that are no YAML; whether the others are right is for `ggi validate`."""
    missing: Sequence[str]
    """Programs of the sandbox that must still be built or downloaded."""
    sandboxes: dict[str, bool]
    """Those that have state here, and whether each runs."""
    deployed: dict[str, Sequence[str]]
    """Landscapes by sandbox that were made and not removed since; "" are real clusters."""
    last: LastOperation | None
    waiting: Sequence[Waiting]
    next: Sequence[str]
    """One to three commands that make sense now, the best first."""


def where_am_i(folder: Path, sandboxes: dict[str, bool], chosen: str) -> Where:
    """Look around. `folder` is the inventory's; `sandboxes` run or not; `chosen` is the one that `--sandbox` means."""
    inventory = outline(folder)
    found = {place: _trails(place or None) for place in ("", *sandboxes)}
    operations = [_last(trail, place or None) for place, trails in found.items() for trail in trails]
    newest = max((o for o in operations if o is not None), key=lambda o: o.at, default=None)
    deployed = {place: tuple(trail.stack for trail in trails if _is_there(trail)) for place, trails in found.items()}
    waiting = [w for place, trails in found.items() for trail in trails for w in _waiting(trail, place or None)]
    missing = tuple(tool.name for tool in (tools.PULUMI, *tools.CONTROL_PLANE) if not tools.is_made(tool))
    return Where(
        folder,
        inventory.is_inventory,
        len(inventory.tenants),
        {kind: len(names) for kind, names in inventory.stacks.items()},
        tuple(inventory.unreadable),
        missing,
        sandboxes,
        {place: names for place, names in deployed.items() if names},
        newest,
        waiting,
        tuple(dict.fromkeys(_steps(inventory, sandboxes, deployed, newest, waiting, chosen)))[:STEPS],
    )


def _trails(sandbox: str | None) -> list[Trail]:
    from ggi.assurance.trail import read_trail, stacks_with_trail, trail_file

    paths = [trail_file(stack, sandbox) for stack in stacks_with_trail(sandbox)]
    newest = sorted(paths, key=_changed, reverse=True)[:MOST_TRAILS]
    return [read_trail(path, path.stem) for path in newest]


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _last(trail: Trail, sandbox: str | None) -> LastOperation | None:
    """The last operation in a trail; what does not look like one (a trail can be damaged) is passed over."""
    ends = {r.get("of"): r for r in trail.records if r.get("kind") == "end"}
    for record in reversed(trail.records):
        if record.get("kind") in ("begin", "refused"):
            end = ends.get(record.get("number"), {})
            outcome = "refused" if record["kind"] == "refused" else str(end.get("outcome", "begun"))
            at = str(end.get("at") or record.get("at", ""))
            return LastOperation(trail.stack, sandbox, str(record.get("operation", "")), at, outcome, _name(record))
    return None


def _name(record: dict[str, Any]) -> str:
    who = record.get("who")
    return str((who.get("proven") or who.get("ci") or who).get("user") or "") if isinstance(who, dict) else ""


def _is_there(trail: Trail) -> bool:
    """Whether a landscape was made and not removed since, as far as its trail knows."""
    there = False
    for record in trail.records if kind_of(trail.stack) is StackKind.LANDSCAPE else ():
        if record.get("kind") == "begin" and record.get("operation") in ("up", "down"):
            last = record["operation"]
            there = there or last == "up"
        elif record.get("kind") == "end" and record.get("outcome") == "done" and there:
            there = last != "down"
    return there


def _waiting(trail: Trail, sandbox: str | None) -> list[Waiting]:
    if trail.problems:
        return [Waiting(trail.stack, sandbox, "broken")]
    return [
        *(Waiting(trail.stack, sandbox, "urgent", int(r["number"])) for r in trail.urgent_open()),
        *(Waiting(trail.stack, sandbox, "request", int(r["number"])) for r in trail.requests_open()),
    ]


def _steps(
    inventory: Outline,
    sandboxes: dict[str, bool],
    deployed: dict[str, tuple[str, ...]],
    last: LastOperation | None,
    waiting: Sequence[Waiting],
    chosen: str,
) -> list[str]:
    """Commands that make sense now, the best first."""
    if not inventory.is_inventory or inventory.unreadable:
        return ["ggi validate"]
    if not inventory.tenants:
        return ["ggi new CODE", "ggi validate"]
    # What another inventory left in the same sandbox is shown; commands about it would find no such stack here.
    known = set(inventory.names)
    steps = []
    if (
        last is not None
        and last.stack in known
        and last.outcome in ("failed", "interrupted", "begun")
        and last.action in ("up", "down")
    ):
        steps.append(f"ggi {last.action} {last.stack}{last.option}")
    for item in [item for item in waiting if item.stack in known][:1]:
        option = " --sandbox" if item.sandbox else ""
        broken = f"ggi dossier {item.stack}{option}"
        steps.append(broken if item.what == "broken" else f"ggi approve {item.stack} {item.number} --role ROLE{option}")
    here, real = ([stack for stack in deployed.get(place, ()) if stack in known] for place in (chosen, ""))
    if here and sandboxes.get(chosen):
        steps += [f"ggi status {here[0]} --sandbox", f"ggi audit {here[0]} --from live --sandbox"]
    elif here:
        steps += ["ggi sandbox start", f"ggi status {here[0]} --sandbox"]
    elif real:
        steps += [f"ggi status {real[0]}", f"ggi audit {real[0]} --from live"]
    else:
        first = inventory.tenants[0]
        steps += [f"ggi plan {first}", f"ggi up {first} --sandbox --yes"]
    return [*steps, "ggi list"]
