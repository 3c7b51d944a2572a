"""How arrows run: through the channels between rows and the gutters between columns, so that none crosses a card.

A route has at most two horizontal pieces, each on a lane of its own in a channel, and one vertical piece on a lane of
its own in a gutter. Channel `r` is above row `r`; gutter `c` is left of column `c`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from ggi.report.layout import Grid
from ggi.report.picture import Arrow

PORT = 26
"""Distance between two arrows on one side of a card, in pixels; a number of 18 pixels stands on each."""
CROWD = 0.35
"""What an arrow that is already in a gutter counts for the next one, in columns."""


@dataclass(slots=True)
class Route:
    """The way of one arrow. `gutter` is None when one channel suffices. Sides: +1 below the card, -1 above."""

    arrow: Arrow
    source: tuple[int, int]
    target: tuple[int, int]
    leaves: int
    arrives: int
    gutter: int | None
    start: float = 0.0
    end: float = 0.0
    lane: int = 0

    @property
    def first(self) -> int:
        """The channel in which it leaves."""
        return self.source[0] + (1 if self.leaves > 0 else 0)

    @property
    def last(self) -> int:
        """The channel in which it arrives."""
        return self.target[0] + (1 if self.arrives > 0 else 0)


@dataclass(slots=True)
class Piece:
    """A horizontal piece in a channel; `ups` and `downs` are the x where verticals go on from it."""

    route: Route
    left: float
    right: float
    ups: list[float] = field(default_factory=list)
    downs: list[float] = field(default_factory=list)


def routes(grid: Grid, arrows: Sequence[Arrow]) -> list[Route]:
    """Sides and gutter of every arrow."""
    load: dict[int, int] = {}
    level: dict[int, int] = {}
    result = []
    for arrow in arrows:
        source, target = grid.cells[arrow.source], grid.cells[arrow.target]
        if target[0] > source[0]:
            leaves, arrives = 1, -1
        elif target[0] < source[0]:
            leaves, arrives = -1, 1
        else:
            # Within a row: below or above it, whichever is emptier.
            leaves = arrives = min((1, -1), key=lambda side: level.get(source[0] * 2 + side, 0))
            level[source[0] * 2 + leaves] = level.get(source[0] * 2 + leaves, 0) + 1
        route = Route(arrow, source, target, leaves, arrives, None)
        if route.first != route.last:
            route.gutter = min(
                range(grid.columns + 1),
                key=lambda g: (
                    abs(g - 0.5 - source[1]) + abs(g - 0.5 - target[1]) + CROWD * load.get(g, 0),
                    abs(g - 0.5 - target[1]),
                    g,
                ),
            )
            load[route.gutter] = load.get(route.gutter, 0) + 1
        result.append(route)
    return result


def _pack(spans: Iterable[tuple[int, float, float]]) -> dict[int, int]:
    """A lane for each (key, from, to), so that spans on one lane do not touch."""
    ends: list[float] = []
    result = {}
    for key, low, high in sorted(spans, key=lambda s: (s[1], s[2], s[0])):
        lane = next((n for n, end in enumerate(ends) if end < low), len(ends))
        if lane == len(ends):
            ends.append(high)
        ends[lane] = high
        result[key] = lane
    return result


def gutter_lanes(found: Sequence[Route], columns: int) -> list[int]:
    """Set each route's lane in its gutter; returns the number of lanes per gutter."""
    counts = []
    for gutter in range(columns + 1):
        spans = [
            (n, float(min(r.first, r.last)), float(max(r.first, r.last)))
            for n, r in enumerate(found)
            if r.gutter == gutter
        ]
        lanes = _pack(spans)
        for n, lane in lanes.items():
            found[n].lane = lane
        counts.append(max(lanes.values(), default=-1) + 1)
    return counts


def _heading(route: Route, other: tuple[int, int]) -> float:
    """Where an arrow goes sideways, in columns: to its lane in a gutter, or to the other card."""
    return float(other[1]) if route.gutter is None else route.gutter - 0.5 + route.lane / 100


def set_ports(found: Sequence[Route], left: Mapping[int, float], card: float) -> None:
    """Give every arrow its own place on the sides of its cards, ordered by where it goes, so that few cross.

    The lower side of a card and the upper side of the one below it share their places: no two verticals between them
    lie on each other, and an arrow between the two is one straight line.
    """
    facing: dict[tuple[int, int], list[tuple[float, int, bool, bool]]] = {}
    for n, route in enumerate(found):
        start, end = (route.first, route.source[1]), (route.last, route.target[1])
        if start == end and route.gutter is None and route.leaves != route.arrives:
            facing.setdefault(start, []).append((float(start[1]), n, True, True))
            continue
        facing.setdefault(start, []).append((_heading(route, route.target), n, True, False))
        facing.setdefault(end, []).append((_heading(route, route.source), n, False, True))
    for (_, column), places in facing.items():
        step = min(PORT, (card - 40) / max(len(places) - 1, 1))
        first = left[column] + card / 2 - step * (len(places) - 1) / 2
        for i, (_, n, leaving, arriving) in enumerate(sorted(places)):
            x = round(first + i * step, 1)
            if leaving:
                found[n].start = x
            if arriving:
                found[n].end = x


def pieces(found: Sequence[Route], gutter_x: Mapping[int, float], channels: int) -> list[list[Piece]]:
    """The horizontal pieces of every channel. `gutter_x` is the x of a route (by its index) in its gutter."""
    result: list[list[Piece]] = [[] for _ in range(channels)]

    def add(channel: int, route: Route, ends: Sequence[tuple[float, int]]) -> None:
        xs = [x for x, _ in ends]
        if max(xs) - min(xs) < 0.5:
            return
        piece = Piece(route, min(xs), max(xs))
        for x, way in ends:
            (piece.ups if way < 0 else piece.downs).append(x)
        result[channel].append(piece)

    for n, route in enumerate(found):
        if route.gutter is None:
            add(route.first, route, [(route.start, -route.leaves), (route.end, -route.arrives)])
            continue
        way = 1 if route.last > route.first else -1
        add(route.first, route, [(route.start, -route.leaves), (gutter_x[n], way)])
        add(route.last, route, [(gutter_x[n], -way), (route.end, -route.arrives)])
    return result


def crossings(found: Sequence[Piece], lanes: Sequence[int]) -> int:
    """How often verticals of one piece cross another piece of the channel."""
    count = 0
    for (one, a), (two, b) in combinations(zip(found, lanes, strict=True), 2):
        upper, lower = (one, two) if a < b else (two, one)
        count += sum(upper.left < x < upper.right for x in lower.ups)
        count += sum(lower.left < x < lower.right for x in upper.downs)
    return count


def _lanes(found: Sequence[Piece]) -> tuple[list[int], int]:
    """A lane for every piece with few crossings, and the number of lanes."""
    packed = _pack((n, p.left - PORT / 2, p.right + PORT / 2) for n, p in enumerate(found))
    lanes = [packed[n] for n in range(len(found))]
    total = max(lanes, default=-1) + 1
    best = crossings(found, lanes)
    improved = True
    while improved and best:
        improved = False
        for one, two in combinations(range(total), 2):
            trial = [{one: two, two: one}.get(lane, lane) for lane in lanes]
            cost = crossings(found, trial)
            if cost < best:
                lanes, best, improved = trial, cost, True
    return lanes, total


def channel_lanes(found: Sequence[Piece]) -> tuple[dict[int, int], int, int]:
    """The lane of every piece (by its index), the number of lanes in the upper part, and in the lower part.

    Pieces that only connect to what is below them stay in the lower part: it belongs to the band of the row below.
    """
    upper = [n for n, p in enumerate(found) if p.ups]
    lower = [n for n, p in enumerate(found) if not p.ups]
    above, count = _lanes([found[n] for n in upper])
    below, more = _lanes([found[n] for n in lower])
    lanes = dict(zip(upper, above, strict=True)) | {n: count + lane for n, lane in zip(lower, below, strict=True)}
    return lanes, count, more
