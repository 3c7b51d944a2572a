"""What is on a card: words and pills at places relative to the card's corner, so that its height is known first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ggi.messages import t
from ggi.report.lettering import fit, width, wrap
from ggi.report.picture import Badge, Card

CARD = 252
"""Width of a card in pixels."""
PAD = 14
ROOM = CARD - 2 * PAD
PILL = 21
LEADING = 15
GAP = 6
TITLE, BODY, SMALL = 16.0, 12.5, 11.5
"""Font sizes in pixels."""
MAX_WAITS, WAIT_LINES = 3, 5


@dataclass(frozen=True, slots=True)
class Word:
    """A line of text: `y` is its base line, `style` a class of the style sheet."""

    x: float
    y: float
    text: str
    size: float
    style: str = "ink"
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Pill:
    """A rounded box with a pictogram and words. `title` is the whole story, for pointers and screen readers."""

    x: float
    y: float
    width: float
    lines: tuple[str, ...]
    style: str
    icon: str = ""
    title: str = ""
    badge: Badge | None = None

    @property
    def height(self) -> float:
        """Its height: one line or more."""
        return PILL + LEADING * (len(self.lines) - 1)


@dataclass(slots=True)
class Face:
    """Everything on a card, and its height."""

    words: list[Word] = field(default_factory=list)
    pills: list[Pill] = field(default_factory=list)
    icons: list[tuple[float, float, str]] = field(default_factory=list)
    height: float = 0.0


def pill_width(text: str, icon: str = "") -> float:
    """Width of a pill around `text`."""
    return round(width(text, SMALL) + 16 + (15 if icon else 0), 1)


def _flow(face: Face, top: float, texts: Sequence[tuple[str, str, str, Badge | None]], style: str) -> float:
    """Set pills (text, icon, title, badge) in lines from left to right; returns where the next thing may start."""
    x, y = float(PAD), top
    for text, icon, title, badge in texts:
        shown = fit(text, SMALL, ROOM - 16 - (15 if icon else 0))
        wide = pill_width(shown, icon)
        if x > PAD and x + wide > PAD + ROOM:
            x, y = float(PAD), y + PILL + GAP
        face.pills.append(Pill(x, y, wide, (shown,), style, icon, title, badge))
        x += wide + GAP
    return y + PILL + GAP if texts else top


def _waits(face: Face, top: float, card: Card) -> float:
    y = top
    for inputs, style, say in ((card.waits, "wait", _waiting), (card.wishes, "wish", _wishing)):
        texts = [say(text) for text in inputs]
        if len(texts) > MAX_WAITS:
            texts = [*texts[: MAX_WAITS - 1], t("and {count} more", count=len(texts) - MAX_WAITS + 1)]
        for text in texts:
            lines = tuple(wrap(text, SMALL, ROOM - 33, WAIT_LINES))
            face.pills.append(Pill(PAD, y, ROOM, lines, style, "clock", "; ".join(inputs)))
            y += face.pills[-1].height + 4
    return y + 2 if y > top else top


def _waiting(text: str) -> str:
    return t("waits for: {what}", what=text)


def _wishing(text: str) -> str:
    return t("can use: {what}", what=text)


def face(card: Card) -> Face:
    """The words and pills of a card."""
    result = Face()
    room = ROOM - (24 if card.icon else 0)
    y = 0.0
    for line in wrap(card.title, TITLE, room, 2, bold=True):
        y += 23 if y == 0 else 19
        result.words.append(Word(PAD, y + 3, line, TITLE, bold=True))
    if card.icon:
        result.icons.append((CARD - PAD - 16, 11, card.icon))
    y += 20
    facts = [t("exists already") if card.external else t("version {version}", version=card.version)]
    facts += [t("used by {count}", count=card.users)] if card.users else []
    result.words.append(Word(PAD, y + 2, fit(" · ".join(facts), BODY, ROOM), BODY, "dim"))
    if card.host:
        result.icons.append((PAD, y + 9.5, "plug" if card.external else "globe"))
        for line in wrap(card.host, SMALL, ROOM - 20, 2):
            y += 18
            result.words.append(Word(PAD + 20, y + 4, line, SMALL, "link"))
    y += 14
    counts: list[tuple[str, str, str, Badge | None]] = [
        (f"{name} ×{count}", "", t("{process}: {count} pods", process=name, count=count), None)
        for name, count in card.pods
    ]
    y = _flow(result, y, counts, "pod")
    uses: list[tuple[str, str, str, Badge | None]] = [
        (badge.title, badge.icon, badge.story, badge) for badge in card.badges
    ]
    y = _flow(result, y + (2 if uses else 0), uses, "use")
    y = _waits(result, y + 2, card)
    result.height = y + PAD - GAP
    return result
