"""The registry of gemeenten against the list of the CBS, and finding a gemeente by the names that people use."""

from __future__ import annotations

import hashlib
import unicodedata

import pytest

from ggi.inventory.registry import Registry, folded, load_registry, slug
from ggi.paths import ROOT

CBS = "c6e423e0733cd0d729ab52243c2850ef77d339b174a76ccb6c3bc872e4fc02a2"
"""SHA-256 of `code,name` lines, sorted by code, of the CBS' Gemeenten alfabetisch 2023.

Copy: edugis-repo/cbsbuurtwijkgemeente, gemeenten-alfabetisch-2023.csv, commit daedd24 (GemeentecodeGM, Gemeentenaam).
"""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry(ROOT / "inventories" / "registry")


def test_every_name_is_as_the_cbs_writes_it(registry: Registry) -> None:
    lines = "".join(f"{code},{one.name}\n" for code, one in sorted(registry.gemeenten.items()))
    assert len(registry.gemeenten) == 342
    assert hashlib.sha256(lines.encode()).hexdigest() == CBS


@pytest.mark.parametrize(
    ("said", "codes"),
    [
        ("'s-Gravenhage", ["GM0518"]),
        ("Den Haag", ["GM0518"]),
        ("’s-hertogenbosch", ["GM0796"]),
        ("s Hertogenbosch", ["GM0796"]),
        ("Den Bosch", ["GM0796"]),
        ("Bergen", ["GM0373", "GM0893"]),
        ("Bergen (NH)", ["GM0373"]),
        ("Bergen NH", ["GM0373"]),
        ("Bergen (L.)", ["GM0893"]),
        ("Bergen op Zoom", ["GM0748"]),
        ("Hengelo", ["GM0164"]),
        ("Hengelo (O.)", ["GM0164"]),
        ("sudwest fryslan", ["GM1900"]),
        ("Nuenen", ["GM0820"]),
        ("De Friese Meren", ["GM1940"]),
        ("Aalst", []),
    ],
)
def test_a_gemeente_is_found_by_official_name_and_by_alias(said: str, codes: list[str], registry: Registry) -> None:
    assert registry.named(said) == codes


def test_no_alias_is_the_name_of_another_gemeente(registry: Registry) -> None:
    whole = [(name, code) for code, one in registry.gemeenten.items() for name in (one.name, *one.aliases)]
    taken: dict[str, str] = {}
    for name, code in whole:
        assert taken.setdefault(folded(name), code) == code, name
        assert name == unicodedata.normalize("NFC", name)


def test_labels_stay_when_names_are_corrected(registry: Registry) -> None:
    labels = {code: one.label for code, one in registry.gemeenten.items()}
    known = {"GM0518": "den-haag", "GM0796": "s-hertogenbosch", "GM0373": "bergen-nh", "GM0893": "bergen-l"}
    assert {code: labels[code] for code in known} == known
    assert len(set(labels.values())) == len(labels)
    assert slug("'s-Hertogendaal, Broek en Waard") == "s-hertogendaal-broek-en-waard"
