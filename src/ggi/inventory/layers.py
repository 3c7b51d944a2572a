"""The layers that one file holds: what it says for every environment, and what it says per environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ggi.errors import Problem
from ggi.inventory.merge import settle, unwrap
from ggi.inventory.models import Settings
from ggi.inventory.tree import Node
from ggi.inventory.types import environment_name
from ggi.messages import t

SETTINGS = frozenset(Settings.model_fields)
"""The keys that are layered; every other key of a file is a fact about what the file describes."""
LAYERED = SETTINGS | {"environments"}


@dataclass(frozen=True, slots=True)
class Layers:
    """The settings of one file, unwrapped: `common` for every environment, and per environment by its short name."""

    common: Node
    per_environment: Mapping[str, Node]

    def of(self, environment: str) -> list[Node]:
        """The layers for one environment, lowest first."""
        special = self.per_environment.get(environment)
        return [self.common] if special is None else [self.common, special]


def _relayer(node: Node, layer: str) -> Node:
    value = node.value
    if isinstance(value, dict):
        value = {k: _relayer(v, layer) for k, v in value.items()}
    elif isinstance(value, list):
        value = [_relayer(v, layer) for v in value]
    return replace(node, value=value, origin=replace(node.origin, layer=layer))


def _blocks(tree: Node) -> dict[str, Node]:
    """The environments of a file as written, without those that are no mapping."""
    blocks = tree.child("environments")
    if blocks is None or not isinstance(blocks.value, dict):
        return {}
    return {name: block for name, block in blocks.value.items() if isinstance(block.value, dict)}


def _opened(block: Node) -> Node:
    # The block itself is no value: `{locked: ...}` may stand at its keys, not around it.
    return Node({k: unwrap(v) for k, v in block.value.items()}, block.origin)


def split(tree: Node) -> Layers:
    """The layers of a file that was found valid."""
    common = Node({k: unwrap(v) for k, v in tree.value.items() if k in SETTINGS}, tree.origin)
    layer = tree.origin.layer
    return Layers(
        common,
        {
            environment_name(name): _relayer(_opened(block), f"{layer}.{environment_name(name)}")
            for name, block in _blocks(tree).items()
        },
    )


def alone(tree: Node) -> Node:
    """The file by itself, with locks and appends opened, so that types can be checked before layers are joined."""
    if not isinstance(tree.value, dict):
        return tree
    result = {k: settle(unwrap(v)) if k in SETTINGS else v for k, v in tree.value.items()}
    blocks = tree.child("environments")
    if blocks is not None and isinstance(blocks.value, dict):
        opened = {name: settle(_opened(block)) for name, block in _blocks(tree).items()}
        result["environments"] = replace(blocks, value={**blocks.value, **opened})
    return Node(result, tree.origin)


def check_environments(tree: Node, problems: list[Problem]) -> None:
    """Two spellings of one environment (prod and productie) in one file are a problem."""
    seen: dict[str, str] = {}
    for name, block in _blocks(tree).items():
        try:
            short = environment_name(name)
        except ValueError:
            continue
        if short in seen:
            problems.append(
                Problem(
                    t("{one} and {two} are the same environment", one=seen[short], two=name),
                    t("Keep one of the two."),
                    block.origin,
                )
            )
        seen[short] = name


def environment_places(tree: Node) -> dict[str, Node]:
    """The block of each environment by its short name."""
    return {environment_name(name): block for name, block in _blocks(tree).items()}
