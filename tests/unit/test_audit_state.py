"""Judging an exported state: as the engine keeps it, with its Secrets encrypted, and as others name things."""

from __future__ import annotations

import datetime as dt
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ggi.audit.audit import Audit, Place, run_audit
from ggi.audit.state import read_export
from ggi.catalogue.content import load_catalogue
from ggi.controls.load import load_controls
from ggi.controls.observation import Facts
from ggi.controls.subjects import SECRET_MARK, SECRET_SIGNATURE, of_landscape, of_state
from ggi.controls.verdict import Outcome
from ggi.errors import InputError
from ggi.inventory.load import Inventory
from ggi.landscape.build import landscape
from ggi.paths import ROOT

DATE = dt.date(2026, 11, 22)


@cache
def facts() -> Facts:
    catalogue = load_catalogue()
    inventory = Inventory(ROOT / "inventories", catalogue.known)
    tenant, name = inventory.find("gm9901-accp")
    return Facts(landscape(inventory.environment(tenant, name), catalogue), catalogue, inventory.registry)


def exported(*, theirs: bool = False) -> dict[str, Any]:
    """The state of the example's landscape; with `theirs` under names that mean nothing to us."""
    resources = []
    for number, item in enumerate(facts().landscape.objects):
        body: dict[str, Any] = dict(item.body)
        if item.secrets:
            body["data"] = {SECRET_MARK: SECRET_SIGNATURE, "ciphertext": "v1:xxxx"}
        name = f"thing-{number}" if theirs else item.name
        kind = f"kubernetes:{item.api_version}:{item.kind}"
        resources.append({"urn": f"urn:pulumi:x::y::{kind}::{name}", "type": kind, "outputs": body})
    return {"deployment": {"resources": resources}}


def judged(state: dict[str, Any]) -> Audit:
    return run_audit(facts(), list(of_state(state, facts().landscape)), load_controls([ROOT]), Place.STATE, DATE)


def failing(audit: Audit) -> set[tuple[str, str]]:
    return {(f.control, f.subject) for f in audit.failed}


def test_a_state_is_judged_as_the_plan_that_it_came_from() -> None:
    planned = run_audit(facts(), of_landscape(facts().landscape), load_controls([ROOT]), Place.PLAN, DATE)
    found = judged(exported())
    assert failing(found) == failing(planned)
    unknown = {f.control for f in found.findings if f.outcome is Outcome.UNKNOWN}
    assert {"AVL-007", "SEC-006"} <= unknown, "keys of an encrypted Secret are not known, which is no pass"


def test_a_stack_that_others_deployed_is_judged_by_what_things_are_called_in_the_cluster() -> None:
    ours, others = judged(exported()), judged(exported(theirs=True))
    assert {(f.control, f.subject, f.outcome) for f in others.findings} == {
        (f.control, f.subject, f.outcome) for f in ours.findings
    }


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"deployment": 1}', '{"deployment": {"resources": 1}}', "\x00"])
def test_what_is_no_exported_state_is_named_with_the_way_to_make_one(tmp_path: Path, text: str) -> None:
    file = tmp_path / "state.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="is not an exported state") as raised:
        read_export(file)
    assert "pulumi stack export" in str(raised.value)
    with pytest.raises(InputError, match="can't be read"):
        read_export(tmp_path / "none.json")


def test_an_exported_state_is_read_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text(json.dumps({"version": 3, **exported()}), encoding="utf-8")
    assert len(list(of_state(read_export(file)))) == len(facts().landscape.objects)
