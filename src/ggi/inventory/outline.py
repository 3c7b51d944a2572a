"""An inventory in outline, for who can't wait and needs no certainty: completion of a word, and `ggi` alone.

Files are read as plain YAML (342 tenants take 0.2 s) and not checked; what can't be read is named, and nothing raises.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ggi.inventory.models import Lifecycle
from ggi.inventory.stack import Stack, StackKind
from ggi.inventory.types import environment_name


@dataclass
class Outline:
    """What the files of an inventory say at first sight."""

    folder: Path
    is_inventory: bool = True
    """There is a national.yaml."""
    tenants: list[str] = field(default_factory=list)
    """Ids, also of those that can't be read."""
    stacks: dict[StackKind, list[str]] = field(default_factory=lambda: {kind: [] for kind in StackKind})
    """Names of stacks by kind."""
    unreadable: list[str] = field(default_factory=list)
    """Files, from the inventory's own folder on."""

    @property
    def names(self) -> Iterator[str]:
        """Of all stacks."""
        return (name for names in self.stacks.values() for name in names)


def outline(folder: Path) -> Outline:
    """What is in the inventory `folder`."""
    found = Outline(folder, (folder / "national.yaml").is_file())
    if found.is_inventory:
        _read(found, folder / "national.yaml")
    for path in _files(folder / "regions"):
        clusters = _mapping(_read(found, path), "clusters")
        found.stacks[StackKind.CLUSTER] += [str(Stack(StackKind.CLUSTER, name)) for name in clusters]
    for path in _files(folder / "tenants"):
        found.tenants.append(path.stem)
        tenant = _read(found, path)
        if tenant.get("state") != Lifecycle.MERGED:
            names = _environments(tenant)
            found.stacks[StackKind.LANDSCAPE] += [str(Stack(StackKind.LANDSCAPE, path.stem, name)) for name in names]
    for kind, name in ((StackKind.NETWORK, "networks"), (StackKind.M365, "m365")):
        for path in _files(folder / name):
            _read(found, path)
            found.stacks[kind].append(str(Stack(kind, path.stem)))
    return found


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.glob("*.yaml") if not path.name.startswith("."))
    except OSError:
        return []


def _read(found: Outline, path: Path) -> dict[Any, Any]:
    """The mapping in a file; empty when there is none, and then the file is named as unreadable."""
    import yaml

    try:
        # The loader in C is ten times as fast, and not on every machine.
        value = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        value = None
    if not isinstance(value, dict):
        found.unreadable.append(str(path.relative_to(found.folder.parent)))
        return {}
    return value


def _mapping(tree: dict[Any, Any], key: str) -> list[str]:
    value = tree.get(key)
    return [str(name) for name in value] if isinstance(value, dict) else []


def _environments(tree: dict[Any, Any]) -> Iterator[str]:
    for name in _mapping(tree, "environments"):
        try:
            yield environment_name(name)
        except ValueError:
            continue
