"""What `ggi verify` tries follows from the landscape, and what it makes for that our own controls let through."""

from __future__ import annotations

from typing import Any

import pytest

from ggi.app.verifying import ADVICE, STEPS, _heard, _row, _stranger, _stranger_account, _stranger_policy, _told
from ggi.audit.judge import FAILS
from ggi.catalogue.relation import Auth
from ggi.catalogue.release import probe_image
from ggi.controls import cel
from ggi.controls.observation import Subject
from ggi.engine.probepods import ProbePod, probe_pod
from ggi.landscape.build import Landscape, landscape
from ggi.landscape.checks import STRANGER, Check, checks, pairs
from tests.content import catalogue, controls, inventory


@pytest.fixture(scope="module")
def built() -> Landscape:
    found, name = inventory().find("gm9901-accp")
    return landscape(inventory().environment(found, name), catalogue())


def test_every_relation_that_works_now_is_tried_for_each_process_that_has_it(built: Landscape) -> None:
    tried = {(check.relation, check.source) for check in checks(built)}
    for relation in built.relations:
        if {relation.provider, relation.consumer} & set(built.waiting):
            continue
        served = {p.name for p in built.components[relation.consumer].component.processes}
        for process in set(relation.processes) & served:
            assert (relation.id, (relation.consumer, process)) in tried


def test_a_secret_is_named_and_never_told(built: Landscape) -> None:
    with_secret = [c for c in checks(built) if "auth" in c.details]
    kinds = {r.auth for r in built.relations if r.credential and r.auth in (Auth.JWT, Auth.TOKEN)}
    assert {c.details["auth"]["kind"] for c in with_secret} >= {kind.value for kind in kinds}
    for check in with_secret:
        assert check.details["auth"]["secret"].isupper()


def test_a_stranger_is_tried_on_every_path_within_and_on_none_that_leads_out(built: Landscape) -> None:
    found = checks(built)
    strangers = {(c.details["host"], c.details["port"]) for c in found if c.source == STRANGER and c.refused == "tcp"}
    inside = {
        (c.details["host"], c.details["port"]) for c in found if c.source != STRANGER and c.target in built.components
    }
    assert strangers == inside
    assert not {c.target for c in found if c.refused == "tcp"} - built.components.keys()


def test_mail_and_the_directory_are_spoken_to(built: Landscape) -> None:
    found = {c.target: c.details for c in checks(built)}
    assert (found["smtp"]["speak"], found["smtp"]["host"]) == ("smtp", built.environment.cluster.smtp_host)
    assert set(found["fsc"]["tls"]) == {"ca", "certificate", "key"}


def test_pages_are_those_that_the_gateway_forwards_with_a_chain(built: Landscape) -> None:
    for check in checks(built):
        if check.details.get("gateway") and check.details.get("speak") == "http":
            told = _told(check, "192.0.2.1", "PEM")
            assert (told["address"], told["tls"]) == ("192.0.2.1", {"authorities": "PEM"})
            front = built.components[check.target].component.front
            assert told["path"] == front.format(stack=built.stack)


def test_pairs_are_all_processes_and_allowed_is_what_flows_say(built: Landscape) -> None:
    found = pairs(built)
    allowed = {c.id for c in found if not c.refused}
    assert len(found) > 400 and 30 < len(allowed) < 60
    assert {c.details["port"] for c in found if c.target == "postgresql"} <= {5432}


@pytest.mark.parametrize("made", ["probe", "stranger", "policy"])
def test_what_it_makes_meets_our_own_controls(built: Landscape, made: str) -> None:
    image = probe_image([catalogue().releases[built.environment.release]], built.environment.cluster)
    space = built.environment.namespace
    templates: list[Any] = [_stranger(built, "abc")]
    if made == "probe":
        workloads = [o for o in built.objects if o.kind in ("Deployment", "StatefulSet")]
        templates = [workload.body["spec"]["template"] for workload in workloads]
    bodies = [probe_pod(ProbePod("ggi-probe-0", template, ()), space, image) for template in templates]
    if made == "policy":
        bodies = [_stranger_policy(built, "192.0.2.1", "abc"), _stranger_account(space, "abc")]
    namespace = next(o.body for o in built.objects if o.kind == "Namespace")
    judged = 0
    for body in bodies:
        subject = Subject("x", body)
        view = cel.activation(body, namespace)
        for control in controls():
            if control.rule is not None and subject.kind in control.kinds:
                assert cel.evaluate(control.rule, view) != FAILS, f"{control.id}: {body['metadata']}"
                judged += 1
    assert judged


def test_no_two_checks_have_one_id(built: Landscape) -> None:
    ids = [check.id for check in (*checks(built), *pairs(built))]
    assert len(ids) == len(set(ids))


def test_a_stranger_that_reached_nothing_knocked_nowhere() -> None:
    door = Check("outside->keycloak", STRANGER, "keycloak", {})
    path = Check("stranger->openzaak:443", STRANGER, "openzaak", {}, refused="tcp")
    said = {door.id: {"step": "tcp", "seen": ""}, path.id: {"step": "tcp", "seen": ""}}
    heard = _heard((door, path), said)
    assert [_row(c, heard.get(c.id)).step for c in (door, path)] == ["tcp", "missing"]
    said = {door.id: {"step": "done", "seen": ""}, path.id: {"step": "tcp", "seen": ""}}
    heard = _heard((door, path), said)
    assert [_row(c, heard.get(c.id)).step for c in (door, path)] == ["", ""]


def test_every_way_to_stop_has_words_and_advice() -> None:
    assert STEPS.keys() == ADVICE.keys()
    check = Check("x", STRANGER, "openzaak", {}, refused="tcp")
    for step, shown in (("tcp", ""), ("done", "open"), ("dns", "dns")):
        assert _row(check, {"step": step, "seen": ""}).step == shown
    assert _row(Check("x", STRANGER, "openzaak", {}), {"step": "old", "seen": ""}).step == "old"
    assert _row(check, None).step == "missing"
