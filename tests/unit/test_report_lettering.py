"""Text is never wider than the room it gets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ggi.report.lettering import ELLIPSIS, fit, width, wrap


@given(st.text(), st.floats(20, 400))
def test_what_is_fitted_fits(text: str, room: float) -> None:
    assert width(fit(text, 12, room), 12) <= room


@given(st.text(max_size=200), st.floats(30, 400), st.integers(1, 4))
def test_what_is_wrapped_fits_in_its_lines(text: str, room: float, lines: int) -> None:
    result = wrap(text, 12, room, lines)
    assert 1 <= len(result) <= lines
    assert all(width(line, 12) <= room for line in result)


def test_text_that_has_room_is_left_as_it_is() -> None:
    assert fit("Open Zaak", 12, 200) == "Open Zaak"
    assert wrap("Open Zaak en Open Klant", 12, 100, 3) == ["Open Zaak en", "Open Klant"]


def test_nothing_is_lost_without_an_ellipsis_to_show_it() -> None:
    text = "een twee drie vier vijf zes zeven acht negen tien"
    for lines in range(1, 8):
        result = wrap(text, 12, 80, lines)
        assert " ".join(result) == text or result[-1].endswith(ELLIPSIS)


def test_a_host_name_breaks_at_its_dots() -> None:
    lines = wrap("openformulieren.nuenen-gerwen-en-nederwetten.test", 11.5, 190, 3)
    assert "".join(lines) == "openformulieren.nuenen-gerwen-en-nederwetten.test"
    assert lines[0].endswith((".", "-"))


def test_bold_and_capitals_are_wider() -> None:
    assert width("abc", 12, bold=True) > width("abc", 12)
    assert width("ABC", 12) > width("abc", 12)
    assert width("é", 12) == width("e\u0301", 12) == width("e", 12)
