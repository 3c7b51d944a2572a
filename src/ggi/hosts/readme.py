"""A role's README, from its argument specification. `python -m ggi.hosts.readme` writes all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ggi.paths import ROOT

ROLES = ROOT / "roles"


def specification(role: Path) -> Mapping[str, Any]:
    """The entry point `main` of a role's argument specification."""
    text = (role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    found: Mapping[str, Any] = yaml.safe_load(text)["argument_specs"]["main"]
    return found


def readme(role: Path) -> str:
    """The README of a role, as Markdown."""
    spec = specification(role)
    lines = [f"# {role.name}", "", f"{spec['short_description']}.", ""]
    for paragraph in spec["description"]:
        lines += [paragraph, ""]
    lines += ["| variable | type | default | what |", "|---|---|---|---|"]
    for name, option in spec["options"].items():
        kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
        default = "**required**" if option.get("required") else f"`{json.dumps(option.get('default'))}`"
        text = option["description"]
        if "choices" in option:
            text += f" One of {', '.join(f'`{one}`' for one in option['choices'])}."
        lines.append(f"| `{name}` | {kind} | {default} | {text} |".replace("||", "|"))
    lines += ["", "Made from `meta/argument_specs.yml` by `python -m ggi.hosts.readme`."]
    return "\n".join(lines) + "\n"


def roles() -> list[Path]:
    """The folders of all roles."""
    return sorted(path.parents[1] for path in ROLES.glob("*/meta/argument_specs.yml"))


def main() -> None:
    """Write the README of every role."""
    for role in roles():
        (role / "README.md").write_text(readme(role), encoding="utf-8")


if __name__ == "__main__":
    main()
