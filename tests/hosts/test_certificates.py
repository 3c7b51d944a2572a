"""A new certificate while people log in, in the order that devices need; and who is told when certificates end."""

from __future__ import annotations

import datetime as dt
import re
import threading
from pathlib import Path
from typing import Any

import pytest

from ggi.hosts.certificates import chain
from ggi.hosts.eapol import Outcome
from ggi.hosts.run import Run
from sandbox.hosts.authority import SERVER, Authority, Issued
from tests.hosts.conftest import converge
from tests.hosts.test_convergence import whole_afterwards
from tests.hosts.world import POLDERVEEN, World

pytestmark = [pytest.mark.hosts, pytest.mark.xdist_group("hosts"), pytest.mark.timeout(2400)]

NAME = "radius.drieland.test"
HOST = "net-drieland-rad2"


def renewal(world: World, issued: Issued, authorities: str, reached: int) -> dict[str, Any]:
    """The role's variables for another EAP certificate, which is supplied under another name."""
    for part, text in (("pem", issued.certificate), ("key", issued.key)):
        path = world.federation.secret("net-drieland", f"certificates/next.{part}")
        path.write_text(text, encoding="ascii")
        Path(path).chmod(0o600)
    secrets = {"certificate": "given(certificates/next.pem)", "key": "given(certificates/next.key)"}
    return {
        "freeradius_certificate_secrets": secrets,
        "freeradius_authority": authorities,
        "freeradius_reached": reached,
    }


def test_a_certificate_of_another_ca_waits_for_devices_and_then_locks_nobody_out(world: World) -> None:
    old, new = world.federation.authority("net-drieland-eap"), Authority.new("next ca")
    issued = new.issue(NAME, [NAME], [SERVER])
    both = old.pem + new.pem

    def renewed(reached: int) -> Run:
        variables = renewal(world, issued, both, reached)
        return converge(world.federation, "net-drieland", limit="rad2", tags="freeradius", variables=variables)

    with whole_afterwards(world):
        refused = renewed(94)
        assert "devices pin another CA, and 94 % have a profile with both" in refused.failed[HOST], refused.failed
        device = world.login_of(POLDERVEEN, ca=world.file("both.pem", both))
        failed, done = [], threading.Event()

        def people() -> None:
            # The other server of the pair answers while this one restarts, as for an access point.
            while not done.is_set():
                tries = [world.login(device, "net-drieland", server) for server in ("rad2", "rad1")]
                if Outcome.ACCEPTED not in {one.outcome for one in tries}:
                    failed.append(tries)

        crowd = threading.Thread(target=people)
        crowd.start()
        try:
            run = renewed(95)
        finally:
            done.set()
            crowd.join()
        assert run.fine, run.failed
        assert not failed
        assert world.login(device, "net-drieland", "rad2").outcome is Outcome.ACCEPTED
        # A device without the new profile is the one that the order protects.
        assert world.login(world.login_of(POLDERVEEN), "net-drieland", "rad2").outcome is Outcome.REFUSED
        back = converge(world.federation, "net-drieland", limit="rad2", variables={"freeradius_reached": 100})
        assert back.fine, back.failed
    assert world.login(world.login_of(POLDERVEEN), "net-drieland", "rad2").outcome is Outcome.ACCEPTED


def test_monitoring_is_told_when_certificates_and_revocation_lists_end(world: World) -> None:
    host = "net-rijnstad-rad1"
    world.federation.inside(host, "systemctl", "start", "govroam-metrics")
    text = world.federation.inside(host, "cat", "/var/lib/prometheus/node-exporter/govroam.prom").stdout
    found = {key: int(value) for key, value in re.findall(r"^(govroam_\S+) (\d+)$", text, re.M)}
    pem = world.federation.secret("net-rijnstad", "certificates/eap.pem").read_text(encoding="ascii")
    ends = int(chain(pem)[0].not_valid_after_utc.timestamp())
    assert found['govroam_certificate_end_seconds{certificate="eap"}'] == ends
    assert 'govroam_certificate_end_seconds{certificate="radsec"}' in found
    lists = [value for key, value in found.items() if key.startswith("govroam_crl")]
    soon = dt.datetime.now(dt.UTC).timestamp()
    assert len(lists) == 2 and all(soon < value < soon + 31 * 86400 for value in lists)
