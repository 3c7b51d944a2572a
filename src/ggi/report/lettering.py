"""How wide text is, without fonts: an estimate on the safe side, and cutting text so that it fits."""

from __future__ import annotations

import re
import unicodedata

_GROUPS = {
    "ijl'’": 0.30,
    " .,·|/\\:;I": 0.34,
    "ft()[]-": 0.40,
    "r!": 0.42,
    '"': 0.46,
    "sz_*`": 0.53,
    "cJ?": 0.56,
    "kvxyLTF": 0.62,
    "wD": 0.82,
    "M": 0.91,
    "mW@%…—": 1.0,
    "→←↔×+=<>#~^": 0.84,
}
_WIDTHS = {char: em for chars, em in _GROUPS.items() for char in chars}
"""Width in em, rounded up from the metrics of DejaVu Sans: the widest font that `system-ui` stands for in practice."""
_SMALL, _CAPITAL, _WIDE = 0.64, 0.79, 1.05
BOLD = 1.2
"""How much wider bold text is, at most."""
ELLIPSIS = "…"


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Estimated width of `text` in pixels at a font size of `size` pixels; never less than what a browser needs."""
    em = 0.0
    for char in unicodedata.normalize("NFC", text):
        if unicodedata.combining(char):
            continue
        base = unicodedata.normalize("NFD", char)[0]
        if base in _WIDTHS:
            em += _WIDTHS[base]
        elif unicodedata.east_asian_width(char) in "WF":
            em += _WIDE
        else:
            em += _CAPITAL if base.isupper() else _SMALL
    return em * size * (BOLD if bold else 1.0)


def fit(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """`text`, cut with an ellipsis when it is wider than `room` pixels."""
    if width(text, size, bold=bold) <= room:
        return text
    kept = text
    while kept and width(kept.rstrip() + ELLIPSIS, size, bold=bold) > room:
        kept = kept[:-1]
    return kept.rstrip() + ELLIPSIS


def wrap(text: str, size: float, room: float, lines: int, *, bold: bool = False) -> list[str]:
    """`text` over at most `lines` lines of `room` pixels; the last is cut when needed.

    It is broken after a space, and a word that needs more than a line (a host name, a key) after a dot, dash or slash.
    """
    words = [word + " " for word in text.split(" ")]
    pieces: list[str] = []
    for word in words:
        wide = width(word.rstrip(), size, bold=bold) > room
        pieces += re.findall(r"[^./-]*[./-]|[^./-]+", word) if wide else [word]
    result: list[str] = [""]
    for index, piece in enumerate(pieces):
        if width((result[-1] + piece).rstrip(), size, bold=bold) <= room or not result[-1]:
            result[-1] += piece
        elif len(result) < lines:
            result.append(piece)
        else:
            result[-1] += "".join(pieces[index:])
            break
    return [fit(line.rstrip(), size, room, bold=bold) for line in result]
