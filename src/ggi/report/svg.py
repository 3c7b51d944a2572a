"""`svg(built)`: a landscape as one self-contained drawing: no script, no request, no font of its own."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from ggi.landscape.build import Landscape
from ggi.messages import language, t
from ggi.report.face import BODY, LEADING, SMALL, Face, Pill, Word
from ggi.report.lettering import fit, width, wrap
from ggi.report.picture import LAYERS, Card, Picture, apis, picture
from ggi.report.scene import EDGE_PAD, EDGE_TITLE, MARGIN, Box, EdgeBox, Line, Scene, empty_note, scene
from ggi.report.style import ARROWS, ICONS, sheet

RADIUS = 7
"""Of the corners of arrows."""
ROW = 19
"""Height of a line in the table of relations."""


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(word: Word, dx: float = 0.0, dy: float = 0.0, anchor: str = "") -> str:
    style = f"{word.style} b" if word.bold else word.style
    extra = f' text-anchor="{anchor}"' if anchor else ""
    return (
        f'<text class="{style}" x="{_n(word.x + dx)}" y="{_n(word.y + dy)}" font-size="{_n(word.size)}"{extra}>'
        f"{escape(word.text)}</text>"
    )


def _rect(box: Box, style: str, radius: float) -> str:
    return (
        f'<rect class="{style}" x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}" '
        f'rx="{_n(radius)}"/>'
    )


def _icon(name: str, x: float, y: float, scale: float = 1.0) -> str:
    size = f" scale({scale:g})" if scale != 1 else ""
    return f'<path class="icon" transform="translate({_n(x)} {_n(y)}){size}" d="{ICONS[name]}"/>'


def _pill(pill: Pill, dx: float, dy: float) -> str:
    box = Box(pill.x + dx, pill.y + dy, pill.width, pill.height)
    ids = "" if pill.badge is None else f" data-relations={quoteattr(' '.join(r.id for r in pill.badge.relations))}"
    parts = [f'<g class="pill"{ids}>']
    if pill.title:
        parts.append(f"<title>{escape(pill.title)}</title>")
    parts.append(_rect(box, pill.style, 10.5 if pill.style in ("pod", "use") else 5))
    start, anchor = box.x + 8, ""
    if pill.icon:
        parts.append(_icon(pill.icon, start - 1, box.y + 4, 0.8125))
        start += 15
    else:
        # The estimate of the width is on the safe side; in the middle the rest is on both sides.
        start, anchor = box.x + box.width / 2, "middle"
    for number, line in enumerate(pill.lines):
        parts.append(_text(Word(start, box.y + 14.8 + LEADING * number, line, SMALL), anchor=anchor))
    return "".join([*parts, "</g>"])


def _card(card: Card, face: Face, box: Box) -> str:
    style = "card outside" if card.external else "card waiting" if card.waits else "card"
    label = f"{card.title} {card.version}: {card.summary}"
    parts = [
        f'<g class="component" data-component={quoteattr(card.name)}><title>{escape(label)}</title>',
        _rect(box, style, 8),
        f'<path class="accent-{card.layer}" d="M{_n(box.x)} {_n(box.y + 8)}a8 8 0 0 1 8-8h{_n(box.width - 16)}'
        f'a8 8 0 0 1 8 8v-3a8 5 0 0 0-8-1h-{_n(box.width - 16)}a8 5 0 0 0-8 1z"/>',
    ]
    parts += [_text(word, box.x, box.y) for word in face.words]
    parts += [_icon(name, box.x + x, box.y + y, 0.875 if name == "globe" else 1) for x, y, name in face.icons]
    parts += [_pill(pill, box.x, box.y) for pill in face.pills]
    return "".join([*parts, "</g>"])


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Corners rounded; the radius shrinks where a piece is short."""
    parts = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        one = abs(here[0] - before[0]) + abs(here[1] - before[1])
        two = abs(after[0] - here[0]) + abs(after[1] - here[1])
        r = min(RADIUS, one / 2, two / 2)
        if r < 0.5:
            parts.append(f"L{_n(here[0])} {_n(here[1])}")
            continue
        into = tuple(here[i] + (before[i] - here[i]) / one * r for i in (0, 1))
        out = tuple(here[i] + (after[i] - here[i]) / two * r for i in (0, 1))
        parts.append(f"L{_n(into[0])} {_n(into[1])}Q{_n(here[0])} {_n(here[1])} {_n(out[0])} {_n(out[1])}")
    parts.append(f"L{_n(points[-1][0])} {_n(points[-1][1])}")
    return "".join(parts)


def _colors(drawn: Picture) -> dict[str, int]:
    """A colour per component that calls others."""
    callers = dict.fromkeys(arrow.source for arrow in drawn.arrows)
    return {name: number % len(ARROWS) for number, name in enumerate(callers)}


def _line(line: Line, color: int) -> str:
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
        f'<path class="f{color}" d="M{_n(x)} {_n(tip)}L{_n(x - 5)} {_n(back)}L{_n(x + 5)} {_n(back)}z"/>'
        + _number(arrow.number, x1, y1 + leaves * 10, color)
        + "</g>"
    )


def _number(number: int, x: float, y: float, color: int) -> str:
    word = Word(x, y + 3.8, str(number), 11, "num", bold=True)
    return f'<circle class="f{color}" cx="{_n(x)}" cy="{_n(y)}" r="9"/>{_text(word, anchor="middle")}'


def _edge(item: EdgeBox, frame: Box) -> str:
    box, edge = item.box, item.edge
    x = box.x + box.width / 2
    start, end = (box.bottom, frame.y + 6) if edge.inward else (frame.bottom - 6, box.y)
    label = f"{edge.title}: {', '.join(edge.members)}"
    lines = box.y + 21 + 17 * len(item.head)
    parts = [
        f'<g class="outside" data-edge={quoteattr(edge.name)}><title>{escape(label)}</title>',
        _rect(box, "edge", 8),
        *(
            _text(Word(box.x + EDGE_PAD, box.y + 21 + 17 * n, line, EDGE_TITLE, bold=True))
            for n, line in enumerate(item.head)
        ),
        *(_text(Word(box.x + EDGE_PAD, lines + 16 * n, line, SMALL, "dim")) for n, line in enumerate(item.lines)),
        f'<path class="crossing" d="M{_n(x)} {_n(start)}V{_n(end - 7)}"/>',
        f'<path class="tip" d="M{_n(x)} {_n(end)}l-5-9h10z"/></g>',
    ]
    return "".join(parts)


def _table(drawn: Picture, left: float, top: float, wide: float, colors: dict[str, int]) -> tuple[list[str], float]:
    """The relations of the arrows in words, in two columns; returns the markup and the lower side."""
    if not drawn.arrows:
        return [], top
    parts = [_text(Word(left, top, t("Relations"), 14, bold=True))]
    column = (wide - 32) / 2
    rows: list[tuple[list[str], int, int]] = []
    for arrow in drawn.arrows:
        first = arrow.relations[0]
        text = f"{first.consumer_title} → {first.provider_title}: {apis(arrow.relations)}"
        rows.append((wrap(text, SMALL + 0.5, column - 28, 2), arrow.number, colors[arrow.source]))
    total = sum(len(lines) for lines, _, _ in rows)
    x, y, used, second = left, top + 24, 0, False
    lowest = y
    for lines, number, color in rows:
        if not second and used * 2 >= total:
            x, y, second = left + column + 32, top + 24, True
        parts.append(_number(number, x + 9, y - 4, color))
        parts += [_text(Word(x + 26, y + n * 16, line, SMALL + 0.5)) for n, line in enumerate(lines)]
        y += ROW + 16 * (len(lines) - 1) + 5
        used += len(lines)
        lowest = max(lowest, y)
    return parts, lowest


def _legend(drawn: Picture, left: float, top: float, wide: float) -> tuple[list[str], float]:
    """What the signs mean, as far as they occur."""
    parts = [_text(Word(left, top, t("Legend"), 14, bold=True))]
    entries = []
    if drawn.arrows:
        entries.append(("arrow", t("calls an API; numbered as above, one colour per caller")))
    if any(card.badges for card in drawn.cards):
        entries.append(("use", t("uses a shared component: database, cache, log-in")))
    entries.append(("pod", t("process and its number of pods")))
    entries.append(("globe", t("public host name, through the gateway")))
    if any(card.waits for card in drawn.cards):
        entries.append(("wait", t("waits for something that others must supply")))
    if any(card.wishes for card in drawn.cards):
        entries.append(("wish", t("works, and can do more with what others supply")))
    if any(card.external for card in drawn.cards):
        entries.append(("outside", t("exists already outside the namespace, is only used")))
    entries.append(("frame", t("border of the namespace; what is not drawn is closed")))
    x, y = left, top + 26
    for kind, text in entries:
        need = 40 + width(text, SMALL) + 24
        if x > left and x + need > left + wide:
            x, y = left, y + 24
        parts.append(_sign(kind, x, y - 13))
        parts.append(_text(Word(x + 40, y, fit(text, SMALL, wide - 40), SMALL, "dim")))
        x += need
    return parts, y + 10


def _sign(kind: str, x: float, y: float) -> str:
    if kind == "arrow":
        return (
            f'<path class="arrow a0" d="M{_n(x + 9)} {_n(y + 9)}H{_n(x + 24)}"/>'
            f'<path class="f0" d="M{_n(x + 32)} {_n(y + 9)}l-9-5v10z"/>' + _number(1, x + 9, y + 9, 0)
        )
    if kind == "globe":
        return _icon("globe", x + 9, y + 1)
    style = {"outside": "card outside"}.get(kind, kind)
    inside = {"use": "database", "wait": "clock", "wish": "clock"}.get(kind)
    return _rect(Box(x, y, 32, 18), style, 9 if kind in ("use", "pod") else 5) + (
        _icon(inside, x + 10, y + 3, 0.75) if inside else ""
    )


def _bands(placed: Scene) -> list[str]:
    parts = []
    for layer, box, empty in placed.bands:
        parts.append(_rect(box, f"band-{layer}", 8))
        parts.append(_rect(Box(box.x, box.y, 5, box.height), f"accent-{layer}", 2.5))
        parts.append(_text(Word(box.x + 18, box.y + (22 if empty else 30), LAYERS[layer], 14, bold=True)))
        if empty:
            parts.append(_text(Word(box.x + 132, box.y + 22, empty_note(), SMALL, "dim")))
    return parts


def svg(built: Landscape) -> str:
    """The landscape as SVG. The same landscape in the same language gives the same text, byte for byte."""
    drawn = picture(built)
    placed = scene(drawn)
    colors = _colors(drawn)
    wide = placed.width - 2 * MARGIN
    table, y = _table(drawn, MARGIN, placed.below, wide, colors)
    legend, y = _legend(drawn, MARGIN, y + (14 if table else 0), wide)
    height = y + MARGIN - 10
    title = wrap(drawn.title, 26, wide, 1, bold=True)[0]
    within = t("Namespace {name}: only what is drawn is allowed, everything else is denied", name=drawn.namespace)
    body = [
        _rect(Box(0, 0, placed.width, height), "paper", 0),
        _text(Word(MARGIN, 46, title, 26, bold=True)),
        _text(Word(MARGIN, 72, fit(drawn.subtitle, 14, wide), 14, "dim")),
        _text(Word(MARGIN, 93, fit(drawn.description, BODY, wide), BODY, "dim")),
        _rect(placed.frame, "frame", 12),
        *_bands(placed),
        _text(Word(placed.frame.x + 14, placed.frame.y + 26, fit(within, BODY, wide / 2 - 40), BODY, "dim")),
        *(_edge(item, placed.frame) for item in placed.edges),
        *(_card(*item) for item in placed.cards),
        *(_line(line, colors[line.arrow.source]) for line in placed.lines),
        *table,
        *legend,
    ]
    size = f'width="{_n(placed.width)}" height="{_n(height)}" viewBox="0 0 {_n(placed.width)} {_n(height)}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" lang="{language()}" aria-labelledby="title desc">'
        f'<title id="title">{escape(drawn.title)}</title><desc id="desc">{escape(drawn.description)}</desc>'
        f"<style>{sheet()}</style>"
    )
    return "\n".join([head, *body, "</svg>"]) + "\n"
