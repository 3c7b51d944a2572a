"""A new certificate while people log in, in the order that devices need; and who is told when certificates end."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from ggi.cli.main import main
from ggi.files import write_atomically
from ggi.hosts.eapol import LoginOutcome
from ggi.inventory.govroam import chain
from sandbox.hosts.authority import CLIENT, SERVER, Authority
from tests.hosts.conftest import converge
from tests.hosts.world import POLDERVEEN, World

pytestmark = pytest.mark.timeout(2400)

NAME = "radius.drieland.test"
STACK = "net-drieland"
HOST = "net-drieland-rad2"


@contextmanager
def supplying(world: World, files: Mapping[str, str]) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Supply other secrets and, by what it yields, other values of `eap`; at the end all is as before."""
    paths = {world.federation.secret(STACK, name): text for name, text in files.items()}
    before = {path: path.read_text(encoding="utf-8") for path in (*paths, world.federation.supplied)}

    def values(eap: dict[str, Any]) -> None:
        found = yaml.safe_load(before[world.federation.supplied])
        found[STACK.removeprefix("net-")]["govroam"]["eap"] |= eap
        write_atomically(world.federation.supplied, yaml.safe_dump(found))

    try:
        for path, text in paths.items():
            write_atomically(path, text)
        yield values
    finally:
        for path, text in before.items():
            write_atomically(path, text)
        # Also back to the CA that devices know, from one that they do not.
        run = converge(world.federation, STACK, tags="freeradius", variables={"freeradius_reached": 100})
    assert run.fine, run.failed


def test_a_certificate_of_another_ca_waits_for_devices_and_then_locks_nobody_out(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("GGI_SANDBOX", world.federation.name)
    old, new = world.federation.authority("net-drieland-eap"), Authority.new("next ca")
    issued = new.issue(NAME, [NAME], [SERVER])
    both = old.pem + new.pem
    today = dt.datetime.now(dt.UTC).date().isoformat()

    def renewed(*more: str) -> tuple[int, str]:
        code = main(["hosts", "renew-certificate", STACK, "--sandbox", "--yes", *more])
        return code, capsys.readouterr().out

    with supplying(world, {"certificates/eap.pem": issued.certificate, "certificates/eap.key": issued.key}) as values:
        code, told = renewed()
        assert code == 1 and "write both CAs" in told
        values({"authority": both})
        code, told = renewed("--profiles", str(tmp_path))
        assert code == 1 and "hand out profiles with both CAs" in told
        profile = (tmp_path / f"{POLDERVEEN}.ca.pem").read_text(encoding="ascii")
        assert len(chain(profile)) == 2
        values({"authority": both, "rollover": {"profile_out": today, "reached": 94}})
        code, told = renewed()
        assert code == 1 and "94 %" in told
        # Whoever leaves the command out is held to the same order.
        refused = converge(world.federation, STACK, limit="rad2", tags="freeradius")
        assert "devices pin another CA, and 94 % have a profile with both" in refused.failed[HOST], refused.failed
        values({"authority": both, "rollover": {"profile_out": today, "reached": 95}})
        device = world.login_of(POLDERVEEN, ca=world.file("both.pem", profile))
        with world.crowd(device, STACK) as failed:
            code, told = renewed()
        assert code == 0, told
        assert not failed
        for server in ("rad1", "rad2"):
            assert world.login(device, STACK, server).outcome is LoginOutcome.ACCEPTED
            # A device without the new profile is the one that the order protects.
            assert world.login(world.login_of(POLDERVEEN), STACK, server).outcome is LoginOutcome.REFUSED
        code, told = renewed()
        assert code == 0 and "the servers have this certificate" in told
    assert world.login(world.login_of(POLDERVEEN), STACK, "rad2").outcome is LoginOutcome.ACCEPTED


def test_who_is_revoked_gets_in_no_more_with_the_next_list(world: World) -> None:
    own = world.federation.authority("net-drieland-clients")
    issued = own.issue(f"medewerker@{POLDERVEEN}", usages=(CLIENT,))
    device = world.with_certificate(world.login_of(POLDERVEEN, "TLS", inner="none"), issued)
    assert world.login(device, STACK, "rad2").outcome is LoginOutcome.ACCEPTED
    with supplying(world, {"crl/clients.pem": own.revocations(issued)}):
        run = converge(world.federation, STACK, limit="rad2", tags="freeradius")
        assert run.fine, run.failed
        assert world.login(device, STACK, "rad2").outcome is LoginOutcome.REJECTED
    assert world.login(device, STACK, "rad2").outcome is LoginOutcome.ACCEPTED


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
