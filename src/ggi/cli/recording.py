"""What an update or removal says of itself (number of the change, urgency, baseline), and the trail that it leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli.output import note
from ggi.cli.workspace import Workspace, sandbox_name
from ggi.errors import GgiError, InputError, Problem, WorkError
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.assurance.trail import Run
    from ggi.audit.audit import Audit
    from ggi.cli.workspace import Owner
    from ggi.engine.events import EngineResult
    from ggi.engine.pulumi_stack import PulumiStack
    from ggi.landscape.build import Landscape

Change = Annotated[
    str | None,
    typer.Option("--change", "--ticket", metavar="NUMBER", help="Number of the change; the trail keeps it."),
]
Urgent = Annotated[
    bool, typer.Option("--urgent", help="Go through what the controls refuse; asks for approval afterwards.")
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why it is urgent.")]
SHORTEST = 10
"""Characters of a reason, as of those of a waiver."""


@dataclass
class Recording:
    """One operation as the user describes it. `check` comes first, then `judged`, then `run`."""

    operation: str
    sandbox: bool
    change: str | None = None
    urgent: bool = False
    reason: str | None = None
    baseline: Path | None = None
    """The first measurement, read and not written."""
    through: list[list[str]] = field(default_factory=list)
    """What an urgent update goes through: control, subject, evidence."""
    policy: dict[str, Any] | None = None

    def check(self, workspace: Workspace, stack: str, environment: str) -> None:
        """Whether it says what it must for this stack, which is of this environment. Raises InputError."""
        rules = workspace.inventory.changes
        problems = []
        if self.urgent and (not self.change or len((self.reason or "").strip()) < SHORTEST):
            fix = t('Add --ticket NUMBER and --reason "...", {count} characters at least.', count=SHORTEST)
            problems.append(Problem(t("--urgent needs a ticket and a reason"), fix))
        elif self.reason and not self.urgent:
            problems.append(Problem(t("--reason goes with --urgent"), t("Leave it out.")))
        elif not self.change and environment in rules.ticket and not self.sandbox:
            message = t("a change of {stack} needs a number", stack=stack)
            fix = t("Add --change NUMBER; national.yaml demands it for {name}.", name=environment)
            problems.append(Problem(message, fix))
        if self.change and not re.fullmatch(rules.pattern, self.change):
            message = t("{value!r} is not the number of a change", value=self.change)
            problems.append(Problem(message, t("national.yaml says: {pattern}", pattern=rules.pattern)))
        if problems:
            raise InputError(*problems)

    def path(self, stack: str) -> Path:
        """The file of the stack's trail."""
        from ggi.assurance.trail import trail_file

        return trail_file(stack, sandbox_name() if self.sandbox else None)

    def judged(self, audit: Audit) -> Audit:
        """The audit with what is known of old. What an urgent update goes through is told.

        Raises WorkError, after the trail was told, when the controls refuse the landscape.
        """
        from ggi.assurance.trail import add, identity, policy_of
        from ggi.audit.baseline import load_baseline, with_baseline
        from ggi.enforcement.refusal import refusals

        if self.baseline is not None:
            audit = with_baseline(audit, load_baseline(self.baseline))
        self.policy = policy_of(audit)
        found = refusals(audit)
        if not found:
            if self.urgent:
                note(t("Nothing had to be let through; this goes on as any other update."))
            return audit
        if self.urgent:
            self.through = [[f.control, f.subject, f.evidence] for f in audit.findings if f.blocks]
            for problem in found:
                note(t("urgent, goes through: {problem}", problem=problem.message))
            return audit
        if self.operation == "up":
            record = {"operation": "up", "change": self.change or "", "policy": self.policy, "who": identity()}
            add(self.path(audit.stack), audit.stack, {**record, "kind": "refused", "release": audit.release})
        note(t("{stack} is refused by the controls; nothing was changed.", stack=audit.stack))
        raise WorkError(*found)

    @contextmanager
    def run(self, stack: PulumiStack, wanted: Landscape | None, *, confirmed: bool) -> Iterator[Running]:
        """The operation: a line in the trail before anything is written, and one when it ended, however it ended.

        `wanted` is the landscape that there will be, if there will be one.
        """
        from ggi.assurance.trail import Run

        name, target = stack.target.stack, stack.target
        fingerprint = wanted.fingerprint if wanted else ""
        record = {
            "operation": self.operation,
            "change": self.change or "",
            "release": wanted.environment.release if wanted else "",
            "before": _fingerprint(stack),
            "fingerprint": fingerprint,
            "where": {"context": target.context, "sandbox": self.sandbox},
            "policy": self.policy,
            "approval": {"by": "confirmed at the terminal" if confirmed else "given with --yes"},
        }
        if self.baseline is not None:
            record["baseline"] = _sha256(self.baseline)
        if self.through:
            record["urgent"] = {"reason": (self.reason or "").strip(), "findings": self.through}
        begun = Run.begin(self.path(name), name, record)
        running = Running(begun, self._variables(begun))
        try:
            yield running
        except GgiError:
            begun.end("failed", {}, 0, "")
            raise
        except BaseException:
            begun.end("interrupted", {}, 0, "")
            raise
        outcome = running.outcome
        done = begun.end("done", outcome.changes if outcome else {}, outcome.seconds if outcome else 0, fingerprint)
        if self.through:
            note(
                t(
                    "This was urgent. Another person approves it with: ggi approve {stack} {number} --role ROLE",
                    stack=f"{name} --sandbox" if self.sandbox else name,
                    number=begun.begun["number"],
                )
            )
        running.head = f"{done['number']}:{done['hash']}"

    def _variables(self, begun: Run) -> dict[str, str]:
        """What the policy pack is told."""
        from ggi.enforcement.exemptions import BASELINE, TRAIL, URGENT

        found = {BASELINE: str(self.baseline.resolve())} if self.baseline is not None else {}
        if self.through:
            found |= {URGENT: begun.begun["hash"], TRAIL: str(begun.path)}
        return found


def environment_of(owner: Owner) -> str:
    """The environment that the rules for changes look at; what all tenants of a cluster share counts as productie."""
    from ggi.inventory.load import Environment

    return owner.name if isinstance(owner, Environment) else "prod"


@dataclass
class Running:
    """An operation that goes on. Whoever does it puts the outcome here."""

    run: Run
    variables: dict[str, str]
    outcome: EngineResult | None = None
    head: str = ""
    """Number and hash of the trail's last line, when it is over."""


def _fingerprint(stack: PulumiStack) -> str:
    """The fingerprint of the landscape that the state remembers; empty when there is none."""
    try:
        return str(stack.outputs().get("fingerprint", ""))
    except WorkError:
        return ""


def _sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()
