"""The Cookbook on stand-in tenants: requests and seconds, beside one request per setting, one tenant after the other.

The stand-in answers after 60 ms, about what Microsoft Graph takes from the Netherlands; that wait is most of the time
on both sides, and the ratio is that of waits. PowerShell is a stand-in too, in this process, and waits as long.
"""

from __future__ import annotations

from pathlib import Path

from measure import Figure, child

LATENCY = 0.06
TENANTS = 342
SEQUENTIAL = 6
"""Tenants that are read one request at a time; the rest is multiplied, since all cost the same."""

COMMON = """
import asyncio, sys, time, tempfile
from pathlib import Path
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tests/unit/m365"]
from ggi.cookbook.graph.budget import RATES
from ggi.cookbook.plan import refs_of
from place import World, book, server, wanted
latency, tenants = float(sys.argv[2]), int(sys.argv[3])
folder = Path(tempfile.mkdtemp())
chosen = wanted()

async def check(world):
    async with world.session() as session:
        plan = await session.plan(chosen)
        return world.app.requests + len(world.runner.plans), plan
"""

ONE = (
    COMMON
    + """
from ggi.cookbook.graph.budget import Clock
world = World(folder, rates=RATES, wire=True)
world.time.clock = Clock
server().latency = latency
began = time.perf_counter()
requests, plan = asyncio.run(check(world))
checked = time.perf_counter() - began
began = time.perf_counter()
writes = world.apply()
result = {"check": checked, "requests": requests, "apply": time.perf_counter() - began, "writes": writes}
"""
)

MANY = (
    COMMON
    + """
from ggi.cookbook.graph.budget import Clock
server().latency = latency
worlds = [World(folder / str(n), rates=RATES, wire=True) for n in range(tenants)]
for world in worlds:
    world.time.clock = Clock

async def all_of_them():
    gate = asyncio.Semaphore(40)
    async def one(world):
        async with gate:
            return (await check(world))[0]
    return sum(await asyncio.gather(*(one(world) for world in worlds)))

began = time.perf_counter()
requests = asyncio.run(all_of_them())
result = {"seconds": time.perf_counter() - began, "requests": requests}
"""
)

SINGLE = (
    COMMON
    + """
from ggi.cookbook.graph.budget import Clock
server().latency = latency
settings = [(asked.ref, want.path) for target in chosen for asked in target.asked for want in asked.wants]

async def one_by_one(world):
    async with world.session() as session:
        for ref, _ in settings:
            await session.read([ref])

began = time.perf_counter()
for n in range(tenants):
    world = World(folder / str(n), wire=True)
    world.time.clock = Clock
    asyncio.run(one_by_one(world))
result = {"seconds": time.perf_counter() - began, "settings": len(settings)}
"""
)


def measure(folder: Path) -> list[Figure]:
    """Check and apply one tenant; check 342 at once under each tenant's own budgets."""
    root = str(Path(__file__).resolve().parents[1])
    one = child(ONE, (root, str(LATENCY), "1"))
    many = child(MANY, (root, str(LATENCY), str(TENANTS)))
    single = child(SINGLE, (root, str(LATENCY), str(SEQUENTIAL)))
    each = single["seconds"] / SEQUENTIAL
    return [
        Figure("check one tenant, 55 recipes", one["check"], "s", "< 10 s", each, "one request per setting"),
        Figure("  its requests", one["requests"], "requests", "few", single["settings"], "one request per setting"),
        Figure("apply to a fresh tenant, read again", one["apply"], "s", "< 60 s"),
        Figure("  its writes", one["writes"], "writes", "one per object"),
        Figure(
            f"check {TENANTS} tenants at once",
            many["seconds"],
            "s",
            "> 20x",
            each * TENANTS,
            f"one request per setting in sequence (from {SEQUENTIAL} tenants)",
        ),
    ]
