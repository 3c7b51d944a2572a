"""What UTCM knows of the types that products name: names, kinds and members of their properties.

Derived from the schema of monitors that SchemaStore publishes (src/schemas/json/utcm-monitor.json, Apache-2.0): only
names are kept. That schema lets unknown properties and types in camel case pass, so it can't be used as it is.

    python -m ggi.cookbook.utcm_schema utcm-monitor.json
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("utcm.json")


@cache
def known() -> Mapping[str, Any]:
    """By type: `required` names, and `properties` with their `type` (JSON Schema) or `values`."""
    found: Mapping[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))["types"]
    return found


def refused(kind: Mapping[str, Any], value: Any) -> bool:
    """Whether UTCM would not take a value for a property. Members of an enum are compared without case."""
    if "values" in kind:
        return not isinstance(value, str) or value.casefold() not in {v.casefold() for v in kind["values"]}
    wanted: Any = {"string": str, "boolean": bool, "integer": int, "array": list}.get(kind["type"])
    return wanted is None or not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))


def derived(schema: Mapping[str, Any], types: Iterable[str]) -> dict[str, Any]:
    """What is kept of the published schema."""
    return {name: _type(schema["$defs"][name]) for name in sorted(types)}


def _type(definition: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: _kind(about) for name, about in definition["properties"].items()}
    return {"required": definition.get("required", []), "properties": properties}


def _kind(about: Mapping[str, Any]) -> dict[str, Any]:
    if "pattern" in about:
        return {"values": re.findall(r"'([^']*)'", about["errorMessage"])}
    return {"type": about["type"]}


def main() -> None:
    """Write utcm.json."""
    from ggi.cookbook.content import load_cookbook
    from ggi.paths import ROOT

    products = load_cookbook([ROOT]).products.values()
    types = {r.monitor.type for product in products for r in product.resources.values() if r.monitor}
    made = derived(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), types)
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(about)}" for name, about in made.items())
    about = "Derived from SchemaStore's utcm-monitor.json (Apache-2.0) by python -m ggi.cookbook.utcm_schema"
    FILE.write_text(f'{{\n "about": {json.dumps(about)},\n "types": {{\n{lines}\n }}\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
