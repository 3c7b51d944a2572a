"""A network declares what deviates, as every other owned thing does."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ggi.audit.deviations import Deviations
from ggi.controls.verdict import Enforcement, Finding, Outcome
from ggi.errors import InputError
from ggi.hosts.audit import ENVIRONMENT, deviations_of
from ggi.hosts.controls import load_host_controls
from ggi.hosts.network import ManagedNetwork
from ggi.inventory.load import Inventory
from ggi.paths import ROOT

CONTROLS = load_host_controls([ROOT])
SEEN = "ntp.rijnstad.test: absent"
WAIVER = """\
waivers:
  - control: {control}
    resource: net-rijnstad-rad2
    value: "{value}"
    reason: The time server of the data centre is replaced this quarter.
    owner: network manager
    approver: CISO
    granted: 2026-10-01
    expires: 2026-12-31
    compensating: The other server of the pair has both time servers.
"""


def judged(
    root: Path, outcome: Outcome = Outcome.FAIL, *, host: str = "net-rijnstad-rad2", on: str = "2026-11-22"
) -> Finding:
    """What the waiver file below `root` makes of a finding about time on `host`."""
    place = ManagedNetwork.of("net-rijnstad", Inventory(ROOT / "inventories"))
    own = deviations_of([root], place, CONTROLS)
    assert own is not None
    finding = Finding("HST-007", host, outcome, Enforcement.MANDATORY, SEEN)
    return Deviations(own.file, ENVIRONMENT, dt.date.fromisoformat(on)).explained(CONTROLS["HST-007"].control, finding)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A content root with a waiver of the control of clocks on the second server."""
    return write(tmp_path, WAIVER.format(control="HST-007", value=SEEN))


def write(root: Path, text: str) -> Path:
    """The waiver file of Rijnstad's network."""
    path = root / "policies" / "waivers" / "networks" / "rijnstad.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return root


def test_an_accepted_failure_of_a_host_is_waived_with_who_accepted_it(written: Path) -> None:
    found = judged(written)
    assert (found.outcome, found.waiver.approver) == (Outcome.WAIVED, "CISO")


@pytest.mark.parametrize(("host", "on"), [("net-rijnstad-rad1", "2026-11-22"), ("net-rijnstad-rad2", "2027-01-01")])
def test_another_host_and_a_later_day_are_not_covered(written: Path, host: str, on: str) -> None:
    assert judged(written, host=host, on=on).outcome is Outcome.FAIL


def test_what_was_not_seen_when_it_was_accepted_fails_again(tmp_path: Path) -> None:
    assert judged(write(tmp_path, WAIVER.format(control="HST-007", value="something less"))).outcome is Outcome.FAIL


def test_what_could_not_be_judged_stays_unknown(written: Path) -> None:
    assert judged(written, Outcome.UNKNOWN).outcome is Outcome.UNKNOWN


def test_a_waiver_of_a_control_that_is_not_over_hosts_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no control HST-077") as caught:
        judged(write(tmp_path, WAIVER.format(control="HST-077", value=SEEN)))
    origin = caught.value.problems[0].origin
    assert origin is not None and (origin.file, origin.line) == ("policies/waivers/networks/rijnstad.yaml", 2)


def test_a_network_without_a_file_has_no_deviations(tmp_path: Path) -> None:
    place = ManagedNetwork.of("net-rijnstad", Inventory(ROOT / "inventories"))
    assert deviations_of([tmp_path], place, CONTROLS) is None
