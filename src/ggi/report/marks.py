"""The smallest marks of an SVG: numbers, words, boxes, pictograms."""

from __future__ import annotations

import re
from xml.sax import saxutils

from ggi.report.face import Word
from ggi.report.scene import Box
from ggi.report.style import ICONS

_IMPOSSIBLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 can't hold, not even escaped."""


def escape(text: str) -> str:
    """`text` as the content of an element."""
    return saxutils.escape(_IMPOSSIBLE.sub("\ufffd", text))


def quoteattr(text: str) -> str:
    """`text` as an attribute with its quotes."""
    return saxutils.quoteattr(_IMPOSSIBLE.sub("\ufffd", text))


def num(value: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0")


def text(word: Word, dx: float = 0.0, dy: float = 0.0, anchor: str = "") -> str:
    """A word, moved by `dx` and `dy`."""
    style = f"{word.style} b" if word.bold else word.style
    extra = f' text-anchor="{anchor}"' if anchor else ""
    return (
        f'<text class="{style}" x="{num(word.x + dx)}" y="{num(word.y + dy)}" font-size="{num(word.size)}"{extra}>'
        f"{escape(word.text)}</text>"
    )


def rect(box: Box, style: str, radius: float) -> str:
    """A box with round corners."""
    return (
        f'<rect class="{style}" x="{num(box.x)}" y="{num(box.y)}" width="{num(box.width)}" height="{num(box.height)}" '
        f'rx="{num(radius)}"/>'
    )


def icon(name: str, x: float, y: float, scale: float = 1.0) -> str:
    """A pictogram with its upper left corner at (x, y)."""
    size = f" scale({scale:g})" if scale != 1 else ""
    return f'<path class="icon" transform="translate({num(x)} {num(y)}){size}" d="{ICONS[name]}"/>'


def disc(number: int, x: float, y: float, color: int) -> str:
    """The number of an arrow, in its colour."""
    word = Word(x, y + 3.8, str(number), 11, "num", bold=True)
    return f'<circle class="f{color}" cx="{num(x)}" cy="{num(y)}" r="9"/>{text(word, anchor="middle")}'
