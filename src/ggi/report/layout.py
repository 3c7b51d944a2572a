"""Where cards stand: bands of layers, rows in a band, and the column of each card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from ggi.catalogue.component import Layer
from ggi.report.picture import LAYERS, Arrow, Card, Picture

MIN_COLUMNS, MAX_COLUMNS = 3, 4
"""Wider would make the letters small on a page; more cards in a layer get a second row."""
SWEEPS = 4
"""Each sweep lets every row choose its best order against the others; nothing moves after two or three."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Row and column of every card, the layer of every row, and how many columns there are."""

    columns: int
    rows: tuple[Layer, ...]
    cells: Mapping[str, tuple[int, int]]


def _split(cards: Sequence[Card], columns: int) -> list[list[str]]:
    """The names of a layer's cards in rows of about equal length."""
    rows = -(-len(cards) // columns)
    names = [card.name for card in cards]
    base, extra = divmod(len(names), rows) if rows else (0, 0)
    result = []
    for row in range(rows):
        size = base + (1 if row < extra else 0)
        result.append(names[:size])
        names = names[size:]
    return result


def _cost(cells: Mapping[str, tuple[int, int]], row: Sequence[str], arrows: Sequence[Arrow], columns: int) -> float:
    """How far the arrows of a row reach sideways; then how far its cards stand from the middle."""
    here = set(row)
    reach = sum(abs(cells[a.source][1] - cells[a.target][1]) for a in arrows if here & {a.source, a.target})
    middle = (columns - 1) / 2
    spread = sum(abs(cells[name][1] - middle) for name in row)
    gaps = max(cells[n][1] for n in row) - min(cells[n][1] for n in row) - len(row) + 1
    return reach + 0.3 * spread + 0.2 * gaps


def grid(picture: Picture) -> Grid:
    """Rows by layer, and columns so that arrows are short. The same picture always gives the same grid."""
    largest = max((len(picture.layer(layer)) for layer in LAYERS), default=0)
    columns = min(max(largest, MIN_COLUMNS), MAX_COLUMNS)
    rows: list[list[str]] = []
    layers: list[Layer] = []
    for layer in LAYERS:
        for names in _split(picture.layer(layer), columns):
            rows.append(names)
            layers.append(layer)
    cells = {name: (r, c) for r, names in enumerate(rows) for c, name in enumerate(names)}
    for _ in range(SWEEPS):
        for r, names in enumerate(rows):
            best: tuple[float, tuple[int, ...]] | None = None
            for places in permutations(range(columns), len(names)):
                trial = cells | {name: (r, c) for name, c in zip(names, places, strict=True)}
                cost = round(_cost(trial, names, picture.arrows, columns), 3)
                if best is None or (cost, places) < best:
                    best = (cost, places)
            if best is not None:
                cells |= {name: (r, c) for name, c in zip(names, best[1], strict=True)}
    return Grid(columns, tuple(layers), cells)
