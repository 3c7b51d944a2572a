"""All 342 gemeenten from their files to checked landscapes, against the same objects under Pulumi's own mocks."""

from __future__ import annotations

from pathlib import Path

from ggi.inventory.generate import sandbox_inventory
from measure import Figure, child

OURS = """
import sys, time
from pathlib import Path
began = time.perf_counter()
from ggi.catalogue.content import load_catalogue
from ggi.inventory.load import Inventory
from ggi.landscape.build import landscape
catalogue = load_catalogue()
inventory = Inventory(Path(sys.argv[1]), catalogue.known)
tenants = objects = environments = 0
for environment in inventory.environments():
    built = landscape(environment, catalogue)
    objects += len(built.objects)
    environments += 1
tenants = len(inventory.tenant_ids())
result = {"seconds": time.perf_counter() - began, "tenants": tenants, "objects": objects, "environments": environments}
"""

MOCKS = """
import asyncio, itertools, sys, time, logging
from pathlib import Path
import pulumi
from pulumi.runtime import mocks, settings, stack as runtime
logging.disable(logging.CRITICAL)
from ggi.catalogue.content import load_catalogue
from ggi.engine.program import register
from ggi.engine.secrets import Resolver
from ggi.inventory.load import Inventory
from ggi.landscape.build import landscape

class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        return args.name, args.inputs
    def call(self, args):
        return {}

catalogue = load_catalogue()
inventory = Inventory(Path(sys.argv[1]), catalogue.known)
sample = list(itertools.islice(inventory.environments(), int(sys.argv[2])))
resolver = Resolver(bytes(32), "bench")
began = time.perf_counter()
for environment in sample:
    mocks.set_mocks(Mocks(), project="ggi", stack=environment.stack)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    async def program():
        provider = pulumi.ProviderResource("kubernetes", "cluster", {})
        register(landscape(environment, catalogue), resolver, provider, False)

    loop.run_until_complete(runtime.run_pulumi_func(program))
    loop.close()
result = {"seconds": time.perf_counter() - began, "environments": len(sample)}
"""

SAMPLE = 20
"""Environments that run under mocks; all of them would take minutes. The time is scaled up."""


def measure(folder: Path) -> list[Figure]:
    """Seconds and memory for all gemeenten on one core."""
    inventory = folder / "all"
    sandbox_inventory(inventory, 1)
    ours = child(OURS, [str(inventory)])
    theirs = child(MOCKS, [str(inventory), str(SAMPLE)])
    scaled = theirs["seconds"] / theirs["environments"] * ours["environments"]
    what = f"{ours['tenants']:.0f} gemeenten, {ours['environments']:.0f} environments, {ours['objects']:.0f} objects"
    return [
        Figure(what, ours["seconds"], "s", "3 s; 20x", scaled, f"Pulumi's mocks (scaled up from {SAMPLE})"),
        Figure("  peak memory", ours["mib"], "MiB", "300 MiB", theirs["mib"], f"mocks, {SAMPLE} environments only"),
    ]
