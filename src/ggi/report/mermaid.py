"""`mermaid(built)`: a landscape as a Mermaid flowchart, for pages that draw Mermaid themselves."""

from __future__ import annotations

import re

from ggi.landscape.build import Landscape
from ggi.report.picture import LAYERS, Card, apis, is_shared, picture

_SPECIAL = re.compile(r"[#\"&<>`\\{}\[\]|]")


def quote(text: str) -> str:
    """`text` as a quoted label; special characters as Mermaid's own entity codes (`#35;`)."""
    return '"' + _SPECIAL.sub(lambda found: f"#{ord(found[0])};", " ".join(text.split())) + '"'


def _id(kind: str, name: str) -> str:
    """An id that is never a word of Mermaid's own, such as `end`."""
    return f"{kind}_{re.sub(r'[^a-z0-9]', '_', name)}"


def _node(card: Card) -> str:
    label = f"{quote(card.title)[:-1]}<br/>{quote(card.version)[1:]}"
    shape = f"[({label})]" if card.icon == "database" else f"[{label}]"
    style = ":::outside" if card.external else ":::waits" if card.waits else ""
    return f"    {_id('c', card.name)}{shape}{style}"


def mermaid(built: Landscape) -> str:
    """The landscape as flowchart: a subgraph per layer, an arrow per relation, dotted where the provider is shared."""
    drawn = picture(built)
    lines = ["---", f"title: {quote(drawn.title)}", "---", "flowchart TB"]
    for layer, title in LAYERS.items():
        cards = drawn.layer(layer)
        if cards:
            lines += [f"  subgraph layer_{layer}[{quote(title)}]", "    direction LR", *map(_node, cards), "  end"]
    for relation in built.relations:
        stroke = "-.->" if is_shared(relation, built) else "-->"
        one, two = _id("c", relation.consumer), _id("c", relation.provider)
        lines.append(f"  {one} {stroke}|{quote(apis([relation]))}| {two}")
    for edge in drawn.edges:
        node = f"e_in_{edge.name}" if edge.inward else f"e_out_{edge.name}"
        lines.append(f"  {node}([{quote(edge.title)}])")
        for component in edge.components:
            ends = (node, _id("c", component)) if edge.inward else (_id("c", component), node)
            lines.append(f"  {ends[0]} -.-> {ends[1]}")
    lines.append("  classDef waits stroke-dasharray:6 4")
    lines.append("  classDef outside stroke-dasharray:2 3")
    return "\n".join(lines) + "\n"
