"""A rotation in three updates is safe in whatever order the two ends of a relation are updated.

`{current: 1, accept: [2]}`, then `{current: 2, accept: [1]}`, then `{current: 2, accept: []}`: at every moment, what a
consumer uses (before or after its part of the update) is accepted by the provider (before or after its part).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from itertools import pairwise

from ggi.audit.audit import Place, run_audit
from ggi.controls.load import load_controls
from ggi.controls.observation import Facts
from ggi.controls.subjects import of_landscape
from ggi.controls.verdict import Outcome
from ggi.inventory.load import Inventory
from ggi.inventory.models import Rotation
from ggi.landscape.build import Landscape, landscape
from ggi.paths import ROOT
from tests.content import catalogue

STEPS = (Rotation(current=1), Rotation(current=1, accept=[2]), Rotation(current=2, accept=[1]), Rotation(current=2))


def rotated(rotation: Rotation) -> Landscape:
    inventory = Inventory(ROOT / "inventories", catalogue().known)
    environment = inventory.environment(inventory.tenant("gm9901"), "accp")
    settings = environment.settings.model_copy(update={"rotation": rotation})
    return landscape(dataclasses.replace(environment, settings=settings), catalogue())


def refused(before: Landscape, after: Landscape) -> set[str]:
    """Relations in which one end may be refused while the other is not updated yet."""
    result = set()
    for old, new in zip(before.relations, after.relations, strict=True):
        assert old.id == new.id
        used = {old.credential, new.credential} - {None}
        if not used <= set(old.accepted) & set(new.accepted):
            result.add(old.id)
    return result


def test_in_three_updates_nobody_can_be_refused() -> None:
    steps = [rotated(step) for step in STEPS]
    assert [r.id for r in steps[0].relations if r.credential], "no relation has a credential"
    for before, after in pairwise(steps):
        assert refused(before, after) == set()


def test_in_two_updates_a_consumer_must_wait_for_its_provider() -> None:
    steps = [rotated(step) for step in (STEPS[0], STEPS[2], STEPS[3])]
    assert refused(steps[0], steps[1]) == {r.id for r in steps[0].relations if r.credential}
    assert refused(steps[1], steps[2]) == set()


def test_the_end_of_a_rotation_is_as_its_beginning_with_other_names() -> None:
    first, last = rotated(STEPS[0]), rotated(STEPS[3])
    assert len(first.objects) == len(last.objects)
    for old, new in zip(first.relations, last.relations, strict=True):
        assert len(old.accepted) == len(new.accepted)
        assert not set(old.accepted) & set(new.accepted)


def failing(built: Landscape) -> set[tuple[str, str]]:
    """Control and subject of everything that deviates."""
    inventory = Inventory(ROOT / "inventories", catalogue().known)
    facts = Facts(built, catalogue(), inventory.registry)
    found = run_audit(facts, of_landscape(built), load_controls([ROOT]), Place.PLAN, dt.date(2026, 12, 1))
    return {(f.control, f.subject) for f in found.findings if f.outcome is Outcome.FAIL}


def test_the_controls_stop_no_step_of_a_rotation() -> None:
    before = failing(rotated(STEPS[0]))
    for step in STEPS[1:]:
        assert failing(rotated(step)) == before
