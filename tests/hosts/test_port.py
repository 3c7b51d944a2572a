"""A device on a port that the role wlan made: 802.1X as a laptop does it, through hostapd and the whole federation."""

from __future__ import annotations

import time

import pytest

from ggi.hosts.eapol import config
from sandbox.hosts.site import AP, DEVICE
from tests.hosts.conftest import converge
from tests.hosts.world import RIJNSTAD, World

pytestmark = pytest.mark.timeout(2400)

PATIENCE = 60
"""Seconds until the port must be open; 2 s on a quiet machine."""


def port_of(world: World, network: str) -> str:
    """What the supplicant of a device says of its port, after it had time to log in."""
    file = world.file("device.conf", "ctrl_interface=/run/device\nap_scan=0\n" + network)
    inside = world.federation.inside
    started = f"wpa_supplicant -B -P /run/device.pid -D wired -i {DEVICE} -c {file}"
    try:
        inside(AP, "sh", "-euc", started)
        deadline = time.monotonic() + PATIENCE
        while True:
            said = inside(AP, "wpa_cli", "-p", "/run/device", "-i", DEVICE, "status", check=False).stdout
            if "suppPortStatus=Authorized" in said or "EAP state=FAILURE" in said or time.monotonic() > deadline:
                return said
            time.sleep(0.2)
    finally:
        inside(AP, "sh", "-c", "kill $(cat /run/device.pid); sleep 0.2", check=False)


def wired(world: World, **changes: str) -> str:
    """The network block of a visitor from Rijnstad for a port with a cable."""
    login = world.login_of(RIJNSTAD, "PEAP", **changes)
    return config(login).replace("key_mgmt=WPA-EAP", "key_mgmt=IEEE8021X\n\teapol_flags=0")


def test_a_visitor_on_a_cable_gets_an_open_port(world: World) -> None:
    said = port_of(world, wired(world))
    assert "suppPortStatus=Authorized" in said and "EAP state=SUCCESS" in said, said


def test_the_port_stays_shut_for_a_wrong_password(world: World) -> None:
    assert "suppPortStatus=Unauthorized" in port_of(world, wired(world, password="not the password"))


def test_what_hostapd_does_not_understand_never_replaces_what_runs(world: World) -> None:
    before = world.federation.inside(AP, "systemctl", "show", "-p", "MainPID", "govroam-ap").stdout
    run = converge(world.federation, "net-drieland", limit="ap1", variables={"wlan_address": "nowhere"})
    assert "the new configuration is refused" in run.failed["net-drieland-ap1"], run.failed
    assert world.federation.inside(AP, "systemctl", "show", "-p", "MainPID", "govroam-ap").stdout == before
