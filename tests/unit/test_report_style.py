"""The colours of the drawing can be read, in light and in dark."""

from __future__ import annotations

import pytest

from ggi.report.style import ARROWS, BANDS, DARK, LIGHT, sheet


def luminance(color: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2, definition "relative luminance")."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("colors", "dark"), [(LIGHT, False), (DARK, True)])
def test_text_and_lines_have_enough_contrast(colors: dict[str, str], dark: bool) -> None:
    bands = [pair[2] if dark else pair[0] for pair in BANDS.values()]
    accents = [pair[3] if dark else pair[1] for pair in BANDS.values()]
    arrows = [pair[1] if dark else pair[0] for pair in ARROWS]
    for ground in ("paper", "card", "edge", "pod", "use", "wait"):
        assert contrast(colors["ink"], colors[ground]) >= 4.5
    for ground in (colors["paper"], colors["card"], colors["edge"], *bands):
        assert contrast(colors["dim"], ground) >= 4.5
        assert contrast(colors["ink"], ground) >= 4.5
    assert contrast(colors["link"], colors["card"]) >= 4.5
    for arrow in arrows:
        assert contrast(colors["paper"], arrow) >= 4.5, arrow
        assert all(contrast(arrow, band) >= 3 for band in bands), arrow
    for accent, band in zip(accents, bands, strict=True):
        assert contrast(accent, band) >= 3
    for border in ("line", "frame"):
        assert contrast(colors[border], colors["paper"]) >= 3
    assert all(contrast(colors["line"], band) >= 3 for band in bands)
    assert contrast(colors["waitline"], colors["wait"]) >= 3
    assert contrast(colors["waitline"], colors["card"]) >= 3


def test_dark_replaces_every_colour_of_light() -> None:
    light, dark = sheet().split("@media (prefers-color-scheme:dark)")
    for name in (*LIGHT, *(f"band-{layer}" for layer in BANDS), *(f"a{n}" for n in range(len(ARROWS)))):
        if name not in ("line", "waitline"):
            assert f".{name}" in light
            assert f".{name}" in dark
