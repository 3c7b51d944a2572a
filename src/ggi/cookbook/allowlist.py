"""The runner's allow-list: every cmdlet that a plan may name, with its parameters, made from the products.

`cookbook/runner/allowed.json` lies beside the runner and is reviewed with it; a test says when it is not fresh.
"""

from __future__ import annotations

import json

from ggi.cookbook.content import Cookbook
from ggi.cookbook.product import RUNNER
from ggi.paths import ROOT

FILE = ROOT / "cookbook" / "runner" / "allowed.json"


def allowed(book: Cookbook) -> dict[str, list[str]]:
    """Parameters by cmdlet."""
    found: dict[str, set[str]] = {}
    for product in book.products.values():
        if product.channel != RUNNER:
            continue
        for resource in product.resources.values():
            writable = {p.parameter or name for name, p in resource.properties.items() if not p.create_only}
            created = {p.parameter or name for name, p in resource.properties.items()}
            key = {resource.key, *resource.fixed} - {""}
            set_key = {resource.set_key or resource.key, *resource.fixed} - {""}
            if resource.get:
                found.setdefault(resource.get, set()).update(
                    {resource.read_key or resource.key, *resource.fixed} - {"", "-"}
                )
            if resource.set:
                found.setdefault(resource.set, set()).update(set_key | writable)
            if resource.new:
                found.setdefault(resource.new, set()).update(key | created)
    return {cmdlet: sorted(names) for cmdlet, names in sorted(found.items())}


def text_of(book: Cookbook) -> str:
    """The file as it should be: one line a cmdlet, for review."""
    lines = [f"  {json.dumps(cmdlet)}: {json.dumps(names)}" for cmdlet, names in allowed(book).items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
