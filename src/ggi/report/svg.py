"""`svg(built)`: a landscape as one self-contained drawing: no script, no request, no font of its own."""

from __future__ import annotations

from collections.abc import Sequence

from ggi.landscape.build import Landscape
from ggi.messages import language, t
from ggi.report.face import BODY, LEADING, SMALL, Face, Pill, Word
from ggi.report.lettering import fit, wrap
from ggi.report.marks import disc, escape, icon, num, quoteattr, rect, text
from ggi.report.notes import legend, table
from ggi.report.picture import LAYERS, Card, Picture, apis, picture
from ggi.report.scene import EDGE_PAD, EDGE_TITLE, MARGIN, Box, EdgeBox, Scene, Stroke, empty_note, scene
from ggi.report.style import ARROWS, sheet

RADIUS = 7
"""Of the corners of arrows."""


def _pill(pill: Pill, dx: float, dy: float) -> str:
    box = Box(pill.x + dx, pill.y + dy, pill.width, pill.height)
    ids = "" if pill.badge is None else f" data-relations={quoteattr(' '.join(r.id for r in pill.badge.relations))}"
    parts = [f'<g class="pill"{ids}>']
    if pill.title:
        parts.append(f"<title>{escape(pill.title)}</title>")
    parts.append(rect(box, pill.style, 10.5 if pill.style in ("pod", "use") else 5))
    start, anchor = box.x + 8, ""
    if pill.icon:
        parts.append(icon(pill.icon, start - 1, box.y + 4, 0.8125))
        start += 15
    else:
        # The estimate of the width is on the safe side; in the middle the rest is on both sides.
        start, anchor = box.x + box.width / 2, "middle"
    for number, line in enumerate(pill.lines):
        parts.append(text(Word(start, box.y + 14.8 + LEADING * number, line, SMALL), anchor=anchor))
    return "".join([*parts, "</g>"])


def _card(card: Card, face: Face, box: Box) -> str:
    style = "card outside" if card.external else "card waiting" if card.waits else "card"
    label = f"{card.title} {card.version}: {card.summary}"
    parts = [
        f'<g class="component" data-component={quoteattr(card.name)}><title>{escape(label)}</title>',
        rect(box, style, 8),
        f'<path class="accent-{card.layer}" d="M{num(box.x)} {num(box.y + 8)}a8 8 0 0 1 8-8h{num(box.width - 16)}'
        f'a8 8 0 0 1 8 8v-3a8 5 0 0 0-8-1h-{num(box.width - 16)}a8 5 0 0 0-8 1z"/>',
    ]
    parts += [text(word, box.x, box.y) for word in face.words]
    parts += [icon(name, box.x + x, box.y + y, 0.875 if name == "globe" else 1) for x, y, name in face.icons]
    parts += [_pill(pill, box.x, box.y) for pill in face.pills]
    return "".join([*parts, "</g>"])


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Corners rounded; the radius shrinks where a piece is short."""
    parts = [f"M{num(points[0][0])} {num(points[0][1])}"]
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        one = abs(here[0] - before[0]) + abs(here[1] - before[1])
        two = abs(after[0] - here[0]) + abs(after[1] - here[1])
        r = min(RADIUS, one / 2, two / 2)
        if r < 0.5:
            parts.append(f"L{num(here[0])} {num(here[1])}")
            continue
        into = tuple(here[i] + (before[i] - here[i]) / one * r for i in (0, 1))
        out = tuple(here[i] + (after[i] - here[i]) / two * r for i in (0, 1))
        parts.append(f"L{num(into[0])} {num(into[1])}Q{num(here[0])} {num(here[1])} {num(out[0])} {num(out[1])}")
    parts.append(f"L{num(points[-1][0])} {num(points[-1][1])}")
    return "".join(parts)


def _colors(drawn: Picture) -> dict[str, int]:
    """A colour per component that calls others."""
    callers = dict.fromkeys(arrow.source for arrow in drawn.arrows)
    return {name: number % len(ARROWS) for number, name in enumerate(callers)}


def _line(line: Stroke, color: int) -> str:
    arrow, points = line.arrow, line.points
    (x1, y1), (x, y) = points[0], points[-1]
    down = points[-1][1] > points[-2][1]
    tip, back = (y - 1, y - 9) if down else (y + 1, y + 9)
    shaft = [*points[:-1], (x, back + (1 if down else -1))]
    leaves = 1 if points[1][1] > y1 else -1
    first = arrow.relations[0]
    label = f"{arrow.number}. {first.consumer_title} → {first.provider_title}: {apis(arrow.relations)}"
    ids = quoteattr(" ".join(r.id for r in arrow.relations))
    d = _path(shaft)
    return (
        f'<g class="rel" data-relations={ids}><title>{escape(label)}</title>'
        f'<path class="arrow a{color}" d="{d}"/>'
        f'<path class="f{color}" d="M{num(x)} {num(tip)}L{num(x - 5)} {num(back)}L{num(x + 5)} {num(back)}z"/>'
        + disc(arrow.number, x1, y1 + leaves * 10, color)
        + "</g>"
    )


def _edge(item: EdgeBox, frame: Box) -> str:
    box, edge = item.box, item.edge
    x = box.x + box.width / 2
    start, end = (box.bottom, frame.y + 6) if edge.inward else (frame.bottom - 6, box.y)
    label = f"{edge.title}: {', '.join(edge.members)}"
    lines = box.y + 21 + 17 * len(item.head)
    parts = [
        f'<g class="outside" data-edge={quoteattr(edge.name)}><title>{escape(label)}</title>',
        rect(box, "edge", 8),
        *(
            text(Word(box.x + EDGE_PAD, box.y + 21 + 17 * n, line, EDGE_TITLE, bold=True))
            for n, line in enumerate(item.head)
        ),
        *(text(Word(box.x + EDGE_PAD, lines + 16 * n, line, SMALL, "dim")) for n, line in enumerate(item.lines)),
        f'<path class="crossing" d="M{num(x)} {num(start)}V{num(end - 7)}"/>',
        f'<path class="tip" d="M{num(x)} {num(end)}l-5-9h10z"/></g>',
    ]
    return "".join(parts)


def _bands(placed: Scene) -> list[str]:
    parts = []
    for layer, box, empty in placed.bands:
        parts.append(rect(box, f"band-{layer}", 8))
        parts.append(rect(Box(box.x, box.y, 5, box.height), f"accent-{layer}", 2.5))
        parts.append(text(Word(box.x + 18, box.y + (22 if empty else 30), LAYERS[layer], 14, bold=True)))
        if empty:
            parts.append(text(Word(box.x + 132, box.y + 22, empty_note(), SMALL, "dim")))
    return parts


def svg(built: Landscape) -> str:
    """The landscape as SVG. The same landscape in the same language gives the same text, byte for byte."""
    return paint(picture(built))


def paint(drawn: Picture) -> str:
    """A picture as SVG."""
    placed = scene(drawn)
    colors = _colors(drawn)
    wide = placed.width - 2 * MARGIN
    relations, y = table(drawn, MARGIN, placed.below, wide, colors)
    signs, y = legend(drawn, MARGIN, y + (14 if relations else 0), wide)
    height = y + MARGIN - 10
    title = wrap(drawn.title, 26, wide, 1, bold=True)[0]
    within = t(
        "Namespace {name}: between components, and with what is outside, only what is drawn is allowed",
        name=drawn.namespace,
    )
    body = [
        rect(Box(0, 0, placed.width, height), "paper", 0),
        text(Word(MARGIN, 46, title, 26, bold=True)),
        text(Word(MARGIN, 72, fit(drawn.subtitle, 14, wide), 14, "dim")),
        text(Word(MARGIN, 93, fit(drawn.description, BODY, wide), BODY, "dim")),
        rect(placed.frame, "frame", 12),
        *_bands(placed),
        text(Word(placed.frame.x + 14, placed.frame.y + 26, fit(within, BODY, wide - 40), BODY, "dim")),
        *(_edge(item, placed.frame) for item in placed.edges),
        *(_card(*item) for item in placed.cards),
        *(_line(line, colors[line.arrow.source]) for line in placed.lines),
        *relations,
        *signs,
    ]
    size = f'width="{num(placed.width)}" height="{num(height)}" viewBox="0 0 {num(placed.width)} {num(height)}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" lang="{language()}" aria-labelledby="title desc">'
        f'<title id="title">{escape(drawn.title)}</title><desc id="desc">{escape(drawn.description)}</desc>'
        f"<style>{sheet()}</style>"
    )
    return "\n".join([head, *body, "</svg>"]) + "\n"
