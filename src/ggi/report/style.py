"""Colours of the drawing, light and dark, and its pictograms. Contrast (WCAG AA): text at least 4.5, lines 3."""

from __future__ import annotations

from collections.abc import Mapping

from ggi.catalogue.component import Layer

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
LIGHT = {
    "paper": "#ffffff",
    "ink": "#14212f",
    "dim": "#4a5a6b",
    "link": "#0b5394",
    "card": "#ffffff",
    "line": "#7b8a9a",
    "frame": "#5b6b7c",
    "pod": "#eef1f5",
    "use": "#e4eefb",
    "wait": "#fff0cc",
    "waitline": "#8a5a00",
    "edge": "#f4f5f7",
}
DARK = {
    "paper": "#10161d",
    "ink": "#eef3f8",
    "dim": "#a9b7c6",
    "link": "#8ec5ff",
    "card": "#1a232d",
    "line": "#76879a",
    "frame": "#8a9bad",
    "pod": "#2a3643",
    "use": "#1d3753",
    "wait": "#4a3505",
    "waitline": "#ffc857",
    "edge": "#1b232c",
}
BANDS = {
    Layer.INTERACTIE: ("#e8f1fb", "#1f6fb5", "#14202d", "#6db3f2"),
    Layer.PROCES: ("#eaf6f0", "#1b7f52", "#12231c", "#62c797"),
    Layer.INTEGRATIE: ("#f3edfa", "#7446b0", "#1e1a2a", "#b795ea"),
    Layer.SERVICES: ("#fdf1e7", "#b25a12", "#261c13", "#efa365"),
    Layer.DATA: ("#e9f5f7", "#14758a", "#112226", "#63c3d6"),
    Layer.PLATFORM: ("#f0f1f3", "#5b6775", "#1a1f25", "#a3b0be"),
}
"""Per layer: band and accent in light, band and accent in dark."""
ARROWS = (
    ("#1d4ed8", "#7fb0ff"),
    ("#b03a00", "#ff9d66"),
    ("#0b7a4b", "#4fd19a"),
    ("#8a1fb0", "#dc97f5"),
    ("#b4134f", "#ff8fb4"),
    ("#0a7084", "#5fcfe3"),
    ("#5d6b00", "#c6d24a"),
    ("#5b3fd6", "#ada0ff"),
    ("#7a4a1e", "#d9b38c"),
    ("#3f5568", "#a9c4dc"),
)
"""Per component that calls others: light, dark. The number on the arrow says the same without colour."""
ICONS: Mapping[str, str] = {
    "globe": "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13M1.5 8h13M8 1.5c-4.6 4-4.6 9 0 13c4.6-4 4.6-9 0-13",
    "database": "M2.5 4c0-3 11-3 11 0s-11 3-11 0v8c0 3 11 3 11 0v-8M2.5 8c0 3 11 3 11 0",
    "cache": "M9 1.5l-6 8h4l-1 5l6-8h-4z",
    "key": "M5 4.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7M8.5 8h6v3M12 8v2.5",
    "plug": "M5 1.5v4M11 1.5v4M3 5.5h10v3a5 4 0 0 1-10 0zM8 12.5v2.5",
    "loop": "M13.5 8a5.5 5.5 0 1 1-2-4.2M11.8 1v3h-3",
    "clock": "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13M8 4.5v4l2.5 1.5",
}
"""Pictograms as lines on a field of 16 by 16."""


def _rules(dark: bool) -> str:
    color = DARK if dark else LIGHT
    rules = [
        f".paper{{fill:{color['paper']}}}",
        f".ink{{fill:{color['ink']}}}",
        f".dim{{fill:{color['dim']}}}",
        f".link{{fill:{color['link']}}}",
        f".card{{fill:{color['card']};stroke:{color['line']}}}",
        f".frame{{fill:none;stroke:{color['frame']}}}",
        f".pod{{fill:{color['pod']}}}",
        f".use{{fill:{color['use']}}}",
        f".wait,.wish{{fill:{color['wait']};stroke:{color['waitline']}}}",
        f".card.waiting{{stroke:{color['waitline']}}}",
        f".edge{{fill:{color['edge']};stroke:{color['line']}}}",
        f".icon{{stroke:{color['ink']}}}",
        f".crossing{{stroke:{color['frame']}}}",
        f".tip{{fill:{color['frame']}}}",
        f".row{{stroke:{color['line']}}}",
        f".num{{fill:{color['paper']}}}",
    ]
    for layer, colors in BANDS.items():
        band, accent = colors[2:] if dark else colors[:2]
        rules += [f".band-{layer}{{fill:{band}}}", f".accent-{layer}{{fill:{accent}}}"]
    for number, pair in enumerate(ARROWS):
        own = pair[1] if dark else pair[0]
        rules += [f".a{number}{{stroke:{own}}}", f".f{number}{{fill:{own}}}"]
    return "".join(rules)


def sheet() -> str:
    """The style sheet: light first, dark where the reader's system asks for it."""
    shape = (
        f"text{{font-family:{FONT}}}"
        ".icon,.arrow,.crossing{fill:none;stroke-linejoin:round;stroke-linecap:round}"
        ".icon{stroke-width:1.4}.arrow{stroke-width:2}.halo{fill:none;stroke-width:6}"
        ".frame{stroke-width:1.5;stroke-dasharray:7 5}.card.waiting,.card.outside{stroke-dasharray:6 4}"
        ".wish{stroke-dasharray:3 3}.b{font-weight:700}.crossing{stroke-width:1.6}"
        ".rel:hover .arrow{stroke-width:4}"
    )
    return f"{shape}{_rules(False)}@media (prefers-color-scheme:dark){{{_rules(True)}}}"
