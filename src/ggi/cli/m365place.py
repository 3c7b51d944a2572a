"""Where the commands of `ggi m365` work: the tenant, its Cookbook, and a session with it or with a stand-in."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ggi.cli.output import note
from ggi.cli.workspace import Workspace, sandbox_name
from ggi.errors import InputError, Problem
from ggi.messages import t
from ggi.paths import ROOT, state_dir

T = TypeVar("T")

if TYPE_CHECKING:
    from ggi.audit.audit import Audit
    from ggi.audit.audit import Place as AuditPlace
    from ggi.controls.load import Controls
    from ggi.cookbook.channel import Channel
    from ggi.cookbook.content import Cookbook
    from ggi.cookbook.graph.credential import Credential, Token
    from ggi.cookbook.reading import ReadResult, Ref
    from ggi.cookbook.runner import HandRunner
    from ggi.cookbook.session import Report, TenantSession
    from ggi.cookbook.targets import M365Tenant, RecipeTarget
    from ggi.inventory.m365 import Stage
    from sandbox.graph.state import TenantState


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do asynchronous work to its end. (asyncio is loaded by no `--help`.)"""
    import asyncio

    return asyncio.run(work)


def stand_in_file(stack: str) -> Path:
    """Where the stand-in of a tenant keeps its state."""
    return state_dir() / "m365" / f"sandbox-{sandbox_name()}" / stack / "stand-in.json"


def stand_in_state(stack: str) -> TenantState:
    """The state of the stand-in of a tenant."""
    from sandbox.graph.state import TenantState

    return TenantState.fresh(stack, stand_in_file(stack))


@dataclass
class Place:
    """One tenant; `sandbox` is its stand-in on this machine."""

    name: str
    sandbox: bool
    workspace: Workspace
    by_hand: Path | None = None
    """Folder in which plan files for PowerShell go out, and result files come in."""

    @cached_property
    def book(self) -> Cookbook:
        """All recipes."""
        from ggi.cookbook.content import load_cookbook

        return load_cookbook(self.workspace.catalogue.roots)

    @cached_property
    def tenant(self) -> M365Tenant:
        """The tenant that is meant."""
        from ggi.cookbook.targets import find_m365

        return find_m365(self.workspace.inventory, self.name)

    @property
    def snapshots(self) -> Path:
        """The folder of its snapshots."""
        from ggi.cookbook.journal import journal_path

        name = sandbox_name() if self.sandbox else ""
        return journal_path(self.tenant.stack, sandbox=name).with_name("snapshots")

    async def looked(self, chosen: Sequence[RecipeTarget]) -> dict[Ref, ReadResult]:
        """What is there now; remembered, so that `drift` can tell what others change after this."""
        from ggi.cookbook.plan import refs_of

        async with self.session() as session:
            seen = await session.read(refs_of(chosen))
            session.journal.remember(seen)
            return seen

    def targets(self, only: list[str] | None, stage: Stage | None = None) -> tuple[RecipeTarget, ...]:
        """Its recipes. A stage may be overridden on a stand-in alone. Raises InputError."""
        from ggi.cookbook.targets import targets

        if stage is not None and not self.sandbox:
            raise InputError(
                Problem(
                    t("--stage is for stand-ins: in a real tenant the stage is a decision that is written down"),
                    t("Write `stage` under the recipe in {place}.", place=self.tenant.origin().file),
                )
            )
        return targets(self.tenant, self.book, only or (), stage)

    @asynccontextmanager
    async def session(self, report: Report = lambda _: None) -> AsyncIterator[TenantSession]:
        """A session with the tenant, its channels open."""
        from ggi.cookbook.journal import Journal, journal_path
        from ggi.cookbook.session import TenantSession

        journal = Journal.load(journal_path(self.tenant.stack, sandbox=sandbox_name() if self.sandbox else ""))
        async with AsyncExitStack() as stack:
            make = self._stand_in_channels if self.sandbox else self._real_channels
            yield TenantSession(self.tenant, self.book, await make(stack), journal, report)

    def _by_hand(self) -> HandRunner | None:
        from ggi.cookbook.runner import HandRunner

        return HandRunner(self.by_hand) if self.by_hand is not None else None

    async def _real_channels(self, stack: AsyncExitStack) -> dict[str, Channel]:
        from ggi.cookbook.dns import DnsChannel
        from ggi.cookbook.dns import mail_records as dig
        from ggi.cookbook.graph.channel import GraphChannel
        from ggi.cookbook.graph.client import GraphClient
        from ggi.cookbook.graph.credential import administrator, application
        from ggi.cookbook.runner import SCRIPT, ProcessRunner, RunnerChannel

        file = self.tenant.file
        app = await stack.enter_async_context(GraphClient(application(file)))
        admin = await stack.enter_async_context(GraphClient(administrator(file, note))) if file.delegated else None
        runner = self._by_hand() or ProcessRunner([os.environ.get("GGI_PWSH", "pwsh")], ROOT / SCRIPT)
        identity = {"directory": file.directory or "", "client": file.client or "", "domain": file.domain or ""}
        return {
            "graph": GraphChannel(self.book, app, admin),
            "runner": RunnerChannel(self.book, runner, identity),
            "dns": DnsChannel(self.book, dig),
        }

    async def _stand_in_channels(self, stack: AsyncExitStack) -> dict[str, Channel]:
        from ggi.cookbook.dns import DnsChannel
        from ggi.cookbook.graph.budget import RATES
        from ggi.cookbook.graph.channel import GraphChannel
        from ggi.cookbook.graph.client import GraphClient
        from ggi.cookbook.runner import SCRIPT, ProcessRunner, RunnerChannel
        from sandbox.graph.server import StandIn, make_token

        server = stack.enter_context(StandIn(self.book, stand_in_state))
        name = self.tenant.stack
        plenty = dict.fromkeys(RATES, 1e6)

        async def client(delegated: bool) -> GraphClient:
            credential: Credential = StandInCredential(name, delegated)
            return await stack.enter_async_context(GraphClient(credential, endpoint=server.url, rates=plenty))

        token, _ = make_token(name, delegated=self.tenant.file.delegated)
        environment = {**os.environ, "GGI_STAND_IN": server.url, "GGI_STAND_IN_TOKEN": token, "PYTHONPATH": str(ROOT)}
        pwsh = ProcessRunner([sys.executable, "-m", "sandbox.graph.pwsh"], ROOT / SCRIPT, environment)
        runner = self._by_hand() or pwsh
        state = server.tenant(name)

        async def records(domain: str) -> dict[str, str]:
            return dict(state.data["dns"])

        return {
            "graph": GraphChannel(
                self.book, await client(False), await client(True) if self.tenant.file.delegated else None
            ),
            "runner": RunnerChannel(self.book, runner),
            "dns": DnsChannel(self.book, records),
        }


@dataclass
class StandInCredential:
    """Tokens of the stand-in."""

    tenant: str
    delegated: bool

    async def token(self) -> Token:
        """A new token."""
        from ggi.cookbook.graph.credential import Token
        from sandbox.graph.server import make_token

        return Token(*make_token(self.tenant, delegated=self.delegated))


@contextlib.contextmanager
def only_one(place: Place, report: Report) -> Iterator[None]:
    """One writer per tenant at a time on this machine."""
    from ggi.cookbook.journal import journal_path
    from ggi.engine.locks import locked

    path = journal_path(place.tenant.stack, sandbox=sandbox_name() if place.sandbox else "").with_name("lock")
    with locked(path, place.tenant.stack, report):
        yield


def is_m365(stack: str) -> bool:
    """Whether a name is that of a Microsoft 365 tenant."""
    return stack.strip().lower().startswith("m365-")


def with_recipes(controls: Controls, workspace: Workspace, stacks: Sequence[str] | None = None) -> Controls:
    """The controls, with the recipes: always, or when a Microsoft 365 tenant is among `stacks`."""
    if stacks is not None and not any(is_m365(stack) for stack in stacks):
        return controls
    from ggi.cookbook.content import load_cookbook
    from ggi.cookbook.control import controls_of

    book = load_cookbook(workspace.catalogue.roots)
    return replace(controls, by_id={**controls.by_id, **controls_of(book)})


def audit_m365(
    workspace: Workspace, name: str, where: AuditPlace, date: dt.date, sandbox: bool, file: Path | None = None
) -> Audit:
    """The audit of a Microsoft 365 tenant: live, or of a snapshot (`--from state`): a file, or its newest.

    Raises InputError.
    """
    from ggi.assurance.signing import fingerprint, own_key
    from ggi.audit.audit import Place as AuditPlace
    from ggi.cli.verify import whose
    from ggi.cookbook.audit import audit_of
    from ggi.cookbook.deviations import deviations_of
    from ggi.cookbook.plan import refs_of
    from ggi.cookbook.snapshot import checked, load, newest

    if where is AuditPlace.PLAN:
        message = t("a Microsoft 365 tenant can't be judged before it is read")
        raise InputError(Problem(message, t("Use `--from live`, or `--from state` for the newest snapshot.")))
    place = Place(name, sandbox, workspace)
    chosen = place.targets(None)
    own = deviations_of(workspace.catalogue.roots, place.tenant, place.book)

    async def read() -> dict[Ref, ReadResult]:
        async with place.session() as session:
            return await session.read(refs_of(chosen))

    simulated = sandbox
    seen: Mapping[Ref, ReadResult]
    if where is AuditPlace.LIVE:
        seen = run(read())
    elif file is None:
        seen = newest(place.snapshots, own_key().public_key(), place.tenant.stack).seen
    else:
        signer = checked(file)[1]
        found = load(file, signer, place.tenant.stack)
        note(t("  signed with {fingerprint}: {whose}", fingerprint=fingerprint(signer), whose=whose(signer, None)[0]))
        seen, simulated = found.seen, found.stand_in
    return audit_of(place.tenant, place.book, chosen, seen, own, where, date, simulated=simulated)
