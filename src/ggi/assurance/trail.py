"""The trail of what was done to a stack: who, what, when, for which change, judged how. One line of JSON per event.

A line holds the hash of the line before it, so that a line that was changed, taken out or put between is noticed. Lines
are only ever added. What was cut off at the end shows nowhere in the file: the hash of an update's first line is also
the message of that update in the engine's own history, which is kept elsewhere.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ggi.assurance import approval
from ggi.engine.target import local_state
from ggi.errors import GgiError, Origin, Problem, WorkError
from ggi.inventory.models import ChangeRules
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.audit.audit import Audit

FORMAT = "ggi-trail/1"
HOME = "GGI_TRAIL_HOME"
"""Environment variable with a folder for all trails, such as one that many operators share."""
NEEDED = {"format", "number", "at", "stack", "previous", "hash", "kind"}
"""What every line has; one without is no line of a trail."""
Record = dict[str, Any]
NO_RULES = ChangeRules()


def trail_file(stack: str, sandbox: str | None) -> Path:
    """The file of a stack's trail; each sandbox has its own, and so have real clusters."""
    shared = os.environ.get(HOME)
    folder = Path(shared) / (f"sandbox-{sandbox}" if sandbox else "clusters") if shared else None
    return (folder or local_state(sandbox) / "trail") / f"{stack}.jsonl"


def stacks_with_trail(sandbox: str | None) -> list[str]:
    """Names of the stacks that have a trail in a sandbox, or on real clusters."""
    return sorted(path.stem for path in trail_file("x", sandbox).parent.glob("*.jsonl"))


def policy_of(audit: Audit) -> Record:
    """The verdict of the controls as a record keeps it: per control how many of each outcome, and what was accepted."""
    # Imported here: who only reads a trail needs nothing of how landscapes are judged.
    from ggi.controls.verdict import Outcome

    controls: dict[str, dict[str, int]] = {}
    for finding in audit.findings:
        row = controls.setdefault(finding.control, {})
        row[finding.outcome.value] = row.get(finding.outcome.value, 0) + 1
    return {
        "date": audit.date.isoformat(),
        "counts": {outcome.value: count for outcome, count in audit.counts.items()},
        "blocking": sorted({f.control for f in audit.findings if f.blocks}),
        "planned": sorted({f.control for f in audit.failed if f.plan is not None}),
        "known": sorted({f.control for f in audit.failed if f.known_since is not None}),
        "waived": sorted({f.control for f in audit.findings if f.outcome is Outcome.WAIVED}),
        "controls": controls,
    }


def _text(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _hash(record: Record) -> str:
    return hashlib.sha256(_text({k: v for k, v in record.items() if k != "hash"}).encode()).hexdigest()


def _first(stack: str) -> str:
    """What the first line has in the place of the hash of the one before."""
    return hashlib.sha256(f"{FORMAT} {stack}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail as read. `problems` are the places where the chain is broken."""

    path: Path
    stack: str
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    rules: ChangeRules = NO_RULES
    """Which approvals count, and whose keys sign them."""

    @property
    def head(self) -> str:
        """The hash of the last line; whoever noted it can tell whether lines were cut off."""
        return str(self.records[-1]["hash"]) if self.records else ""

    def of(self, number: int) -> Record | None:
        """The record with this number."""
        return next((r for r in self.records if r.get("number") == number), None)

    def urgent_open(self) -> Iterator[Record]:
        """Operations that were let through as urgent, went on, and that nobody has approved."""
        return (r for r in self.records if r.get("kind") == "begin" and r.get("urgent") and not self.approval(r))

    def requests_open(self) -> Iterator[Record]:
        """Operations that wait for the approval of a second person."""
        return (r for r in self.records if r.get("kind") == "request" and not self.approval(r) and not self.used(r))

    def approval(self, record: Record) -> Record | None:
        """The approval of a line, if somebody gave one that counts."""
        return next((r for r in self._approvals(record) if approval.counts(r, record, self.rules)), None)

    def _approvals(self, record: Record) -> Iterator[Record]:
        number = record["number"]
        return (r for r in self.records if r.get("kind") == "approval" and r.get("of") == number)

    def forged(self) -> Iterator[Record]:
        """Approvals with a signature that no key of the inventory made for that role and that line."""
        for record in self.records:
            for given in self._approvals(record):
                if given.get("signature") and not approval.is_signed(given, record, self.rules):
                    yield given

    def used(self, request: Record) -> bool:
        """Whether an operation went on with the approval of this request: it is good for one."""
        seconds = ((r.get("approval") or {}).get("second") or {} for r in self.records if r.get("kind") == "begin")
        return any(second.get("request") == request["number"] for second in seconds)


def read_trail(path: Path, stack: str, rules: ChangeRules | None = None) -> Trail:
    """Read and check a trail; one that is not there is empty. With `rules`, the signatures of approvals as well.

    Raises nothing.
    """
    records: list[Record] = []
    problems: list[Problem] = []
    previous = _first(stack)
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return Trail(path, stack, (), (), rules or NO_RULES)
    except OSError as error:
        message = t("this file can't be read: {why}", why=error.strerror or error)
        return Trail(path, stack, (), (Problem(message, "", Origin(str(path), 0)),))
    if lines[-1] == b"":
        lines.pop()
    else:
        problems.append(Problem(t("the last line is not whole"), "", Origin(str(path), len(lines))))
    for number, line in enumerate(lines, 1):
        place = Origin(str(path), number)
        try:
            record = json.loads(line)
            if not isinstance(record, dict) or _text(record).encode() != line or not record.keys() >= NEEDED:
                raise ValueError
        except ValueError:
            problems.append(Problem(t("this line is not as it was written"), "", place))
            previous = ""
            continue
        if record.get("hash") != _hash(record):
            problems.append(Problem(t("this line was changed"), "", place))
        elif previous and (record.get("previous") != previous or record.get("number") != number):
            problems.append(
                Problem(t("before this line, lines were removed, added or put in another order"), "", place)
            )
        elif record.get("stack") != stack:
            problems.append(Problem(t("this line is of another stack"), "", place))
        records.append(record)
        previous = str(record.get("hash", ""))
    found = Trail(path, stack, tuple(records), tuple(problems), rules or NO_RULES)
    if rules is None or problems:
        return found
    message = t("no key of the inventory signed this approval for that role")
    forged = (Problem(message, "", Origin(str(path), int(record["number"]))) for record in found.forged())
    return replace(found, problems=tuple(forged))


@contextmanager
def _alone(path: Path) -> Iterator[int]:
    """The file, open for adding, while nobody else adds."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def add(path: Path, stack: str, record: Record, now: dt.datetime | None = None) -> Record:
    """Add one record; returns it with number, time and hashes. Raises WorkError when the trail is broken already."""
    with _alone(path) as descriptor:
        trail = read_trail(path, stack)
        if trail.problems:
            raise WorkError(
                Problem(
                    t("the trail of {stack} is not as it was written", stack=stack),
                    t("`ggi dossier {stack}` tells where. Keep the file, move it away, and find out.", stack=stack),
                    trail.problems[0].origin,
                )
            )
        when = (now or dt.datetime.now(tz=dt.UTC)).astimezone(dt.UTC).isoformat(timespec="seconds")
        whole = {
            **record,
            "format": FORMAT,
            "number": len(trail.records) + 1,
            "at": when,
            "stack": stack,
            "previous": trail.head or _first(stack),
        }
        whole["hash"] = _hash(whole)
        os.write(descriptor, (_text(whole) + "\n").encode())
        os.fsync(descriptor)
        return whole


def begin(path: Path, stack: str, record: Record) -> Record:
    """Write that an operation begins; returns the line. Raises WorkError."""
    return add(path, stack, {"kind": "begin", **record})


def message_of(begun: Record) -> str:
    """What an engine's own history keeps of an operation."""
    return f"{FORMAT} {begun['number']} {begun['hash']}"


def end(
    path: Path,
    stack: str,
    begun: Record,
    outcome: str,
    changes: Mapping[str, int] | None = None,
    seconds: float = 0.0,
    fingerprint: str = "",
) -> Record:
    """Write how an operation ended: `done`, `failed` or `interrupted`, and the fingerprint of what is there now."""
    record = {
        "kind": "end",
        "of": begun["number"],
        "outcome": outcome,
        "changes": dict(sorted((changes or {}).items())),
        "seconds": round(seconds, 1),
        "fingerprint": fingerprint,
    }
    return add(path, stack, record)


def urgent_findings(path: Path, stack: str, digest: str, fingerprint: str) -> frozenset[tuple[str, str, str]]:
    """The findings that an urgent update may go through: (control, subject, evidence), from the line with this hash.

    Empty when there is no such line, when the update that it began has ended, or when it was about another landscape.
    """
    try:
        trail = read_trail(path, stack)
    except GgiError:
        return frozenset()
    if trail.problems or not trail.records:
        return frozenset()
    record = next((r for r in trail.records if r["hash"] == digest), None)
    ended = record is not None and any(r.get("of") == record["number"] and r["kind"] == "end" for r in trail.records)
    if record is None or ended or record.get("kind") != "begin" or record.get("fingerprint") != fingerprint:
        return frozenset()
    found: Sequence[Sequence[str]] = (record.get("urgent") or {}).get("findings", ())
    return frozenset((str(c), str(s), str(e)) for c, s, e in found)
