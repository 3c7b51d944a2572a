"""Locks that a waiver opens ("pas toe of leg uit"): for one tenant, one key and one value, and it is told."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ggi.assurance.waiver_register import DeviationState, entries
from ggi.audit.assessment import Assessor
from ggi.audit.deviations import Deviations
from ggi.audit.judge import Judge
from ggi.cli.main import main
from ggi.controls.load import load_controls
from ggi.controls.observation import Facts, Observation
from ggi.controls.verdict import Outcome
from ggi.errors import InputError, Problem
from ggi.inventory.load import Environment, Inventory
from ggi.inventory.merge import merge, unwrap
from ggi.inventory.tree import Node, parse
from ggi.inventory.waivers import Lock
from ggi.landscape.build import landscape
from ggi.paths import ROOT
from tests.content import catalogue

KEY = "components.postgresql.max_connections"
LOCK: dict[str, Any] = {
    "key": KEY,
    "value": 300,
    "reason": "The old case system needs more connections.",
    "owner": "proceseigenaar",
    "approver": "CISO",
    "granted": "2026-06-01",
    "expires": "2027-05-31",
    "compensating": "Memory is looked at every week.",
}


def inventory(folder: Path, *locks: dict[str, Any]) -> Inventory:
    """An inventory in which gm9901 has another value than its region locked, with these waivers."""
    if not (folder / "inventories").exists():
        shutil.copytree(ROOT / "tests" / "corpus" / "base", folder / "inventories")
        shutil.copytree(ROOT / "inventories" / "registry", folder / "inventories" / "registry")
        case = ROOT / "tests" / "corpus" / "locked-value-overridden"
        shutil.copytree(case, folder / "inventories", dirs_exist_ok=True)
    (folder / "policies" / "waivers").mkdir(parents=True, exist_ok=True)
    file = folder / "policies" / "waivers" / "gm9901.yaml"
    file.write_text(json.dumps({"locks": list(locks)}), encoding="utf-8")
    return Inventory(folder / "inventories", replace(catalogue().known, roots=(folder,)))


def environment(found: Inventory, name: str = "prod") -> Environment:
    return found.environment(found.tenant("gm9901"), name)


def test_a_lock_opens_for_the_value_that_was_accepted(tmp_path: Path) -> None:
    found = environment(inventory(tmp_path, LOCK))
    assert found.tree.child(*KEY.split(".")).plain() == 300  # type: ignore[union-attr]
    assert [lock.key for lock in found.opened] == [KEY]
    body = next(o.body for o in landscape(found, catalogue()).objects if o.kind == "Cluster")
    assert "300" in json.dumps(body["spec"]["postgresql"])


@pytest.mark.parametrize(
    "locks",
    [
        [],
        [{**LOCK, "value": 301}],
        [{**LOCK, "value": "300"}],
        [{**LOCK, "key": "components.postgresql"}],
        [{**LOCK, "key": "components.postgresql.instances"}],
        [{**LOCK, "environments": ["accp"]}],
    ],
)
def test_it_stays_locked_for_everything_else(tmp_path: Path, locks: list[dict[str, Any]]) -> None:
    with pytest.raises(InputError, match="is locked by the layer region oost") as caught:
        environment(inventory(tmp_path, *locks))
    assert "`locks:` in policies/waivers/" in caught.value.problems[0].fix


def test_a_waiver_of_a_lock_counts_in_the_environments_that_it_names(tmp_path: Path) -> None:
    found = inventory(tmp_path, {**LOCK, "environments": ["prod"]})
    assert environment(found).opened
    with pytest.raises(InputError, match="is locked"):
        environment(found, "accp")


values = st.one_of(
    st.integers(0, 3), st.booleans(), st.text("ab1", max_size=2), st.lists(st.integers(0, 2), max_size=2)
)


@given(values, values, values)
def test_exactly_the_accepted_value_passes_a_lock(locked: object, wanted: object, accepted: object) -> None:
    lower = unwrap(parse(json.dumps({"a": {"locked": locked}}), "low", "low"))
    upper = unwrap(parse(json.dumps({"a": wanted}), "up", "up"))
    waiver = Lock.model_validate({**LOCK, "key": "a", "value": accepted})

    def opens(path: tuple[str, ...], value: Node) -> bool:
        return path == ("a",) and waiver.accepts(value.plain())

    problems: list[Problem] = []
    merged = merge(lower, upper, problems, opens=opens).plain()["a"]
    same = type(wanted) is type(accepted) and wanted == accepted
    allowed = same or wanted == locked
    assert (problems == []) is allowed
    assert merged == (wanted if allowed else locked)


def test_what_one_layer_may_the_next_may_not(tmp_path: Path) -> None:
    found = inventory(tmp_path, LOCK)
    path = tmp_path / "inventories" / "tenants" / "gm9901.yaml"
    text = path.read_text(encoding="utf-8")
    more = 'prod: {release: "2026.3", domain: rijnstad.test, components: {postgresql: {max_connections: 400}}}'
    path.write_text(text.replace('prod: {release: "2026.3", domain: rijnstad.test}', more), encoding="utf-8")
    with pytest.raises(InputError, match="is locked"):
        environment(found)


def test_explain_tells_who_accepted_it_and_until_when(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inventory(tmp_path, LOCK)
    (tmp_path / "stacks").mkdir()
    (tmp_path / "policies" / "waivers" / "gm9901.yaml").rename(tmp_path / "policies" / "waivers" / "gm9902.yaml")
    tenant = tmp_path / "inventories" / "tenants" / "gm9901.yaml"
    text = tenant.read_text(encoding="utf-8").replace("GM9901", "GM9902").replace("99990100", "99990200")
    tenant.unlink()
    tenant.with_name("gm9902.yaml").write_text(text, encoding="utf-8")
    run = ["--inventory", str(tmp_path / "inventories"), "--content", str(tmp_path), "explain", "gm9902", KEY]
    assert main(run) == 0
    told = capsys.readouterr().out
    assert "accepted by CISO until 2027-05-31, owned by proceseigenaar" in told
    assert "200 (locked)" in told
    assert main([*run, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["said"]
    assert [item["waiver"] and item["waiver"]["approver"] for item in said] == ["CISO", None]


def test_an_expired_waiver_of_a_lock_is_a_finding_and_a_landscape_knows_no_dates(tmp_path: Path) -> None:
    found = environment(inventory(tmp_path, LOCK))
    facts = Facts(landscape(found, catalogue()), catalogue())
    control = load_controls([ROOT]).by_id["GOV-003"]
    for date, wanted in ((dt.date(2027, 5, 31), Outcome.PASS), (dt.date(2027, 6, 1), Outcome.FAIL)):
        seen = Observation([], date, facts, found.deviations)
        (finding,) = Judge([control], seen, Deviations(found.deviations, "prod", date)).of_check(control)
        assert (finding.outcome, finding.subject) == (wanted, KEY)


def test_the_register_lists_locks_with_the_other_deviations(tmp_path: Path) -> None:
    found = inventory(tmp_path, LOCK)
    one = found.waivers.get("gm9901")
    assert one is not None
    controls = load_controls([ROOT])
    assessor = Assessor(catalogue(), found, controls, found.waivers, dt.date(2027, 5, 1))
    rows = entries(assessor, one, found.tenant("gm9901"))
    assert {(row.environment, row.resource, row.state, row.days) for row in rows} == {
        ("accp", KEY, DeviationState.SOON, 30),
        ("prod", KEY, DeviationState.SOON, 30),
    }
