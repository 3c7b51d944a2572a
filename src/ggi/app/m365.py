"""Work on one Microsoft 365 tenant: compare it with the Cookbook, write, and keep what was seen."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ggi.errors import InputError, Problem, WorkError
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.app.operations import ChangeRequest, Operation
    from ggi.app.platform import Platform
    from ggi.app.workspace import Workspace
    from ggi.assurance.identity import Identity
    from ggi.cookbook.content import Cookbook
    from ggi.cookbook.drift import Drifted
    from ggi.cookbook.impact import Remark
    from ggi.cookbook.plan import PlannedWrite, WritePlan
    from ggi.cookbook.reading import ReadResult, Ref
    from ggi.cookbook.session import TenantSession
    from ggi.cookbook.snapshot import Snapshot
    from ggi.cookbook.targets import M365Tenant, RecipeTarget
    from ggi.inventory.m365 import Stage

T = TypeVar("T")
Report = Callable[[str], None]


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do asynchronous work to its end. (asyncio is loaded by no `--help`.)"""
    import asyncio

    return asyncio.run(work)


@dataclass
class TenantAccess:
    """One tenant as a person names it, its Cookbook, and the way in: to the real one or to a stand-in.

    `TenantAccess("m365-rijnstad", Workspace(), platform).targets()` are its recipes.
    """

    name: str
    workspace: Workspace
    platform: Platform
    report: Report = lambda line: None
    by_hand: Path | None = None
    """Folder in which plan files for PowerShell go out, and result files come in."""

    @property
    def book(self) -> Cookbook:
        """All recipes."""
        return self.workspace.cookbook

    @cached_property
    def tenant(self) -> M365Tenant:
        """The tenant that is meant. Raises InputError."""
        from ggi.cookbook.targets import find_m365

        return find_m365(self.workspace.inventory, self.name)

    @property
    def _journal_path(self) -> Path:
        from ggi.cookbook.journal import journal_path

        return journal_path(self.tenant.stack, sandbox=self.platform.sandbox or "")

    @property
    def snapshots(self) -> Path:
        """The folder of its snapshots."""
        return self._journal_path.with_name("snapshots")

    def targets(self, only: Sequence[str] = (), stage: Stage | None = None) -> tuple[RecipeTarget, ...]:
        """Its recipes. A stage may be overridden on a stand-in alone. Raises InputError."""
        from ggi.cookbook.targets import targets

        if stage is not None and self.platform.sandbox is None:
            raise InputError(
                Problem(
                    t("--stage is for stand-ins: in a real tenant the stage is a decision that is written down"),
                    t("Write `stage` under the recipe in {place}.", place=self.tenant.origin().file),
                )
            )
        return targets(self.tenant, self.book, only, stage)

    @asynccontextmanager
    async def session(self, report: Report | None = None) -> AsyncIterator[TenantSession]:
        """A session with the tenant, its channels open."""
        from ggi.cookbook.journal import Journal
        from ggi.cookbook.runner import HandRunner
        from ggi.cookbook.session import TenantSession

        journal = Journal.load(self._journal_path)
        hand = HandRunner(self.by_hand) if self.by_hand is not None else None
        async with AsyncExitStack() as stack:
            channels = await self.platform.channels(self.tenant, self.book, hand, stack, self.report)
            yield TenantSession(self.tenant, self.book, channels, journal, report or (lambda line: None))

    @contextlib.contextmanager
    def only_writer(self) -> Iterator[None]:
        """One writer per tenant at a time on this machine; a second one waits."""
        from ggi.engine.locks import locked

        with locked(self._journal_path.with_name("lock"), self.tenant.stack, self.report):
            yield

    def read(self, chosen: Sequence[RecipeTarget], *, remember: bool = False) -> dict[Ref, ReadResult]:
        """What is there now. `remember`: so that `drift` can tell what others change after this."""
        from ggi.cookbook.plan import refs_of

        async def work() -> dict[Ref, ReadResult]:
            async with self.session() as session:
                seen = await session.read(refs_of(chosen))
                if remember:
                    session.journal.remember(seen)
                return seen

        return run(work())

    def plan(
        self, only: Sequence[str] = (), stage: Stage | None = None, *, report_only: bool = False, count: bool = False
    ) -> tuple[WritePlan, list[Remark]]:
        """The plan, and what can be said of it in this tenant; with `count`, also whom it would hit."""
        from ggi.cookbook.graph.channel import GraphChannel
        from ggi.cookbook.impact import count_impact, forgotten

        chosen = self.targets(only, stage)

        async def work() -> tuple[WritePlan, list[Remark]]:
            async with self.session() as session:
                made = await self._planned(session, chosen, report_only=report_only)
                remarks = list(forgotten(made.judged))
                graph = session.channels["graph"]
                if count and isinstance(graph, GraphChannel):
                    remarks += await count_impact(made, graph.application)
                return made, remarks

        return run(work())

    def operation(self, action: str, request: ChangeRequest) -> Operation:
        """The operation that a write to this tenant is."""
        from ggi.app.operations import Operation
        from ggi.inventory.stack import Stack

        rules = self.workspace.inventory.changes
        return Operation(action, Stack.parse(self.tenant.stack), self.platform, request, rules, self.report)

    def apply(
        self,
        chosen: Sequence[RecipeTarget],
        operation: Operation,
        report: Report,
        agreed: Callable[[WritePlan], None],
        *,
        report_only: bool = False,
    ) -> list[PlannedWrite]:
        """Write what differs and read it again; returns what was written. `agreed` sees the plan and may raise.

        Goes on where an earlier run stopped. Raises WorkError at the first write that does not stick, and, before
        anything is written, when the plan would break what must always hold.
        """
        from ggi.cookbook.control import version_of

        async def work() -> list[PlannedWrite]:
            async with self.session(report) as session:
                if stopped := session.journal.run:
                    left = len(stopped["asked"]) - len(stopped["done"])
                    text = t(
                        "The run of {date} stopped with {left} changes to go; going on.",
                        date=stopped["started"],
                        left=left,
                    )
                    self.report(text)
                made = await self._planned(session, chosen, report_only=report_only)
                agreed(made)
                operation.prove = lambda: self._proof(session)
                try:
                    await session.check_invariants(made)
                except WorkError as error:
                    operation.refused(error.problems)
                    raise
                with operation.run(context=self._where, release=version_of(self.book)) as going:
                    try:
                        await session.write(made)
                    finally:
                        going.changes = {"update": len(session.written)}
                return session.written

        return run(work())

    def release(
        self, chosen: Sequence[RecipeTarget], operation: Operation, report: Report, *, restore: bool
    ) -> list[PlannedWrite]:
        """Leave settings to the tenant; with `restore`, write what was there before. Returns what was written."""
        from ggi.cookbook.control import version_of
        from ggi.cookbook.plan import refs_of

        async def work() -> list[PlannedWrite]:
            async with self.session(report) as session:
                # Graph proves who asks only after it was asked something.
                await session.read(refs_of(chosen))
                operation.prove = lambda: self._proof(session)
                with operation.run(context=self._where, release=version_of(self.book)) as going:
                    try:
                        await session.release(chosen, restore=restore)
                    finally:
                        going.changes = {"update": len(session.written)}
                return session.written

        return run(work())

    def _proof(self, session: TenantSession) -> Identity | None:
        """Who writes, as Microsoft Graph knows the token that it took; None when it was not asked."""
        from ggi.cookbook.graph.channel import GraphChannel

        graph = session.channels.get("graph")
        user = graph.caller if isinstance(graph, GraphChannel) else ""
        where = self._where if self.platform.sandbox else "Microsoft Graph"
        return {"by": where, "user": user} if user else None

    @property
    def _where(self) -> str:
        """Where a write goes, for the trail: the tenant's directory, or a stand-in."""
        return f"stand-in {self.platform.sandbox}" if self.platform.sandbox else (self.tenant.file.directory or "")

    def find_drift(
        self, chosen: Sequence[RecipeTarget], earlier: Snapshot | None, later: Snapshot | None
    ) -> tuple[list[Drifted], str]:
        """What others changed since `earlier` (default: what the Cookbook last saw), and since when that is.

        Looks at `later` instead of the tenant when that is given. Raises InputError when nothing is known yet.
        """
        from ggi.cookbook.drift import find_changes
        from ggi.cookbook.plan import refs_of

        async def work() -> tuple[list[Drifted], str]:
            async with self.session() as session:
                known = earlier.known if earlier is not None else session.journal.known
                if not known:
                    fix = t("Run `ggi m365 apply`, `snapshot` or `baseline` first.")
                    raise InputError(Problem(t("nothing is known of {name} yet", name=self.tenant.stack), fix))
                seen = later.seen if later is not None else await session.read(refs_of(chosen))
                date = earlier.taken if earlier is not None else session.journal.known_at
                return find_changes(known, seen, chosen, self.book), date

        return run(work())

    async def _planned(self, session: TenantSession, chosen: Sequence[RecipeTarget], *, report_only: bool) -> WritePlan:
        from ggi.cookbook.deviations import waived_in

        waived = waived_in(self.workspace.catalogue.roots, self.tenant, self.book)
        return await session.plan(chosen, waived, report_only=report_only)
