"""A dossier about one norm over a period: the population of changes, a sample that nobody chose, and the evidence.

Operation (werking) is shown by what was done, so the population is every operation that the trails have in the period.
The sample is taken by hash: operations are put in the order of SHA-256 of "norm|period|hash of the line", and the first
ones are taken. It follows from the trails alone: whoever has them can take it again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ggi.assurance.approval import SIGNATURE, proof_of
from ggi.assurance.history import Update, updates_missing_in_trail, updates_without_trail
from ggi.assurance.trail import Record, Trail
from ggi.controls.coverage import NormCoverage
from ggi.errors import InputError, Origin, Problem
from ggi.inventory.stack import kind_of
from ggi.inventory.types import release_order
from ggi.messages import t

SAMPLE = 25
"""Operations in a sample, or all when there are fewer: our own choice, of the size that auditors use for a control
that works many times a year. `--sample` takes more or fewer."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days in UTC, both ends counted."""

    text: str
    first: dt.date
    last: dt.date

    def covers(self, at: str) -> bool:
        """Whether a time of the trail lies in it."""
        return self.first <= dt.datetime.fromisoformat(at).date() <= self.last


def period(text: str) -> Period:
    """`2026`, `2026-Q3`, `2026-11` or `2026-01-01..2026-06-30`. Raises InputError."""
    try:
        if found := re.fullmatch(r"(\d{4})", text):
            year = int(found[1])
            return Period(text, dt.date(year, 1, 1), dt.date(year, 12, 31))
        if found := re.fullmatch(r"(\d{4})-Q([1-4])", text):
            return _months(text, int(found[1]), int(found[2]) * 3 - 2, 3)
        if found := re.fullmatch(r"(\d{4})-(\d{2})", text):
            return _months(text, int(found[1]), int(found[2]), 1)
        first, last = (dt.date.fromisoformat(part) for part in text.split(".."))
        if first <= last:
            return Period(text, first, last)
    except ValueError:
        pass
    fix = t("Write 2026, 2026-Q3, 2026-11 or 2026-01-01..2026-06-30.")
    raise InputError(Problem(t("{value} is not a period", value=text), fix))


def _months(text: str, year: int, month: int, count: int) -> Period:
    first = dt.date(year, month, 1)
    after = dt.date(year + (month + count - 1) // 12, (month + count - 1) % 12 + 1, 1)
    return Period(text, first, after - dt.timedelta(days=1))


@dataclass(frozen=True, slots=True)
class OperationRow:
    """One operation of the population, with how it ended and how the controls of the norm judged it."""

    stack: str
    number: int
    hash: str
    at: str
    operation: str
    who: str
    change: str
    release: str
    before: str
    after: str
    outcome: str
    """done, failed, interrupted, refused by the controls, or without end."""
    verdict: str
    """How the controls of the norm judged what was deployed."""
    urgent: str
    """Why it was urgent; empty when it was not."""
    approval: str
    sampled: bool = False


@dataclass(frozen=True)
class Dossier:
    """What there is about one norm in one period."""

    norms: tuple[NormCoverage, ...]
    period: Period
    controls: tuple[str, ...]
    population: tuple[OperationRow, ...]
    size: int
    trails: tuple[Trail, ...]
    histories: Mapping[str, Sequence[Update]] = field(default_factory=dict)
    """The engine's own history per stack, where it can be read here."""

    @property
    def outside(self) -> dict[str, int]:
        """Per stack how many updates of the period no trail has, since they were done with plain `pulumi`."""
        found = {
            stack: sum(self.period.covers(u.at.isoformat()) for u in updates_without_trail(list(history)))
            for stack, history in self.histories.items()
        }
        return {stack: count for stack, count in found.items() if count}

    @property
    def unseen(self) -> list[str]:
        """Stacks whose engine has a history of its own that can't be read here. Ansible and Graph have none."""
        return [x.stack for x in self.trails if kind_of(x.stack).on_kubernetes and x.stack not in self.histories]

    @property
    def sample(self) -> tuple[OperationRow, ...]:
        """The operations that were taken."""
        return tuple(item for item in self.population if item.sampled)

    @property
    def problems(self) -> list[Problem]:
        """Where a trail is not as it was written, or lacks what the engine's history has."""
        found = [problem for trail in self.trails for problem in trail.problems]
        for trail in self.trails:
            for update in updates_missing_in_trail(trail, list(self.histories.get(trail.stack, ()))):
                when = update.at.isoformat(timespec="seconds")
                message = t("the trail of {stack} lacks the update of {time}", stack=trail.stack, time=when)
                found.append(Problem(message, "", Origin(str(trail.path), 0)))
        return found


def norms_of(text: str, rows: Sequence[NormCoverage]) -> tuple[NormCoverage, ...]:
    """The norms that a person means by `8.32`, `BIO2 8.24.01` or `BIO2:8.24.01`. Raises InputError."""
    wanted = " ".join(text.replace(":", " ").split()).lower()
    found = tuple(r for r in rows if wanted in (r.id.lower(), f"{r.framework} {r.id}".lower()))
    if not found:
        fix = t("`ggi controls coverage` lists them, such as BIO2 8.24.01.")
        raise InputError(Problem(t("there is no norm {name}", name=text), fix))
    if len({r.framework for r in found}) > 1:
        names = ", ".join(f"'{r.framework}:{r.id}'" for r in found)
        message = t("several frameworks have a norm {name}", name=text)
        raise InputError(Problem(message, t("Write one of {names}.", names=names)))
    return found


def _verdict(record: Record, controls: Sequence[str] | None) -> str:
    """Outcomes of these controls (None: of all), such as `PASS 23, WAIVED 2`; says so when they were not judged."""
    judged = (record.get("policy") or {}).get("controls", {})
    counts: dict[str, int] = {}
    for control in judged if controls is None else controls:
        for outcome, count in judged.get(control, {}).items():
            counts[outcome] = counts.get(outcome, 0) + count
    return ", ".join(f"{outcome} {count}" for outcome, count in sorted(counts.items())) or t("not judged")


def _who(record: Record) -> str:
    """Who did it, and whether a system proved that or it was only stated."""
    who = record.get("who") or {}
    run, proven = who.get("ci"), who.get("proven")
    shown = f"{who.get('user', '?')}@{who.get('host', '?')}"
    shown += f" ({run['system']} {run['user']} {run['run']})" if run else ""
    return (
        t("{who}; proven: {user} by {system}", who=shown, user=proven["user"], system=proven["by"])
        if proven
        else (t("{who}; stated", who=shown))
    )


def _approver(trail: Trail, approved: Record, given: Record) -> str:
    """Who approved a line, and how that is known: by a key, by a system, or only as stated."""
    if proof_of(given, approved, trail.rules) == SIGNATURE:
        return t("proven by signature of {role}", role=given["role"])
    return _who(given)


def _rotated(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """What an update did to the counters of the secrets, such as `rotation 2 -> 3 (accepts 2)`; empty for nothing."""
    if before is None or after is None or before == after:
        return ""

    def words(counters: Mapping[str, Any]) -> str:
        accepted = ", ".join(str(number) for number in counters["accept"])
        return str(counters["current"]) + (f" ({t('accepts {numbers}', numbers=accepted)})" if accepted else "")

    return t("rotation {before} -> {after}", before=words(before), after=words(after))


def _operations(trail: Trail, controls: Sequence[str] | None, within: Period) -> Iterable[OperationRow]:
    ends = {r["of"]: r for r in trail.records if r.get("kind") == "end"}
    counters: Record | None = None
    release = ""
    for record in trail.records:
        kind = record.get("kind")
        if kind not in ("begin", "refused"):
            continue
        number = record["number"]
        end, urgent = ends.get(number), record.get("urgent") or {}
        known, counters = counters, _counters_after(record, end, counters)
        if not within.covers(record["at"]):
            release = _release_after(record, end, release)
            continue
        outcome = str(end["outcome"]) if end else t("without end")
        if kind == "refused":
            why = "; ".join(record.get("why", ()))
            outcome = t("refused: {why}", why=why) if why else t("refused by the controls")
        approval = (record.get("approval") or {}).get("by", "")
        if second := (record.get("approval") or {}).get("second"):
            request = trail.of(second["request"])
            given = trail.approval(request) if request else None
            who = _approver(trail, request, given) if request and given else _who({"who": second["by"]})
            approval = t("{role}: {who}", role=second["role"], who=who)
        if urgent:
            approved = trail.approval(record)
            approval = t("OPEN")
            if approved:
                who = _approver(trail, record, approved)
                approval = t("{role}, {date}: {who}", role=approved["role"], date=approved["at"][:10], who=who)
        operation = record.get("operation", "")
        if told := _rotated(known, record.get("rotation")):
            operation += f"; {told}"
        for consequence in _consequences(record, end, release):
            operation += f"; {consequence}"
        release = _release_after(record, end, release)
        yield OperationRow(
            stack=trail.stack,
            number=number,
            hash=record["hash"],
            at=record["at"],
            operation=operation,
            who=_who(record),
            change=record.get("change", ""),
            release=record.get("release", ""),
            before=record.get("before", ""),
            after=end["fingerprint"] if end else "",
            outcome=outcome,
            verdict=_verdict(record, controls),
            urgent=urgent.get("reason", ""),
            approval=approval,
        )


RELEASE = r"[0-9]{4}[.][0-9]+"
"""A release of a landscape; what is written to hosts and Microsoft 365 has other names, which have no order."""


def _consequences(record: Record, end: Record | None, release: str) -> Iterable[str]:
    """What is no ordinary change: an older release than the one before, and what was replaced or removed."""
    wanted = str(record.get("release", ""))
    known = all(re.fullmatch(RELEASE, text) for text in (release, wanted))
    if known and release_order(wanted) < release_order(release):
        yield t("downgrade from {release}", release=release)
    changes = (end or {}).get("changes") or {}
    replaced, removed = int(changes.get("replace", 0)), int(changes.get("delete", 0))
    if replaced:
        yield t("{count} replaced", count=replaced)
    if removed:
        yield t("{count} removed", count=removed)


def _release_after(record: Record, end: Record | None, before: str) -> str:
    """The release that is there after an operation."""
    done = end is not None and end["outcome"] == "done" and record.get("kind") == "begin"
    return str(record.get("release") or before) if done else before


def _counters_after(record: Record, end: Record | None, before: Record | None) -> Record | None:
    """The counters of the secrets after an operation; what failed may be half done, so it is not known to be there."""
    if not end or end["outcome"] != "done":
        return before
    return None if record.get("operation") == "down" else record.get("rotation", before)


def take_sample(population: Iterable[OperationRow], norm: str, within: Period, size: int) -> frozenset[str]:
    """The hashes of the lines that are taken. See the head of this module."""

    def order(item: OperationRow) -> str:
        return hashlib.sha256(f"{norm}|{within.text}|{item.hash}".encode()).hexdigest()

    return frozenset(item.hash for item in sorted(population, key=order)[:size])


def dossier(
    norms: Sequence[NormCoverage],
    within: Period,
    trails: Sequence[Trail],
    size: int = SAMPLE,
    histories: Mapping[str, Sequence[Update]] | None = None,
) -> Dossier:
    """The dossier about these norms, from the trails of the stacks that are meant."""
    controls = tuple(dict.fromkeys(control for row in norms for control in row.controls))
    found = [item for trail in trails for item in _operations(trail, controls if norms else None, within)]
    taken = take_sample(found, " ".join(f"{r.framework} {r.id}" for r in norms), within, size)
    population = tuple(
        replace(item, sampled=item.hash in taken) for item in sorted(found, key=lambda i: (i.at, i.stack, i.number))
    )
    return Dossier(tuple(norms), within, controls, population, size, tuple(trails), histories or {})
