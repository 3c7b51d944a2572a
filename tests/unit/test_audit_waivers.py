"""Deviations: what they cover, when they end, and what they never cover."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ggi.audit.deviations import Deviations, load_waivers, unused_problems
from ggi.catalogue.content import load_catalogue
from ggi.catalogue.secrets import NO_TAG
from ggi.controls import cel
from ggi.controls.load import Controls, load_controls
from ggi.controls.verdict import Outcome
from ggi.enforcement.admission import policy
from ggi.errors import InputError
from ggi.inventory.load import Inventory
from ggi.inventory.waiverfiles import Waivers
from ggi.inventory.waivers import (
    ACCEPTED,
    PLACEHOLDER,
    NotApplicable,
    Proposal,
    RemediationPlan,
    Waiver,
    WaiverFile,
    admission_text,
)
from ggi.landscape.build import landscape
from ggi.paths import ROOT

CONTROLS: Controls = load_controls([ROOT])
ISO, GOVERNMENT = CONTROLS.by_id["POD-003"], CONTROLS.by_id["POD-006"]
START = dt.date(2026, 1, 1)
TEXT = "reason enough for a reader"


def waiver(days: int = 300, **changes: Any) -> Waiver:
    said = {
        "control": "POD-003",
        "resource": "openzaak/Deployment/web",
        "value": "container=web",
        "reason": TEXT,
        "owner": "proceseigenaar",
        "approver": "CISO",
        "granted": START,
        "expires": START + dt.timedelta(days=days),
        "compensating": TEXT,
    }
    return Waiver.model_validate(said | changes)


def plan(due: dt.date) -> RemediationPlan:
    said = {"control": "POD-006", "resource": "*", "value": "y", "reason": TEXT, "owner": "beheer", "granted": START}
    return RemediationPlan.model_validate(said | {"plan": TEXT, "due": due})


def outcome(
    file: WaiverFile,
    on: dt.date,
    control: Any = ISO,
    subject: str = "openzaak/Deployment/web",
    value: str = "container=web",
) -> Outcome:
    return Deviations(file, "prod", on).of(control, subject, value).outcome


@given(st.integers(0, 366), st.integers(-400, 800))
def test_a_waiver_holds_from_its_decision_until_its_last_day_and_not_a_day_longer(days: int, offset: int) -> None:
    item, on = waiver(days), START + dt.timedelta(days=offset)
    held = item.granted <= on <= item.expires
    assert outcome(WaiverFile(waivers=[item]), on) is (Outcome.WAIVED if held else Outcome.FAIL)


@given(st.integers(0, 366), st.integers(0, 366))
def test_a_waiver_warns_in_its_last_thirty_days(days: int, offset: int) -> None:
    item, on = waiver(days), START + dt.timedelta(days=offset)
    assert item.expires_soon(on) is (0 <= days - offset <= 30)
    if item.expires_soon(on):
        assert Deviations(WaiverFile(waivers=[item]), "prod", on).of(ISO, item.resource, "container=web").note


@given(st.text(max_size=30))
def test_another_value_than_the_accepted_one_is_a_new_finding(value: str) -> None:
    found = outcome(WaiverFile(waivers=[waiver()]), START, value=value)
    assert found is (Outcome.WAIVED if value == "container=web" else Outcome.FAIL)


@given(st.integers(367, 4000))
def test_a_waiver_of_more_than_a_year_can_not_be_written(days: int) -> None:
    with pytest.raises(ValidationError, match="twelve months"):
        waiver(days)


def test_a_waiver_needs_an_end_a_compensation_and_two_roles() -> None:
    for changes in (
        {"expires": None},
        {"compensating": "-"},
        {"approver": "Proceseigenaar"},
        {"reason": ""},
        {"days": -1},
    ):
        with pytest.raises(ValidationError):
            waiver(**changes)


@pytest.mark.parametrize(
    "subject", ["openzaak/Deployment/worker", "openzaak/Deployment/web2", "xopenzaak/Deployment/web"]
)
def test_a_waiver_covers_nothing_that_it_does_not_name(subject: str) -> None:
    assert outcome(WaiverFile(waivers=[waiver()]), START, subject=subject) is Outcome.FAIL


def test_a_waiver_covers_only_the_environments_that_it_names() -> None:
    file = WaiverFile(waivers=[waiver(environments=["accp"])])
    assert outcome(file, START) is Outcome.FAIL
    assert Deviations(file, "accp", START).of(ISO, "openzaak/Deployment/web", "container=web").outcome is Outcome.WAIVED


def test_a_government_measure_is_never_waived() -> None:
    file = WaiverFile(waivers=[waiver(control="POD-006", value="hostNetwork")])
    assert outcome(file, START, GOVERNMENT, value="hostNetwork") is Outcome.FAIL


def test_a_government_measure_can_be_not_applicable_with_a_reason() -> None:
    item = NotApplicable(
        control="POD-006", resource="*", reason=TEXT, owner="proceseigenaar", approver="CISO", granted=START
    )
    assert outcome(WaiverFile(not_applicable=[item]), START, GOVERNMENT) is Outcome.NOT_APPLICABLE


@given(st.integers(-100, 100))
def test_a_plan_stays_a_failure_and_stops_blocking_until_it_is_due(offset: int) -> None:
    item = plan(START + dt.timedelta(days=50))
    found = Deviations(WaiverFile(plans=[item]), "prod", START + dt.timedelta(days=offset)).of(GOVERNMENT, "x", "y")
    assert found.outcome is Outcome.FAIL
    assert (found.plan is not None) is (0 <= offset <= 50)


def test_a_plan_is_about_what_was_seen_when_it_was_made() -> None:
    file = WaiverFile(plans=[plan(START + dt.timedelta(days=50))])
    assert Deviations(file, "prod", START).of(GOVERNMENT, "x", "y").plan is not None
    assert Deviations(file, "prod", START).of(GOVERNMENT, "x", "worse").plan is None


def test_what_is_not_applicable_counts_from_its_decision_on() -> None:
    item = NotApplicable(
        control="POD-006", resource="*", reason=TEXT, owner="proceseigenaar", approver="CISO", granted=START
    )
    file = WaiverFile(not_applicable=[item])
    assert outcome(file, START - dt.timedelta(days=1), GOVERNMENT) is Outcome.FAIL


def test_owner_and_approver_of_what_is_not_applicable_are_two_roles() -> None:
    with pytest.raises(ValidationError, match="two roles"):
        NotApplicable(control="POD-006", resource="*", reason=TEXT, owner="CISO", approver="ciso", granted=START)


# -- files -------------------------------------------------------------------------------------------------------------


def written(folder: Path, text: str) -> Path:
    (folder / "policies" / "waivers").mkdir(parents=True)
    (folder / "policies" / "waivers" / "gm9901.yaml").write_text(text, encoding="utf-8")
    return folder


ITEM = """\
waivers:
  - control: {control}
    resource: openzaak/Deployment/web
    value: container=web
    reason: reason enough for a reader
    owner: proceseigenaar
    approver: CISO
    granted: 2026-01-01
    expires: 2026-12-31
    compensating: reason enough for a reader
"""


@pytest.mark.parametrize(("control", "told"), [("POD-006", "government measure"), ("POD-999", "there is no control")])
def test_a_waiver_that_can_not_hold_is_an_error_at_its_line(tmp_path: Path, control: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        load_waivers([written(tmp_path, ITEM.format(control=control))], CONTROLS.by_id).get("gm9901")
    assert str(caught.value.problems[0].origin) == "policies/waivers/gm9901.yaml:2"


def test_a_deviation_that_matches_nothing_is_an_error() -> None:
    item = waiver()
    deviations = Deviations(WaiverFile(waivers=[item]), "prod", START)
    assert deviations.unused() == [item]
    deviations.of(ISO, "openzaak/Deployment/web", "container=web")
    assert deviations.unused() == []


def test_a_deviation_for_another_environment_is_not_called_unused(tmp_path: Path) -> None:
    one = load_waivers([written(tmp_path, ITEM.format(control="POD-003"))], CONTROLS.by_id).get("gm9901")
    assert one is not None
    item = one.file.waivers[0]
    assert unused_problems(one, {"prod": [item], "accp": []}) == []
    assert [str(p.origin) for p in unused_problems(one, {"prod": [item]})] == ["policies/waivers/gm9901.yaml:2"]


def test_the_placeholder_of_a_tag_is_that_of_the_catalogue() -> None:
    assert PLACEHOLDER == NO_TAG


def test_the_shipped_waivers_load() -> None:
    found = load_waivers([ROOT], CONTROLS.by_id, CONTROLS.retired)
    assert not found.problems
    assert found.get("gm9901")


def test_a_file_that_is_wrong_stops_its_own_tenant_alone(tmp_path: Path) -> None:
    folder = written(tmp_path, ITEM.format(control="POD-999")) / "policies" / "waivers"
    (folder / "gm9902.yaml").write_text(ITEM.format(control="POD-003"), encoding="utf-8")
    found = load_waivers([tmp_path], CONTROLS.by_id)
    assert found.get("gm9902")
    assert found.get("gm9903") is None
    with pytest.raises(InputError):
        found.get("gm9901")


# -- a region proposes, a gemeente adopts ------------------------------------------------------------------------------


def region(folder: Path, **changes: Any) -> Proposal:
    """A region's file with one proposal in `folder`; returns the proposal."""
    said = waiver().model_dump(mode="json") | {"id": "one", "owner": "beheer", **changes}
    (folder / "policies" / "waivers" / "regions").mkdir(parents=True, exist_ok=True)
    path = folder / "policies" / "waivers" / "regions" / "midden.yaml"
    path.write_text(json.dumps({"proposals": [said]}), encoding="utf-8")
    return Proposal.model_validate({**waiver().model_dump(), "id": "one", "owner": "beheer", **changes})


def adopt(folder: Path, reads: str, **changes: Any) -> Waivers:
    """What is read when gm9901 adopts that proposal."""
    said = {"proposal": "midden/one", "reads": reads, "owner": "directeur", "approver": "CISO", **changes}
    said = {"granted": "2026-02-01", "expires": "2026-06-30", **said}
    (folder / "policies" / "waivers" / "gm9901.yaml").write_text(json.dumps({"adopted": [said]}), encoding="utf-8")
    return load_waivers([folder], CONTROLS.by_id)


def test_a_proposal_of_a_region_covers_no_gemeente_by_itself(tmp_path: Path) -> None:
    region(tmp_path)
    found = load_waivers([tmp_path], CONTROLS.by_id)
    assert not found.problems
    assert found.get("gm9901") is None


def test_a_gemeente_that_adopts_a_proposal_is_covered_with_its_own_roles_and_dates(tmp_path: Path) -> None:
    one = adopt(tmp_path, region(tmp_path).reads).get("gm9901")
    assert one is not None
    (taken,) = one.file.waivers
    assert (taken.owner, taken.approver, taken.expires) == ("directeur", "CISO", dt.date(2026, 6, 30))
    assert (taken.control, taken.value, taken.reason) == ("POD-003", "container=web", TEXT)
    assert one.origin(taken).line == 1
    assert outcome(one.file, dt.date(2026, 3, 1)) is Outcome.WAIVED
    assert outcome(one.file, dt.date(2026, 7, 1)) is Outcome.FAIL


@pytest.mark.parametrize(
    ("proposed", "adopted", "told"),
    [
        ({"value": "anything"}, {}, "no longer reads"),
        ({"resource": "*"}, {}, "no longer reads"),
        ({}, {"expires": "2026-12-31"}, "ends after the proposal"),
        ({}, {"expires": "2027-12-31"}, "twelve months"),
        ({}, {"owner": "CISO"}, "two roles"),
        ({}, {"proposal": "midden/other"}, "no proposal midden/other"),
        ({"environments": ["accp"]}, {"environments": ["prod"]}, "no longer reads"),
    ],
)
def test_an_adoption_holds_only_for_what_was_read(
    tmp_path: Path, proposed: dict[str, Any], adopted: dict[str, Any], told: str
) -> None:
    reads = region(tmp_path).reads
    region(tmp_path, **proposed)
    with pytest.raises(InputError, match=told):
        adopt(tmp_path, reads, **adopted).get("gm9901")


def test_an_adoption_never_widens_the_environments_of_a_proposal(tmp_path: Path) -> None:
    reads = region(tmp_path, environments=["accp"]).reads
    with pytest.raises(InputError, match="accp alone"):
        adopt(tmp_path, reads, environments=["prod"]).get("gm9901")


def test_a_region_can_not_propose_to_waive_a_government_measure(tmp_path: Path) -> None:
    found = adopt(tmp_path, region(tmp_path, control="POD-006").reads)
    assert "government measure" in found.wrong["regions/midden"][0].message
    with pytest.raises(InputError, match="government measure"):
        found.get("gm9901")


# -- admission ---------------------------------------------------------------------------------------------------------


def allowed(text: str, subject: str, evidence: str) -> bool:
    """Whether the policy of POD-003 lets this be in a namespace that says `text`."""
    kind, _, name = subject.partition("/")
    notes = {"annotations": {ACCEPTED: text}} if text else {}
    declared = {v["name"]: v["expression"] for v in policy(CONTROLS.by_id["POD-003"])["spec"]["variables"]}
    found = declared["waived"]
    body = {"kind": kind, "metadata": {"name": name}, "seen": evidence}
    seen = cel.activation(body, {"metadata": notes})
    return bool(cel.evaluate(cel.compiled(cel.inlined(found, declared | {"evidence": "object.seen"})), seen))


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=30))
def test_the_cluster_allows_the_accepted_value_alone(value: str) -> None:
    objects = [("openzaak/Deployment/web", "Deployment", "openzaak-web", "")]
    text = admission_text(WaiverFile(waivers=[waiver(value=value)]), "prod", objects)
    assert allowed(text, "Deployment/openzaak-web", value)
    assert not allowed(text, "Deployment/openzaak-web", f"{value}x")
    assert not allowed(text, "Deployment/openzaak-web2", value)
    assert not allowed(text.replace("POD-003", "POD-004"), "Deployment/openzaak-web", value)
    assert not allowed("", "Deployment/openzaak-web", value)


def test_the_cluster_knows_an_object_whatever_the_hash_in_its_name() -> None:
    objects = [("openzaak/ConfigMap/env", "ConfigMap", "openzaak-env-85eb54ed", "openzaak-env")]
    file = WaiverFile(waivers=[waiver(resource="openzaak/ConfigMap/*")])
    text = admission_text(file, "prod", objects)
    assert allowed(text, "ConfigMap/openzaak-env-0a1b2c3d", "container=web")
    assert not allowed(text, "ConfigMap/openzaak-env-extra-0a1b2c3d", "container=web")
    assert admission_text(file, "accp", objects)
    assert not admission_text(WaiverFile(waivers=[waiver(environments=["accp"])]), "prod", objects)


def test_the_namespace_carries_what_the_cluster_must_let_through() -> None:
    catalogue = load_catalogue()
    inventory = Inventory(ROOT / "inventories", catalogue.known)

    def annotations(stack: str) -> dict[str, str]:
        tenant, name = inventory.find(stack)
        found = landscape(inventory.environment(tenant, name), catalogue)
        return dict(next(o for o in found.objects if o.kind == "Namespace").body["metadata"]["annotations"])

    lines = annotations("gm9901-prod")[ACCEPTED].splitlines()
    assert [line.split("=")[0] for line in lines] == [
        r"AVL-004 ^Deployment/fsccontroller\-server",
        r"AVL-004 ^Deployment/fscmanager\-server",
    ]
    assert ACCEPTED not in annotations("gm9902-prod")
