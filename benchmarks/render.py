"""All 342 gemeenten from their files to checked landscapes, against the same objects under Pulumi's own mocks."""

from __future__ import annotations

from pathlib import Path

from ggi.inventory.generate import sandbox_inventory
from measure import Figure, child

OURS = """
import contextlib, io, json, sys, time
began, said = time.perf_counter(), io.StringIO()
from ggi.__main__ import run
with contextlib.redirect_stdout(said):
    assert run(["--inventory", sys.argv[1], "validate", "--json"]) == 0
took = time.perf_counter() - began
told = json.loads(said.getvalue())
objects = told["stacks"].values()
result = {"seconds": took, "tenants": told["tenants"], "objects": sum(objects), "environments": len(objects)}
"""

MOCKS = """
import asyncio, itertools, sys, time, logging
from pathlib import Path
import pulumi
from pulumi.runtime import mocks, settings, stack as runtime
logging.disable(logging.CRITICAL)
from ggi.catalogue.content import load_catalogue
from ggi.app.program import register
from ggi.engine.secrets import Resolver
from ggi.inventory.load import Inventory
from ggi.landscape.build import landscape
from ggi.landscape.objects import with_tags

class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        return args.name, args.inputs
    def call(self, args):
        return {}

catalogue = load_catalogue()
inventory = Inventory(Path(sys.argv[1]), catalogue.known)
environment = next(itertools.islice(inventory.environments(), int(sys.argv[2]), None))
resolver = Resolver(bytes(32), "bench")
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
mocks.set_mocks(Mocks(), project="ggi", stack=environment.stack)
count = 0

async def program():
    global count
    provider = pulumi.ProviderResource("kubernetes", "cluster", {})
    built = landscape(environment, catalogue)
    count = len(built.objects)
    register(with_tags(built.objects, resolver.tag), resolver, provider, False)

began = time.perf_counter()
loop.run_until_complete(runtime.run_pulumi_func(program))
result = {"seconds": time.perf_counter() - began, "objects": count}
"""

SAMPLE = (0, 100, 200, 300, 400)
"""Environments that run under mocks, each in a process of its own, since mocks are global; all would take minutes."""


def measure(folder: Path) -> list[Figure]:
    """Seconds and memory for all gemeenten on one core."""
    inventory = folder / "all"
    sandbox_inventory(inventory, 1)
    ours = child(OURS, [str(inventory)])
    sample = [index % int(ours["environments"]) for index in SAMPLE]
    runs = [child(MOCKS, [str(inventory), str(index)]) for index in sample]
    per_object = sum(r["seconds"] for r in runs) / sum(r["objects"] for r in runs)
    what = f"{ours['tenants']:.0f} gemeenten, {ours['environments']:.0f} environments, {ours['objects']:.0f} objects"
    against = f"Pulumi's mocks (from {len(sample)} environments, scaled by objects)"
    return [
        Figure(what, ours["seconds"], "s", "3 s; 20x", per_object * ours["objects"], against),
        Figure("  peak memory", ours["mib"], "MiB", "300 MiB", max(r["mib"] for r in runs), "mocks, one environment"),
    ]
