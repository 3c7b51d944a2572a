"""Below the drawing: its relations in words, and what its signs mean."""

from __future__ import annotations

from ggi.messages import t
from ggi.report.face import SMALL, Word
from ggi.report.lettering import fit, width, wrap
from ggi.report.marks import disc, icon, num, rect, text
from ggi.report.picture import Picture, apis
from ggi.report.scene import Box

ROW = 19
"""Height of a line in the table of relations."""


def table(drawn: Picture, left: float, top: float, wide: float, colors: dict[str, int]) -> tuple[list[str], float]:
    """The relations of the arrows in words, in two columns; returns the markup and the lower side."""
    if not drawn.arrows:
        return [], top
    parts = [text(Word(left, top, t("Relations"), 14, bold=True))]
    column = (wide - 32) / 2
    rows: list[tuple[list[str], int, int]] = []
    for arrow in drawn.arrows:
        first = arrow.relations[0]
        story = f"{first.consumer_title} → {first.provider_title}: {apis(arrow.relations)}"
        rows.append((wrap(story, SMALL + 0.5, column - 28, 2), arrow.number, colors[arrow.source]))
    total = sum(len(lines) for lines, _, _ in rows)
    x, y, used, second = left, top + 24, 0, False
    lowest = y
    for lines, number, color in rows:
        if not second and used * 2 >= total:
            x, y, second = left + column + 32, top + 24, True
        parts.append(disc(number, x + 9, y - 4, color))
        parts += [text(Word(x + 26, y + n * 16, line, SMALL + 0.5)) for n, line in enumerate(lines)]
        y += ROW + 16 * (len(lines) - 1) + 5
        used += len(lines)
        lowest = max(lowest, y)
    return parts, lowest


def legend(drawn: Picture, left: float, top: float, wide: float) -> tuple[list[str], float]:
    """What the signs mean, as far as they occur."""
    parts = [text(Word(left, top, t("Legend"), 14, bold=True))]
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
        entries.append(("outside", t("exists already, outside the namespace; is only used")))
    entries.append(("frame", t("border of the namespace")))
    x, y = left, top + 26
    for kind, meaning in entries:
        need = 40 + width(meaning, SMALL) + 24
        if x > left and x + need > left + wide:
            x, y = left, y + 24
        parts.append(_sign(kind, x, y - 13))
        parts.append(text(Word(x + 40, y, fit(meaning, SMALL, wide - 40), SMALL, "dim")))
        x += need
    return parts, y + 10


def _sign(kind: str, x: float, y: float) -> str:
    if kind == "arrow":
        return (
            f'<path class="arrow a0" d="M{num(x + 9)} {num(y + 9)}H{num(x + 24)}"/>'
            f'<path class="f0" d="M{num(x + 32)} {num(y + 9)}l-9-5v10z"/>' + disc(1, x + 9, y + 9, 0)
        )
    if kind == "globe":
        return icon("globe", x + 9, y + 1)
    style = {"outside": "card outside"}.get(kind, kind)
    inside = {"use": "database", "wait": "clock", "wish": "clock"}.get(kind)
    return rect(Box(x, y, 32, 18), style, 9 if kind in ("use", "pod") else 5) + (
        icon(inside, x + 10, y + 3, 0.75) if inside else ""
    )
