"""An example gemeente of the tests' own, which takes everything that is national and regional."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from ggi.catalogue.content import Catalogue
from ggi.inventory.load import Inventory
from ggi.landscape.build import Landscape, landscape
from ggi.paths import ROOT


def alone(folder: Path) -> Path:
    """A copy of the inventory in `folder`, without any tenant."""
    shutil.copytree(ROOT / "inventories", folder, dirs_exist_ok=True)
    for path in (folder / "tenants").glob("*.yaml"):
        path.unlink()
    return folder


def drawn(catalogue: Catalogue, folder: Path, release: str = "2026.4", **settings: Any) -> Landscape:
    """Its landscape, with these settings of the environment. `folder` gets a copy of the inventory."""
    return drawn_in(alone(folder), catalogue, {"release": release, **settings})


def drawn_in(inventories: Path, catalogue: Catalogue, settings: dict[str, Any], **more: Any) -> Landscape:
    """Its landscape in an inventory without other tenants; `more` goes into its file."""
    tenant = {
        "gemeente": "GM9998",
        "name": "Voorbeeld",
        "province": "Utrecht",
        "inhabitants": 40000,
        "region": "midden",
        "environments": {"accp": {"release": "2026.4", "domain": "voorbeeld.test"} | settings},
    } | more
    (inventories / "tenants" / "gm9998.yaml").write_text(json.dumps(tenant), encoding="utf-8")
    inventory = Inventory(inventories, catalogue.known)
    found, name = inventory.find("gm9998-accp")
    return landscape(inventory.environment(found, name), catalogue)


def mirrored(catalogue: Catalogue, folder: Path) -> Landscape:
    """Its landscape on a cluster that fetches every image from a mirror at harbor.test."""
    inventories = alone(folder)
    region = inventories / "regions" / "midden.yaml"
    mirrors = "registries: {docker.io: harbor.test/hub, ghcr.io: harbor.test/ghcr, quay.io: harbor.test/quay}"
    before = "    context: midden-accp\n"
    region.write_text(region.read_text(encoding="utf-8").replace(before, f"{before}    {mirrors}\n"), encoding="utf-8")
    return drawn_in(inventories, catalogue, {})
