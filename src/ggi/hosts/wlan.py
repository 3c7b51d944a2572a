"""Access points: variables of the role wlan, and configuration for OpenWrt that people put there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ggi.hosts.flows import ACCOUNTING, RADIUS
from ggi.inventory.govroam import AccessPoints, Govroam

ACCESS_POINTS = "govroam_access_points"
"""The group of all access points that are managed, of all networks."""
SSID = "govroam"
"""Exactly so, in lower case (AP-1)."""
SECRET = "SECRET"  # noqa: S105
"""Stands in files for people where the shared secret goes; they get it by `ggi hosts secret`."""
_OPENWRT = {"wpa2": ("wpa2+ccmp", 1), "wpa2-wpa3": ("wpa3-mixed", 1), "wpa3": ("wpa3", 2)}
"""Encryption and protected management frames (1 optional, 2 required), in the words of OpenWrt (AP-1)."""


def client_secret(name: str, govroam: Govroam | None = None) -> str:
    """The secret that a group of access points shares with the servers.

    It is derived where both ends are ours; the owner of servers that are not ours gives it.
    """
    given = govroam is not None and not govroam.managed
    return f"given(client/{name})" if given else f"derived(govroam/client/{name})"


def access_points(stack: str, govroam: Govroam) -> dict[str, Mapping[str, Any]]:
    """Variables of each access point that is managed, by the name of its host."""
    servers = [server.address for server in govroam.servers.values()]
    return {
        f"{stack}-{name}": {
            "ansible_host": host.address,
            "ggi_stack": stack,
            "wlan_address": host.address,
            "wlan_interface": host.interface,
            "wlan_driver": host.driver,
            "wlan_uplink": host.uplink,
            "wlan_channel": host.channel,
            "wlan_security": group.security,
            "wlan_fast_transition": group.fast_transition,
            "wlan_nas_identifier": place,
            "wlan_servers": servers,
            "wlan_secret": client_secret(place),
        }
        for place, group in sorted(govroam.access_points.items())
        for name, host in sorted(group.hosts.items())
    }


def openwrt(name: str, group: AccessPoints, govroam: Govroam) -> str:
    """Input for `uci batch` on an access point with OpenWrt. It has no secret: SECRET stands for it."""
    return "\n".join(_openwrt(name, group, govroam)) + "\n"


def _openwrt(name: str, group: AccessPoints, govroam: Govroam) -> Iterator[str]:
    encryption, frames = _OPENWRT[group.security]
    first, *others = [server.address for server in govroam.servers.values()]
    values = {
        "device": "radio0",
        "mode": "ap",
        "ssid": SSID,
        "encryption": encryption,
        "ieee80211w": frames,
        "ieee80211r": int(group.fast_transition),
        "nasid": name,
        "auth_server": first,
        "auth_port": RADIUS,
        "auth_secret": SECRET,
        "acct_server": first,
        "acct_port": ACCOUNTING,
        "acct_secret": SECRET,
        # 2: whoever gets no VLAN from the servers is refused (AP-2).
        "dynamic_vlan": 2,
        "vlan_tagged_interface": "eth0",
        "vlan_naming": 1,
        "vlan_bridge": "br-vlan",
    }
    yield f"set wireless.{SSID}=wifi-iface"
    yield from (f"set wireless.{SSID}.{key}='{value}'" for key, value in values.items())
    # OpenWrt knows one server; the others go to hostapd as they are (NET-1).
    for other in others:
        for line in (f"auth_server_addr={other}", f"auth_server_port={RADIUS}", f"auth_server_shared_secret={SECRET}"):
            yield f"add_list wireless.{SSID}.hostapd_bss_options='{line}'"
    yield "commit wireless"
