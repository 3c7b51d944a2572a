"""A new EAP certificate reaches servers only when devices are ready for it."""

from __future__ import annotations

import datetime as dt
import importlib.util
from typing import Any

import pytest

from ggi.hosts.rollover import Step, step
from ggi.inventory.govroam import LEAST_REACHED, Eap, Rollover
from ggi.paths import ROOT
from sandbox.hosts.authority import SERVER, Authority

NAME = "radius.rijnstad.test"
NOW = dt.datetime.now(dt.UTC)
OLD, NEW = Authority.new("old ca"), Authority.new("new ca")
FIRST = OLD.issue(NAME, [NAME], [SERVER]).certificate
SAME_CA = OLD.issue(NAME, [NAME], [SERVER]).certificate
OTHER_CA = NEW.issue(NAME, [NAME], [SERVER]).certificate
BOTH = OLD.pem + NEW.pem
HAVE = [(FIRST, OLD.pem)] * 2
OUT = {"profile_out": NOW.date()}


def eap(authority: str, **rollover: Any) -> Eap:
    """What the network's file says."""
    return Eap(server_name=NAME, authority=authority, rollover=Rollover(**rollover) if rollover else None)


@pytest.mark.parametrize(
    ("new", "settings", "expected"),
    [
        (FIRST, eap(OLD.pem), Step.NOTHING),
        (SAME_CA, eap(OLD.pem), Step.SERVERS),
        (OTHER_CA, eap(OLD.pem), Step.AUTHORITIES),
        # The old CA was taken out too early: no device could log in at the servers as they are.
        (OTHER_CA, eap(NEW.pem), Step.AUTHORITIES),
        (OTHER_CA, eap(BOTH), Step.PROFILE),
        (OTHER_CA, eap(BOTH, profile_out=NOW.date() + dt.timedelta(days=2), reached=100), Step.PROFILE),
        (OTHER_CA, eap(BOTH, **OUT, reached=LEAST_REACHED - 1), Step.WAIT),
        (OTHER_CA, eap(BOTH, **OUT, reached=LEAST_REACHED), Step.SERVERS),
        (NEW.issue("other.test", ["other.test"], [SERVER]).certificate, eap(BOTH, **OUT, reached=100), Step.MEND),
    ],
    # Without names, a test would be called after its certificates, which are others in every process.
    ids=["nothing new", "same CA", "other CA", "old CA gone too early", "both CAs", "profile not out yet",
         "too few reached", "enough reached", "another name"],
)  # fmt: skip
def test_the_next_step_is_the_one_that_locks_nobody_out(new: str, settings: Eap, expected: Step) -> None:
    assert step(HAVE, new, settings, NOW).step is expected


def test_one_server_of_a_pair_that_is_behind_is_brought_up_to_date() -> None:
    current = [(OTHER_CA, BOTH), (FIRST, OLD.pem)]
    assert step(current, OTHER_CA, eap(BOTH, **OUT, reached=100), NOW).step is Step.SERVERS
    assert step(current, OTHER_CA, eap(BOTH), NOW).step is Step.PROFILE


def test_a_certificate_that_no_device_trusts_is_replaced_at_once() -> None:
    by_hand = Authority.new("by hand").issue(NAME, [NAME], [SERVER]).certificate
    assert step([(by_hand, OLD.pem)], FIRST, eap(OLD.pem), NOW).step is Step.SERVERS
    assert step([], FIRST, eap(OLD.pem), NOW).step is Step.SERVERS


def order_problem(*arguments: Any) -> str:
    """The filter that the role freeradius uses."""
    path = ROOT / "roles" / "filter_plugins" / "certificate.py"
    spec = importlib.util.spec_from_file_location("ggi_test_certificate_filter", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.FilterModule().filters()["certificate_order_problem"](*arguments))


@pytest.mark.parametrize(
    ("new", "authorities", "reached", "refused"),
    [
        (SAME_CA, OLD.pem, 0, False),
        (OTHER_CA, BOTH, 0, True),
        (OTHER_CA, NEW.pem, LEAST_REACHED - 1, True),
        (OTHER_CA, BOTH, LEAST_REACHED, False),
    ],
    ids=["same CA", "nobody reached", "old CA gone too early", "enough reached"],
)
def test_the_role_refuses_the_wrong_order_by_itself(new: str, authorities: str, reached: int, refused: bool) -> None:
    assert bool(order_problem(new, authorities, FIRST, OLD.pem, reached)) is refused


def test_the_role_repairs_a_certificate_that_was_put_there_by_hand() -> None:
    by_hand = Authority.new("by hand").issue(NAME, [NAME], [SERVER]).certificate
    assert order_problem(FIRST, OLD.pem, by_hand, OLD.pem, 0) == ""
