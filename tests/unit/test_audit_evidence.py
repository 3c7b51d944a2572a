"""Evidence is the same data in every language; a page shows its words in the reader's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ggi.controls.evidence import PHRASES, localised
from ggi.messages import language, set_language


@pytest.fixture
def dutch() -> Iterator[None]:
    before = language()
    set_language("nl")
    yield
    set_language(before)


@pytest.mark.parametrize(
    ("evidence", "shown"),
    [
        ("replicas 1", "aantal pods 1"),
        ("until unknown", "tot onbekend"),
        ("immutable true, no rotation in the name", "kan niet veranderen, geen rotatienummer in de naam"),
        ("minimum 1.0 (insufficient), maximum 1.3 (good)", "minimaal 1.0 (onvoldoende), maximaal 1.3 (goed)"),
        ("ECDHE-RSA-AES128-SHA (phase out)", "ECDHE-RSA-AES128-SHA (uitfaseren)"),
        ("docker.io/openzaak/open-zaak:1.30.0", "docker.io/openzaak/open-zaak:1.30.0"),
        ("name a{b}c", "naam a{b}c"),
        ("", ""),
    ],
)
@pytest.mark.usefixtures("dutch")
def test_a_page_in_dutch_shows_the_words_in_dutch_and_leaves_names_and_values(evidence: str, shown: str) -> None:
    assert localised(evidence) == shown


@pytest.mark.parametrize("phrase", PHRASES)
def test_in_english_evidence_is_shown_as_it_is(phrase: str) -> None:
    assert localised(phrase) == phrase
