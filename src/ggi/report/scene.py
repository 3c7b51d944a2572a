"""The drawing in pixels: where every band, card, arrow and edge is. No colours and no markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ggi.catalogue.component import Layer
from ggi.messages import t
from ggi.report.face import CARD, SMALL, Face, face
from ggi.report.layout import Grid, grid
from ggi.report.lettering import fit, wrap
from ggi.report.picture import LAYERS, Arrow, Card, Edge, Picture
from ggi.report.routing import Route, channel_lanes, gutter_lanes, pieces, routes, set_ports

MARGIN = 28
HEADER = 112
LABEL = 118
"""Room for the name of a layer, left in its band."""
LANE = 16
GUTTER = 30
CLEAR = 26
"""Between a card and the first lane: an arrow's number stands there."""
INSET = 14
"""Between the frame of the namespace and the bands."""
BAND_GAP = 10
EMPTY_BAND = 34
BORDER = 16
"""Between a lane and the border of its band."""
ROW_GAP = 44
"""Between two rows of a band where no arrow runs sideways."""
EDGE_GAP = 34
"""Between the frame and the edges of the cluster: room for a short arrow."""
EDGE_PAD, EDGE_APART = 12, 14
EDGE_TITLE, EDGE_FIRST, EDGE_LINES = 13, 14, 5


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right side."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Its lower side."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class EdgeBox:
    """An edge of the cluster with its lines of text; `x` of its arrow through the frame is the middle."""

    edge: Edge
    box: Box
    head: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stroke:
    """An arrow as drawn: its corners in order."""

    arrow: Arrow
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything with its place."""

    picture: Picture
    width: float
    height: float
    frame: Box
    bands: tuple[tuple[Layer, Box, bool], ...]
    cards: tuple[tuple[Card, Face, Box], ...]
    lines: tuple[Stroke, ...]
    edges: tuple[EdgeBox, ...]
    below: float
    """Where the table of relations starts."""


def _columns(places: Grid, lanes: Sequence[int]) -> tuple[dict[int, float], list[float], float]:
    """x of every column, x of every gutter, and of the right side."""
    x = float(MARGIN + INSET + LABEL)
    columns: dict[int, float] = {}
    gutters = []
    for number in range(places.columns + 1):
        gutters.append(x)
        x += GUTTER + max(lanes[number] - 1, 0) * LANE
        if number < places.columns:
            columns[number] = x
            x += CARD
    return columns, gutters, x


def edge_boxes(edges: Sequence[Edge], left: float, right: float, top: float) -> tuple[list[EdgeBox], float]:
    """Boxes of equal width beside each other, and their lower side."""
    if not edges:
        return [], top
    wide = (right - left - EDGE_APART * (len(edges) - 1)) / len(edges)
    room = wide - 2 * EDGE_PAD
    texts = [
        (
            tuple(wrap(edge.title, EDGE_TITLE, room, 2, bold=True)),
            (*_ports(edge, room), *wrap(", ".join(edge.members), SMALL, room, EDGE_LINES)),
        )
        for edge in edges
    ]
    tall = max(EDGE_FIRST + 17 * len(head) + 16 * len(lines) for head, lines in texts)
    x = left
    boxes = []
    for edge, (head, lines) in zip(edges, texts, strict=True):
        boxes.append(EdgeBox(edge, Box(round(x, 1), top, round(wide, 1), tall), head, lines))
        x += wide + EDGE_APART
    return boxes, top + tall


def _ports(edge: Edge, room: float) -> list[str]:
    if not edge.ports:
        return []
    listed = ", ".join(str(port) for port in edge.ports)
    text = t("port {ports}", ports=listed) if len(edge.ports) == 1 else t("ports {ports}", ports=listed)
    return [fit(text, SMALL, room)]


def scene(picture: Picture) -> Scene:
    """Give everything its place."""
    places = grid(picture)
    faces = {card.name: face(card) for card in picture.cards}
    found = routes(places, picture.arrows)
    lanes = gutter_lanes(found, places.columns)
    columns, gutters, right = _columns(places, lanes)
    right += INSET + MARGIN
    set_ports(found, columns, CARD)
    gutter_x = {
        n: round(gutters[r.gutter] + GUTTER / 2 + r.lane * LANE, 1) for n, r in enumerate(found) if r.gutter is not None
    }
    channels = pieces(found, gutter_x, len(places.rows) + 1)
    packed = [channel_lanes(channel) for channel in channels]

    inward, outward = ([e for e in picture.edges if e.inward is way] for way in (True, False))
    above, y = edge_boxes(inward, MARGIN, right - MARGIN, HEADER)
    frame_top = y + EDGE_GAP if above else float(HEADER)
    bands, row_y, channel_y, bottom = _rows(
        places, faces, [(upper, lower) for _, upper, lower in packed], frame_top + 40, right
    )
    frame = Box(MARGIN, frame_top, right - 2 * MARGIN, bottom + INSET - frame_top)
    under, y = edge_boxes(outward, MARGIN, right - MARGIN, frame.bottom + EDGE_GAP)

    boxes = {
        name: Box(columns[column], row_y[row], CARD, _row_height(places, faces, row))
        for name, (row, column) in places.cells.items()
    }
    lane_y: dict[tuple[int, int], float] = {}
    for number, channel in enumerate(channels):
        lanes_here, upper, _ = packed[number]
        for n, piece in enumerate(channel):
            lane = lanes_here[n]
            start = channel_y[number][0] if lane < upper else channel_y[number][1] - upper * LANE
            lane_y[(id(piece.route), number)] = start + lane * LANE
    return Scene(
        picture=picture,
        width=right,
        height=0,
        frame=frame,
        bands=tuple(bands),
        cards=tuple((card, faces[card.name], boxes[card.name]) for card in picture.cards),
        lines=tuple(Stroke(r.arrow, _points(n, r, boxes, lane_y, gutter_x)) for n, r in enumerate(found)),
        edges=(*above, *under),
        below=y + 36,
    )


def _row_height(places: Grid, faces: Mapping[str, Face], row: int) -> float:
    return max(faces[name].height for name, (r, _) in places.cells.items() if r == row)


def _rows(
    places: Grid,
    faces: Mapping[str, Face],
    lanes: Sequence[Sequence[int]],
    top: float,
    right: float,
) -> tuple[list[tuple[Layer, Box, bool]], dict[int, float], list[tuple[float, float]], float]:
    """Bands (with: is it empty), y of every row, y of the first lane of each part of a channel, and the lower side."""
    left, wide = float(MARGIN + INSET), right - 2 * (MARGIN + INSET)
    bands: list[tuple[Layer, Box, bool]] = []
    row_y: dict[int, float] = {}
    channel_y = [(0.0, 0.0)] * len(lanes)
    y = top
    for layer in LAYERS:
        band_top = y
        mine = [r for r, of in enumerate(places.rows) if of is layer]
        for r in mine:
            # Above the row, the lanes of its channel that stay on this side of the band's border.
            upper, lower = lanes[r]
            within = r != mine[0]
            if lower:
                y += (LANE if upper else CLEAR) if within else BORDER
                channel_y[r] = (channel_y[r][0], y)
                y += LANE * (lower - 1) + CLEAR
            else:
                y += ROW_GAP if within and not upper else CLEAR
            row_y[r] = y
            y += _row_height(places, faces, r)
            upper = lanes[r + 1][0]
            if upper:
                channel_y[r + 1] = (y + CLEAR, 0.0)
                y += CLEAR + LANE * (upper - 1)
            if r == mine[-1]:
                y += BORDER if upper else CLEAR
        if not mine:
            y += EMPTY_BAND
        bands.append((layer, Box(left, band_top, wide, y - band_top), not mine))
        y += BAND_GAP
    return bands, row_y, channel_y, y - BAND_GAP


def _points(
    n: int,
    route: Route,
    boxes: Mapping[str, Box],
    lane_y: Mapping[tuple[int, int], float],
    gutter_x: Mapping[int, float],
) -> tuple[tuple[float, float], ...]:
    source, target = boxes[route.arrow.source], boxes[route.arrow.target]
    start = (route.start, source.bottom if route.leaves > 0 else source.y)
    end = (route.end, target.bottom if route.arrives > 0 else target.y)
    if route.gutter is None:
        lane = lane_y.get((id(route), route.first))
        return (start, end) if lane is None else (start, (route.start, lane), (route.end, lane), end)
    one, two = lane_y[(id(route), route.first)], lane_y[(id(route), route.last)]
    x = gutter_x[n]
    return start, (route.start, one), (x, one), (x, two), (route.end, two), end


def empty_note() -> str:
    """What an empty band says."""
    return t("no component")
