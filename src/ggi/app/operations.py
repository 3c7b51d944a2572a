"""An operation: one change of one stack, whichever engine makes it, from what is asked of it to the trail it leaves."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ggi.assurance import identity
from ggi.assurance.approval import proof_of, sign
from ggi.assurance.ci_token import proof_of_ci
from ggi.assurance.signing import private_key
from ggi.assurance.trail import Record, add, begin, end, message_of, policy_of, read_trail, trail_file
from ggi.errors import GgiError, InputError, Problem, WorkError
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.app.platform import Platform
    from ggi.audit.audit import Audit
    from ggi.engine.run_context import RunContext
    from ggi.inventory.models import ChangeRules
    from ggi.inventory.stack import Stack

SHORTEST = 10
"""Characters of a reason, as of those of a waiver."""
Report = Callable[[str], None]


@dataclass(frozen=True)
class ChangeRequest:
    """What a person says of a change before it is made."""

    number: str | None = None
    """Number of the change in the organisation's own registration."""
    urgent: bool = False
    """It goes through what the controls refuse; another person approves it afterwards."""
    reason: str | None = None
    """Why it is urgent."""
    baseline: Path | None = None
    """The first measurement (nulmeting): what it has is known, and does not refuse."""
    confirmed: bool = False
    """Somebody said yes at the terminal; else it was given with --yes."""


@dataclass
class RunningOperation:
    """An operation that goes on. Whoever makes the change says here what came of it."""

    begun: Record
    path: Path
    changes: Mapping[str, int] = field(default_factory=dict)
    """Objects per kind of change, such as {"create": 3}."""
    seconds: float = 0.0
    """How long it took; what is not said is measured."""
    failed: bool = False
    """Whether it failed without an exception."""
    head: str = ""
    """Number and hash of the trail's last line, when it is over."""

    @property
    def message(self) -> str:
        """What an engine with a history of its own keeps of it."""
        return message_of(self.begun)


@dataclass
class Operation:
    """`check` what is asked, `judge` what is wanted, `run` the change: every write of every engine goes this way."""

    action: str
    """up, down, apply, release, renew-certificate; `preview` is judged and never run."""
    stack: Stack
    platform: Platform
    request: ChangeRequest
    rules: ChangeRules
    report: Report
    prove: Callable[[], Record | None] = lambda: None
    """Asks the system that is changed who it knows us as; None when it does not say. A CI system is asked before."""
    exempt: list[list[str]] = field(default_factory=list)
    """What an urgent change goes through: control, subject, evidence."""
    rotation: Record | None = None
    """The counters of the stack's secrets, `current` and `accept`; None for what has none."""
    policy: Record | None = None

    @property
    def path(self) -> Path:
        """The file of the stack's trail."""
        return trail_file(str(self.stack), self.platform.sandbox)

    def check(self) -> None:
        """Whether the request says what it must. A sandbox needs no number. Raises InputError."""
        asked, rules = self.request, self.rules
        problems = []
        if asked.urgent and (not asked.number or len((asked.reason or "").strip()) < SHORTEST):
            fix = t('Add --ticket NUMBER and --reason "...", {count} characters at least.', count=SHORTEST)
            problems.append(Problem(t("--urgent needs a ticket and a reason"), fix))
        elif asked.reason and not asked.urgent:
            problems.append(Problem(t("--reason goes with --urgent"), t("Leave it out.")))
        elif not asked.number and self.stack.environment in rules.ticket and self.platform.sandbox is None:
            message = t("a change of {stack} needs a number", stack=self.stack)
            fix = t("Add --change NUMBER; national.yaml demands it for {name}.", name=self.stack.environment)
            problems.append(Problem(message, fix))
        if asked.number and not re.fullmatch(rules.pattern, asked.number):
            message = t("{value!r} is not the number of a change", value=asked.number)
            problems.append(Problem(message, t("national.yaml says: {pattern}", pattern=rules.pattern)))
        if problems:
            raise InputError(*problems)

    def judge(self, audit: Audit) -> Audit:
        """The audit with what is known of old. What an urgent change goes through is told.

        Raises WorkError, after the trail was told, when the controls refuse what is wanted.
        """
        from ggi.audit.baseline import load_baseline, with_baseline
        from ggi.enforcement.refusal import refusals

        if self.request.baseline is not None:
            audit = with_baseline(audit, load_baseline(self.request.baseline))
        self.policy = policy_of(audit)
        found = refusals(audit)
        if not found:
            if self.request.urgent:
                self.report(t("Nothing had to be let through; this goes on as any other update."))
            return audit
        if self.request.urgent:
            self.exempt = [[f.control, f.subject, f.evidence] for f in audit.findings if f.blocks]
            for problem in found:
                self.report(t("urgent, goes through: {problem}", problem=problem.message))
            return audit
        if self.action != "preview":
            self.refused(found, audit.release)
        self.report(t("{stack} is refused by the controls; nothing was changed.", stack=self.stack))
        raise WorkError(*found)

    def refused(self, problems: Sequence[Problem], release: str = "") -> None:
        """Tell the trail that the change was refused, and why; nothing was written."""
        record: Record = {
            "kind": "refused",
            "operation": self.action,
            "change": self.request.number or "",
            "release": release,
            "policy": self.policy,
            "who": self._who,
        }
        if self.policy is None:
            record["why"] = [problem.message for problem in problems]
        add(self.path, str(self.stack), record)

    @property
    def needs_second_person(self) -> bool:
        """Whether what loses data needs the approval of another person here."""
        return self.stack.environment in self.rules.two_people and self.platform.sandbox is None

    def second_person(self, loses: Sequence[str], fingerprint: str = "") -> None:
        """Ask for another person's approval of a change that loses data, where the inventory says so.

        `loses` names what goes. Raises WorkError, after the trail was told, when nobody else approved just this.
        """
        if not loses or not self.needs_second_person:
            return
        asked = {
            "operation": self.action,
            "change": self.request.number or "",
            "loses": sorted(loses),
            "fingerprint": fingerprint,
        }
        trail, me = read_trail(self.path, str(self.stack), self.rules), self._who
        waiting = [r for r in trail.records if r.get("kind") == "request" and asked.items() <= r.items()]
        for record in waiting:
            approved = trail.approval(record)
            if approved is not None and not identity.same_person(approved["who"], me) and not trail.used(record):
                self._approval = {
                    "request": record["number"],
                    "by": approved["who"],
                    "role": approved["role"],
                    "proven": proof_of(approved, record, self.rules),
                }
                return
        unused = [record for record in waiting if not trail.used(record)]
        number = (unused or [add(self.path, str(self.stack), {**asked, "kind": "request", "who": me})])[0]["number"]
        raise WorkError(
            Problem(
                t("this loses data ({names}); a second person must approve it", names=", ".join(sorted(loses))),
                t("Another person runs: ggi approve {stack} {number} --role ROLE", stack=self.stack, number=number),
            )
        )

    _approval: Record | None = None

    @contextmanager
    def run(
        self, *, context: str = "", release: str = "", before: str = "", fingerprint: str = ""
    ) -> Iterator[RunningOperation]:
        """The change: a line in the trail before anything is written, and one when it ended, however it ended.

        `context` says where it is made, `fingerprint` what there will be, `before` what there was. Raises WorkError.
        """
        how = {"by": "confirmed at the terminal" if self.request.confirmed else "given with --yes"}
        record: Record = {
            "operation": self.action,
            "change": self.request.number or "",
            "release": release,
            "before": before,
            "fingerprint": fingerprint,
            "where": {"context": context, "sandbox": self.platform.sandbox is not None},
            "policy": self.policy,
            "approval": {**how, **({"second": self._approval} if self._approval else {})},
            "who": self._who,
        }
        if self.request.baseline is not None:
            record["baseline"] = hashlib.sha256(self.request.baseline.read_bytes()).hexdigest()
        if self.rotation is not None:
            record["rotation"] = self.rotation
        # Where the controls judge, only what they refuse is urgent; where they don't, what a person calls so.
        urgent = bool(self.exempt) or (self.request.urgent and self.policy is None)
        if urgent:
            record["urgent"] = {"reason": (self.request.reason or "").strip(), "findings": self.exempt}
        name = str(self.stack)
        going = RunningOperation(begin(self.path, name, record), self.path)
        started, outcome = time.monotonic(), "interrupted"
        try:
            yield going
            outcome = "failed" if going.failed else "done"
        except GgiError:
            outcome = "failed"
            raise
        finally:
            reached, seconds = fingerprint if outcome == "done" else "", going.seconds or time.monotonic() - started
            done = end(self.path, name, going.begun, outcome, going.changes, seconds, reached)
        if urgent:
            self.report(
                t(
                    "This was urgent. Another person approves it with: ggi approve {stack} {number} --role ROLE",
                    stack=f"{name} --sandbox" if self.platform.sandbox else name,
                    number=going.begun["number"],
                )
            )
        going.head = f"{done['number']}:{done['hash']}"

    def exemptions(self, context: RunContext, going: RunningOperation) -> RunContext:
        """`context` with what this operation lets through, for the processes of the engine."""
        if self.request.baseline is not None:
            context = replace(context, baseline=self.request.baseline.resolve())
        if self.exempt:
            context = replace(context, urgent=str(going.begun["hash"]), trail=going.path)
        return context

    def approve(self, number: int, role: str, remark: str = "", key: Path | None = None) -> Record:
        """Approve the line of the trail with this number, which waits for another person; returns the new line.

        With `key`, an Ed25519 key of the role, the approval is signed. Raises InputError, WorkError.
        """
        role, remark, path = role.strip(), remark.strip(), self.path
        trail, me = read_trail(path, str(self.stack), self.rules), self._who
        waiting = [*trail.urgent_open(), *trail.requests_open()]
        record = next((r for r in waiting if r["number"] == number), None)
        if record is None:
            numbers = ", ".join(str(r["number"]) for r in waiting)
            fix = t("Waiting: {numbers}.", numbers=numbers) if numbers else t("Nothing is waiting.")
            message = t("{stack} has nothing {number} to approve", stack=self.stack, number=number)
            raise InputError(Problem(message, fix))
        if not role:
            raise InputError(Problem(t("a role is missing"), t("Write the role in which you approve, such as CISO.")))
        if identity.same_person(me, record["who"]):
            message = t("whoever asks for a change, or did it, does not approve it ({user})", user=me["user"])
            raise InputError(Problem(message, t("Another person does, under their own account.")))
        said: Record = {"kind": "approval", "of": number, "role": role, "remark": remark, "who": me}
        if key is not None:
            said["signature"] = sign(private_key(key), record, role, remark, self.rules)
        elif self.rules.approval == "proven" and not me.get("proven"):
            raise InputError(
                Problem(
                    t("nothing proves who you are, and the inventory wants that (changes.approval: proven)"),
                    t("Sign with --key FILE, or approve from a CI system that `changes.issuers` lists."),
                )
            )
        return add(path, str(self.stack), said)

    @cached_property
    def _who(self) -> Record:
        """Who acts. Asked once, when it is written for the first time."""
        return identity.identity(proof=proof_of_ci(self.rules.issuers, self.report) or self.prove())
