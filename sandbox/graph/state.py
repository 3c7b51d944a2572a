"""The state of one stand-in tenant: objects, DNS records and rights, kept in a file or in memory."""

from __future__ import annotations

import copy
import json
import threading
import uuid
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ggi.files import write_atomically
from ggi.paths import state_dir

FRESH = Path(__file__).parent / "fresh.yaml"


@cache
def _fresh() -> str:
    return json.dumps(yaml.safe_load(FRESH.read_text(encoding="utf-8")))


@dataclass
class Faults:
    """What goes wrong on purpose. Counters count down; 0 is never."""

    throttle: int = 0
    """The next N calls are answered 429."""
    retry_after: str = "0"
    """Retry-After of those; "" sends none."""
    throttle_every: int = 0
    """Every Nth call is answered 429."""
    throttle_at: int = 0
    """Call number N is answered 429, once."""
    down_from: int = 0
    """From call number N on, nothing but 503."""
    invisible_reads: int = 0
    """Reads after a write that still show what was there."""
    silent: tuple[str, ...] = ()
    """Paths or cmdlets whose writes are accepted without effect."""
    broken: int = 0
    """The next N calls are answered 503."""
    fail_write: int = 0
    """The Nth write from now is answered 500 after it was done (the caller can't know)."""
    expire_tokens: int = 0
    """After N calls every token is refused once."""
    race: int = 0
    """The next N objects that are read are changed by somebody else before they are written."""


@dataclass
class StandInTenant:
    """One tenant. Use `lock` around reading and changing."""

    name: str
    data: dict[str, Any]
    path: Path | None = None
    faults: Faults = field(default_factory=Faults)
    lock: threading.RLock = field(default_factory=threading.RLock)
    pending: dict[str, tuple[int, Any]] = field(default_factory=dict)
    """By path: reads that still show the old object, and that object."""
    calls: int = 0
    writes: int = 0
    minimum_expiry: float = 0.0

    @classmethod
    def fresh(cls, name: str, path: Path | None = None) -> StandInTenant:
        """A tenant as it is delivered, or as the file has it."""
        if path is not None and path.is_file():
            return cls(name, json.loads(path.read_text(encoding="utf-8")), path)
        made = cls(name, json.loads(_fresh()), path)
        made.save()
        return made

    def save(self) -> None:
        """Keep it, when it has a file."""
        if self.path is None:
            return
        write_atomically(self.path, json.dumps(self.data, indent=1))

    def object(self, path: str) -> Any:
        """The object or collection at a path, as a read shows it now; None when there is none."""
        waiting = self.pending.get(path)
        if waiting is not None:
            left, old = waiting
            if left > 0:
                self.pending[path] = (left - 1, old)
                return old
            del self.pending[path]
        return self.data["graph"].get(path)

    def change(self, path: str, value: Any) -> None:
        """Replace an object or collection; it shows after the reads that a fault asks for."""
        if self.faults.invisible_reads and path in self.data["graph"]:
            self.pending[path] = (self.faults.invisible_reads, copy.deepcopy(self.data["graph"][path]))
        self.data["graph"][path] = value
        self.writes += 1
        self.save()


def stand_in_file(stack: str, sandbox: str) -> Path:
    """Where a sandbox keeps its stand-in of the tenant with this stack."""
    return state_dir() / "m365" / f"sandbox-{sandbox}" / stack / "stand-in.json"


def stand_in_state(stack: str, sandbox: str) -> StandInTenant:
    """The state of that stand-in."""
    return StandInTenant.fresh(stack, stand_in_file(stack, sandbox))


def new_id() -> str:
    """An object id."""
    return str(uuid.uuid4())
