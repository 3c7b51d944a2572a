"""One tenant at work: read, plan, check what must always hold, write, and read again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ggi.cookbook.channel import Channel, Written
from ggi.cookbook.compare import same
from ggi.cookbook.content import Cookbook
from ggi.cookbook.invariants import broken
from ggi.cookbook.journal import Journal
from ggi.cookbook.plan import PlannedWrite, Waived, WritePlan, make_plan, refs_of
from ggi.cookbook.product import GRAPH
from ggi.cookbook.reading import EVERY, Reading, ReadResult, Reason, Ref, Unreadable
from ggi.cookbook.targets import Asked, M365Tenant, RecipeTarget
from ggi.errors import Problem, WorkError
from ggi.messages import t

Report = Callable[[str], None]


@dataclass
class TenantSession:
    """A tenant, its channels by name (graph, runner, dns), and its journal."""

    tenant: M365Tenant
    book: Cookbook
    channels: Mapping[str, Channel]
    journal: Journal
    report: Report = lambda _: None
    written: list[PlannedWrite] = field(default_factory=list)
    """What this session wrote and saw again."""

    async def read(self, refs: Iterable[Ref]) -> dict[Ref, ReadResult]:
        """Everything that `refs` name, all channels at once."""
        by_channel: dict[str, list[Ref]] = {}
        for ref in refs:
            by_channel.setdefault(self.book.channel(ref.resource), []).append(ref)
        answers = await asyncio.gather(*(self._read(name, listed) for name, listed in by_channel.items()))
        return {ref: seen for answer in answers for ref, seen in answer.items()}

    async def _read(self, name: str, refs: Sequence[Ref]) -> dict[Ref, ReadResult]:
        channel = self.channels.get(name)
        if channel is None:
            return {ref: Unreadable(Reason.CHANNEL, name) for ref in refs}
        return await channel.read(refs)

    async def plan(
        self, targets: Sequence[RecipeTarget], waived: Waived = lambda _: False, *, report_only: bool = False
    ) -> WritePlan:
        """Read, compare, and plan."""
        seen = await self.read(refs_of(targets))
        return make_plan(targets, seen, self.book, waived, report_only=report_only)

    async def check_invariants(self, plan: WritePlan) -> None:
        """Raises WorkError with every invariant that the plan would break; nothing was written."""
        problems = await broken(plan, self.channels.get(GRAPH))
        if problems:
            raise WorkError(*problems)

    async def apply(self, plan: WritePlan) -> None:
        """Write the plan when it breaks no invariant; see `check_invariants` and `write`. Raises WorkError."""
        await self.check_invariants(plan)
        await self.write(plan)

    async def write(self, plan: WritePlan) -> None:
        """Write a plan that was checked.

        Raises WorkError at the first write that does not stick; what was done is in the journal.
        """
        if not plan.changes:
            self.journal.end()
            return
        self.journal.begin(plan.changes)
        guards: list[PlannedWrite] = []
        for name, group in _runs(plan.changes, self.book):
            channel = self.channels.get(name)
            if channel is None:
                raise WorkError(Problem(t("nothing here can write {what}", what=name)))
            try:
                async for result in channel.write(group):
                    if result.change.guards and result.failed is None:
                        guards.append(result.change)
                    self._note(result)
            except BaseException:
                if guards and len(self.written) < len(plan.changes):
                    await self._restore(channel, guards)
                raise
        self.journal.end()

    def _note(self, result: Written) -> None:
        change = result.change
        if result.failed is not None:
            left = t("{done} of {count} changes were made before.", done=len(self.written), count=self._asked)
            raise WorkError(
                Problem(
                    t(
                        "{object} ({recipes}): {why}",
                        object=change.ref,
                        recipes=", ".join(change.recipes),
                        why=result.failed.why,
                    ),
                    t("{left} Mend the cause and run the same command again: it reads anew and goes on.", left=left),
                )
            )
        assert isinstance(result.seen, Reading)  # noqa: S101  (a channel gives what it saw)
        self.journal.wrote(change, result.seen)
        self.written.append(change)
        self.report(t("written and seen: {object} ({recipes})", object=change.ref, recipes=", ".join(change.recipes)))

    @property
    def _asked(self) -> int:
        return len(self.journal.run.get("asked", []))

    async def _restore(self, channel: Channel, guards: Sequence[PlannedWrite]) -> None:
        """Put back what guarded until now, since what should guard instead was not written."""
        for change in guards:
            back = replace(change, before=dict(change.after), after=dict(change.before))
            async for result in channel.write([back]):
                done = result.failed is None
                told = t("put back: {object}") if done else t("could not be put back: {object}")
                self.report(told.format(object=change.ref))

    async def release(self, targets: Sequence[RecipeTarget], *, restore: bool) -> list[PlannedWrite]:
        """Leave settings to the tenant; with `restore`, write what was there before. Returns what was written.

        An object that the Cookbook made is removed, where its channel can; nothing is reset to a vendor's default.
        """
        seen = await self.read(refs_of(targets))
        changes: dict[Ref, PlannedWrite] = {}
        for target in targets:
            for asked in target.asked:
                for ref, found in seen.items():
                    if ref.resource == asked.ref.resource and asked.ref.item in (EVERY, ref.item):
                        change = self._released(target, asked, ref, found)
                        if change is not None and restore:
                            changes[ref] = change
        for name, group in _runs(list(changes.values()), self.book):
            async for result in self.channels[name].write(group):
                self._note(result)
        self.journal.end()
        return list(changes.values())

    def _released(self, target: RecipeTarget, asked: Asked, ref: Ref, found: ReadResult) -> PlannedWrite | None:
        """Forget what was adopted of an object; the change that brings it back, if there is one."""
        created = bool(self.journal.adopted.get(str(ref), {}).get("created"))
        before = self.journal.release(ref, [w.path for w in asked.wants])
        if not before or not isinstance(found, Reading) or found.values is None:
            return None
        now = {path: found.values[path] for path in before if path in found.values}
        resource = self.book.resource(ref.resource)
        if created and resource.collection and str(ref) not in self.journal.adopted:
            return PlannedWrite(ref, (target.id,), now, {}, found, deletes=True)
        if created and str(ref) not in self.journal.adopted:
            self.report(t("stays, since nothing here removes it: {object}", object=ref))
        values = {path: value for path, value in before.items() if value is not None and not same(value, now.get(path))}
        if not values:
            return None
        return PlannedWrite(ref, (target.id,), {path: now[path] for path in values if path in now}, values, found)


def _runs(changes: Sequence[PlannedWrite], book: Cookbook) -> list[tuple[str, list[PlannedWrite]]]:
    """Changes in order, neighbours of one channel together: the runner connects once for all of its own."""
    groups: list[tuple[str, list[PlannedWrite]]] = []
    for change in changes:
        name = book.channel(change.ref.resource)
        if groups and groups[-1][0] == name:
            groups[-1][1].append(change)
        else:
            groups.append((name, [change]))
    return groups
