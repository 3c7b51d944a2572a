"""Logical names are identities: one that changes makes the engine delete an object and make another one.

`identities.txt` has those of every example landscape; `.venv/bin/python tests/landscape/test_identity.py` brings it up
to date. A line may only go when the object itself goes, or when the program registers the new name with an alias for
the old one.
"""

from __future__ import annotations

from pathlib import Path

from ggi.app.program import type_token
from ggi.catalogue.content import load_catalogue
from ggi.inventory.load import Inventory
from ggi.landscape.build import landscape
from ggi.paths import ROOT

FILE = Path(__file__).with_name("identities.txt")


def identities() -> list[str]:
    """Type and logical name (what a URN has besides the stack) of every object of every example landscape."""
    catalogue = load_catalogue()
    inventory = Inventory(ROOT / "inventories", catalogue.known)
    objects = (item for e in inventory.environments() for item in landscape(e, catalogue).objects)
    return sorted({f"{type_token(item)} {item.name}" for item in objects})


def test_no_object_loses_its_identity() -> None:
    known = FILE.read_text(encoding="utf-8").splitlines()
    assert sorted(set(known) - set(identities())) == [], "these would be deleted and made anew under another name"


def test_the_list_is_up_to_date() -> None:
    known = FILE.read_text(encoding="utf-8").splitlines()
    assert sorted(set(identities()) - set(known)) == [], "run: .venv/bin/python tests/landscape/test_identity.py"


def test_no_identity_names_a_tenant_a_version_or_a_hash() -> None:
    words = {e.tenant.id for e in Inventory(ROOT / "inventories", load_catalogue().known).environments()}
    for line in identities():
        _, name = line.split(" ")
        component, kind, role = name.split("/")
        assert component and kind and role
        assert not any(word in name for word in words) and "xxxxxxxx" not in name


if __name__ == "__main__":
    FILE.write_text("".join(f"{line}\n" for line in identities()), encoding="utf-8")
