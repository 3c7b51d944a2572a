"""One tenant through the engine in a sandbox, against applying the same objects by plain server-side apply."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from ggi.catalogue.content import load_catalogue
from ggi.engine.kubeapi import KubeApi
from ggi.app.program import annotated
from ggi.engine.secrets import SecretResolver
from ggi.inventory.load import Inventory
from ggi.landscape.build import landscape
from ggi.landscape.objects import with_tags
from ggi.paths import ROOT
from measure import Figure

STACK = "gm9901-prod"


def _ggi(*words: str) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "ggi", *words], capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"ggi {' '.join(words)}: {done.stderr[-1500:]}")
    return time.perf_counter() - began, done.stdout


def _apply_plainly(api: KubeApi) -> float:
    catalogue = load_catalogue()
    inventory = Inventory(ROOT / "inventories", catalogue.known)
    tenant, name = inventory.find(STACK)
    built = landscape(inventory.environment(tenant, name), catalogue)
    resolver = SecretResolver(bytes(32), STACK)
    began = time.perf_counter()
    for item in with_tags(built.objects, resolver.tag):
        body = annotated(item)
        if item.secrets:
            body["data"] = resolver.data(item.secrets)
        api.apply(body, field_manager="bench", force=True)
    return time.perf_counter() - began


def measure(folder: Path) -> list[Figure]:
    """First up and no-change up. Uses the sandbox `bench`, which it empties before and stops afterwards."""
    os.environ["GGI_SANDBOX"] = "bench"
    subprocess.run([sys.executable, "-m", "ggi", "sandbox", "reset"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    _ggi("sandbox", "start")
    first, printed = _ggi("up", STACK, "--sandbox", "--yes", "--json")
    again, _ = _ggi("up", STACK, "--sandbox", "--yes")
    _ggi("down", STACK, "--sandbox", "--yes")
    kubeconfig = _ggi("sandbox", "kubeconfig")[1].strip()
    with KubeApi.from_kubeconfig(kubeconfig) as api:
        plain = _apply_plainly(api)
        plain_again = _apply_plainly(api)
    _ggi("sandbox", "stop")
    objects = json.loads(printed)["changes"]["create"]
    against = "plain server-side apply, without waiting, state or diff"
    return [
        Figure(f"first up of {STACK} ({objects} resources)", first, "s", "-", plain, against),
        Figure("up without changes", again, "s", "5 s", plain_again, against),
    ]
