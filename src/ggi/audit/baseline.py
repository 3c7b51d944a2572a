"""The first measurement (nulmeting): what deviated on the day that an existing landscape came in.

It is frozen once. From then on only what is new, or deviates in another way, counts against a landscape; what was known
stays a failure in every report, with its date, and what is mended leaves. A baseline never grows: what is frozen from
an audit with a baseline is what is left of it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from ggi.audit.audit import Audit, Place
from ggi.audit.sentences import saw_the_same
from ggi.controls.control import Control
from ggi.controls.verdict import Finding, Outcome
from ggi.errors import InputError, Origin, Problem
from ggi.inventory.models import Model
from ggi.inventory.types import Date, Line
from ggi.inventory.validate import nearest
from ggi.messages import t

FORMAT = "ggi-baseline/1"


class KnownFinding(Model):
    """One finding as it was frozen. `evidence` is what was seen: anything else is a new finding."""

    control: Line
    subject: str
    evidence: str
    since: Date


class Frozen(Model):
    """What deviated in one stack."""

    place: Line
    """Where the audit looked: plan, state or live."""
    date: Date
    findings: list[KnownFinding]


class Baseline(Model):
    """A file of the first measurement."""

    format: Literal["ggi-baseline/1"]
    stacks: dict[str, Frozen]

    def applied(
        self, stack: str, findings: Iterable[Finding], controls: Mapping[str, Control] = MappingProxyType({})
    ) -> tuple[Finding, ...]:
        """The findings, each failure that was known with its date. Others are new.

        With `controls`, what an older version froze as an English sentence is known as well.
        """
        frozen = self.stacks.get(stack)
        known: dict[tuple[str, str], list[KnownFinding]] = {}
        for item in frozen.findings if frozen else ():
            known.setdefault((item.control, item.subject), []).append(item)

        def since(finding: Finding) -> dt.date | None:
            listed = known.get((finding.control, finding.subject), ())
            return next((k.since for k in listed if saw_the_same(finding, k.evidence, controls)), None)

        return tuple(replace(f, known_since=since(f)) if f.outcome is Outcome.FAIL else f for f in findings)


@dataclass(frozen=True)
class Compared:
    """What became of a baseline: failures that are new, changed (with what was frozen) or known; and what is gone."""

    stack: str
    frozen: Frozen
    new: tuple[Finding, ...] = ()
    changed: tuple[tuple[Finding, KnownFinding], ...] = ()
    known: tuple[Finding, ...] = ()
    mended: tuple[KnownFinding, ...] = ()
    unjudged: tuple[KnownFinding, ...] = field(default=())
    """Frozen findings about which nothing can be said now."""


def freeze(audits: Sequence[Audit], earlier: Baseline | None = None) -> str:
    """The text of a baseline: all failures of these audits, or (with `earlier`) those of them that were known."""
    stacks: dict[str, object] = {}
    for audit in audits:
        rows = [
            {
                "control": f.control,
                "subject": f.subject,
                "evidence": f.evidence,
                "since": (f.known_since or audit.date).isoformat(),
            }
            for f in audit.failed
            if earlier is None or f.known_since is not None
        ]
        first = earlier.stacks[audit.stack] if earlier else None
        place, date = (first.place, first.date) if first else (audit.place.value, audit.date)
        stacks[audit.stack] = {"place": place, "date": date.isoformat(), "findings": rows}
    kept = {name: item.model_dump(mode="json") for name, item in earlier.stacks.items()} if earlier else {}
    whole = {"format": FORMAT, "stacks": dict(sorted({**kept, **stacks}.items()))}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def load_baseline(path: Path) -> Baseline:
    """Read a baseline. Raises InputError."""
    place = Origin(str(path), 0)
    fix = t("Make one with `ggi audit STACK --freeze {file}`.", file=path)
    try:
        return Baseline.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        message = t("this file can't be read: {why}", why=error.strerror or error)
        raise InputError(Problem(message, fix, place)) from None
    except ValueError as error:
        why = "; ".join(str(error).splitlines()[:3])
        raise InputError(Problem(t("this is no baseline: {why}", why=why), fix, place)) from None


def write_baseline(path: Path, text: str, earlier: Path | None) -> None:
    """Write a baseline. Raises InputError for one that is there, unless it is the `earlier` one: that only shrinks."""
    if path.exists() and (earlier is None or not path.samefile(earlier)):
        message = t("this baseline exists; what is frozen once is not frozen anew")
        fix = t("Read it with `--baseline {file}`; to leave out what is mended, add `--freeze {file}`.", file=path)
        raise InputError(Problem(message, fix, Origin(str(path), 0)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def with_baseline(audit: Audit, baseline: Baseline) -> Audit:
    """The audit with the date of every failure that was known. Raises InputError when the stack was never frozen."""
    if audit.stack not in baseline.stacks:
        message = t("the baseline has no stack {stack}", stack=audit.stack)
        raise InputError(Problem(message, nearest(audit.stack, baseline.stacks)))
    return replace(audit, findings=baseline.applied(audit.stack, audit.findings, audit.controls))


def compare_baseline(audit: Audit, baseline: Baseline) -> Compared:
    """What became of the baseline in this audit, which `with_baseline` made."""
    frozen = baseline.stacks[audit.stack]
    before = {(k.control, k.subject): k for k in frozen.findings}
    now: Mapping[tuple[str, str], Finding] = {(f.control, f.subject): f for f in audit.failed}
    unknown = {(f.control, f.subject) for f in audit.findings if f.outcome is Outcome.UNKNOWN}
    # A control that could not be judged at all says so of the stack.
    blind = {control for control, subject in unknown if subject == audit.stack}
    fresh = [f for f in audit.failed if f.known_since is None]
    gone = [k for key, k in before.items() if key not in now]
    unjudged = tuple(k for k in gone if (k.control, k.subject) in unknown or k.control in blind)
    return Compared(
        audit.stack,
        frozen,
        new=tuple(f for f in fresh if (f.control, f.subject) not in before),
        changed=tuple((f, before[f.control, f.subject]) for f in fresh if (f.control, f.subject) in before),
        known=tuple(f for f in audit.failed if f.known_since is not None),
        mended=tuple(k for k in gone if k not in unjudged),
        unjudged=unjudged,
    )


def summary(found: Compared, place: Place) -> list[str]:
    """What to tell of it, as lines."""
    head = t(
        "  Baseline of {date} ({place}): {frozen} findings frozen; {known} still known, {mended} mended, {changed} "
        "deviate otherwise than then, {unjudged} not judged now; {new} new",
        date=found.frozen.date,
        place=found.frozen.place,
        frozen=len(found.frozen.findings),
        known=len(found.known),
        mended=len(found.mended),
        changed=len(found.changed),
        unjudged=len(found.unjudged),
        new=len(found.new),
    )
    lines = [head]
    lines += [f"    + {f.control} {f.subject}: {f.evidence}" for f in found.new]
    lines += [f"    ~ {f.control} {f.subject}: {k.evidence} -> {f.evidence}" for f, k in found.changed]
    lines += [f"    - {k.control} {k.subject}: {k.evidence}" for k in found.mended]
    if found.frozen.place != place.value:
        lines.append(t("    It was frozen from another place ({place}) than this audit.", place=found.frozen.place))
    return lines


def baseline_data(found: Compared) -> dict[str, object]:
    """The same as JSON."""
    return {
        "date": found.frozen.date.isoformat(),
        "from": found.frozen.place,
        "frozen": len(found.frozen.findings),
        "known": len(found.known),
        "new": [[f.control, f.subject, f.evidence] for f in found.new],
        "changed": [[f.control, f.subject, k.evidence, f.evidence] for f, k in found.changed],
        "mended": [[k.control, k.subject, k.evidence] for k in found.mended],
        "unjudged": [[k.control, k.subject, k.evidence] for k in found.unjudged],
    }
