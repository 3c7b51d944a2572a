"""What the tests of the Cookbook share: one stand-in server, a fresh tenant per test, and time that does not pass."""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx2

from ggi.catalogue.content import load_catalogue
from ggi.cookbook.content import Cookbook, load_cookbook
from ggi.cookbook.dns import DnsChannel
from ggi.cookbook.graph.budget import RATES, Clock
from ggi.cookbook.graph.channel import GraphChannel
from ggi.cookbook.graph.client import GraphClient
from ggi.cookbook.graph.credential import Token
from ggi.cookbook.journal import Journal
from ggi.cookbook.judge import Compliance, JudgedSetting
from ggi.cookbook.plan import WritePlan
from ggi.cookbook.runner import RunnerChannel
from ggi.cookbook.session import TenantSession
from ggi.cookbook.targets import M365Tenant, RecipeTarget, find_m365, targets
from ggi.inventory.load import Inventory
from ggi.inventory.m365 import Stage
from ggi.paths import ROOT
from sandbox.graph.pwsh import Shell
from sandbox.graph.server import StandIn, make_token
from sandbox.graph.state import StandInTenant

_numbers = itertools.count(1)


@cache
def book() -> Cookbook:
    """The Cookbook of the checkout."""
    return load_cookbook([ROOT])


@cache
def rijnstad() -> M365Tenant:
    """The example tenant."""
    return find_m365(Inventory(ROOT / "inventories", load_catalogue(()).known), "m365-rijnstad")


@cache
def server() -> StandIn:
    """One server for all tests; it ends with the process."""
    return StandIn(book()).__enter__()


class Direct(httpx2.AsyncBaseTransport):
    """Requests to the stand-in without a socket: the same bytes in and out, in a tenth of the time."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer at once."""
        path = request.url.raw_path.decode()
        reply = server().answer(request.method, path, request.headers, await request.aread())
        return httpx2.Response(reply.status, headers=dict(reply.headers), content=reply.content)


class DirectShell(Shell):
    """The stand-in of a PowerShell session without a socket."""

    def post(self, body: bytes) -> tuple[int, Any]:
        """What a cmdlet answers."""
        reply = server().answer("POST", "/cmdlet", {"Authorization": f"Bearer {self.token}"}, body)
        return reply.status, reply.body


class FakeTime:
    """Seconds that pass only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def clock(self) -> Clock:
        """A clock of this time."""
        return Clock(lambda: self.now, self.sleep, lambda: 0.5)


@dataclass
class Signer:
    """A credential of the stand-in; counts the tokens that it gave."""

    tenant: str
    delegated: bool
    given: int = 0

    async def token(self) -> Token:
        """A new token."""
        self.given += 1
        return Token(*make_token(self.tenant, delegated=self.delegated))


@dataclass
class ShellRunner:
    """The stand-in of the runner, in this process."""

    shell: Shell
    plans: list[Mapping[str, Any]] = field(default_factory=list)

    async def run(self, plan: Mapping[str, Any]) -> Mapping[str, Any]:
        """The result of a plan."""
        self.plans.append(plan)
        if isinstance(self.shell, DirectShell):
            return self.shell.execute(plan)
        return await asyncio.to_thread(self.shell.execute, plan)


@dataclass
class World:
    """A fresh tenant in the stand-in, and everything that looks at it."""

    folder: Path
    tenant: str = field(default_factory=lambda: f"m365-test{next(_numbers)}")
    time: FakeTime = field(default_factory=FakeTime)
    delegated: bool = True
    wire: bool = False
    """Requests go over loopback; otherwise straight to the stand-in, which is the same but for the socket."""
    rates: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(RATES, 1e9))
    said: list[str] = field(default_factory=list)
    app: GraphClient | None = None
    runner: ShellRunner | None = None

    @property
    def state(self) -> StandInTenant:
        """The tenant as the stand-in has it."""
        return server().tenant(self.tenant)

    @property
    def journal(self) -> Journal:
        """What is remembered, read from its file."""
        return Journal.load(self.folder / "journal.json")

    def report(self, text: str) -> None:
        """Keep what is told."""
        self.said.append(text)

    @asynccontextmanager
    async def session(self, book_: Cookbook | None = None) -> AsyncIterator[TenantSession]:
        """A session with the tenant."""
        content = book_ or book()
        url = server().url
        async with AsyncExitStack() as stack:

            async def client(delegated: bool) -> GraphClient:
                http = None if self.wire else httpx2.AsyncClient(transport=Direct())
                signer = Signer(self.tenant, delegated)
                made = GraphClient(signer, endpoint=url, clock=self.time.clock(), rates=self.rates, http=http)
                return await stack.enter_async_context(made)

            self.app, admin = await client(False), await client(True)
            shell = Shell if self.wire else DirectShell
            self.runner = ShellRunner(shell(url, make_token(self.tenant, delegated=self.delegated)[0]))

            async def records(domain: str) -> Mapping[str, str]:
                return dict(self.state.data["dns"])

            channels = {
                "graph": GraphChannel(content, self.app, admin if self.delegated else None),
                "runner": RunnerChannel(content, self.runner),
                "dns": DnsChannel(content, records),
            }
            yield TenantSession(rijnstad(), content, channels, self.journal, self.report)

    def planned(self, only: Sequence[str] = (), **options: Any) -> WritePlan:
        """The plan at stage apply."""

        async def work() -> WritePlan:
            async with self.session() as session:
                return await session.plan(wanted(only), **options)

        return asyncio.run(work())

    def apply(self, only: Sequence[str] = (), **options: Any) -> int:
        """Plan and write; returns the number of writes."""

        async def work() -> int:
            async with self.session() as session:
                await session.apply(await session.plan(wanted(only), **options))
                return len(session.written)

        return asyncio.run(work())

    def has_everything(self) -> None:
        """Make the tenant one to which the whole Cookbook was applied."""
        self.state.data = json.loads(_applied())

    def release(self, only: Sequence[str], *, restore: bool = True) -> int:
        """Release, and go back to what was there; returns the number of writes."""

        async def work() -> int:
            async with self.session() as session:
                return len(await session.release(wanted(only), restore=restore))

        return asyncio.run(work())

    def outcomes(self, only: Sequence[str] = ()) -> dict[str, set[Compliance]]:
        """Outcomes by recipe."""
        found: dict[str, set[Compliance]] = {}
        for one in self.planned(only).judged:
            found.setdefault(one.recipe, set()).add(one.outcome)
        return found

    def judged(self, recipe: str) -> list[JudgedSetting]:
        """What is said of one recipe."""
        return [one for one in self.planned([recipe]).judged if one.recipe == recipe]


@cache
def _applied() -> str:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.apply()
        return json.dumps(world.state.data)


def wanted(only: Sequence[str] = (), stage: Stage = Stage.APPLY) -> tuple[RecipeTarget, ...]:
    """Recipes of the example tenant, all at one stage."""
    return targets(rijnstad(), book(), only, stage)


def recipe_ids() -> Iterator[str]:
    """All recipes."""
    yield from book().recipes


def together(recipe: str) -> list[str]:
    """The recipes that are applied with this one: policies are enforced only where security defaults go."""
    return ["EN-01", "EN-02", "EN-03", "EN-08"] if recipe in ("EN-01", "EN-02", "EN-03", "EN-08") else [recipe]
