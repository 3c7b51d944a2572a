"""What a server lets in and sends out: for its own firewall, and for requests to those on the way. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any

from ggi.inventory.govroam import Govroam

RADIUS, ACCOUNTING, RADSEC, NTP = 1812, 1813, 2083, 123


@dataclass(frozen=True)
class FirewallFlow:
    """Traffic that a server takes in or sends out. Without addresses: a name that the firewall can't know."""

    name: str
    inbound: bool
    protocol: str
    port: int
    addresses: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """As the role base takes it."""
        return {"name": self.name, "protocol": self.protocol, "port": self.port, "addresses": list(self.addresses)}


def flows(govroam: Govroam) -> list[FirewallFlow]:
    """All flows of a server but management, names and updates: what firewalls on the way must open too."""
    found = []
    for name, group in sorted(govroam.access_points.items()):
        places = tuple(group.addresses)
        found.append(FirewallFlow(f"access points {name}", True, "udp", RADIUS, places))
        found.append(FirewallFlow(f"accounting {name}", True, "udp", ACCOUNTING, places))
    if not govroam.managed or govroam.management is None:
        # What else their owner lets in and out is the owner's.
        return found
    if govroam.management.monitoring:
        found.append(FirewallFlow("monitoring", True, "udp", RADIUS, tuple(govroam.management.monitoring)))
    if govroam.national is not None:
        proxies = tuple(proxy.address for proxy in govroam.national.proxies.values())
        way = ("tcp", RADSEC) if govroam.national.transport == "radsec" else ("udp", RADIUS)
        found.append(FirewallFlow("from the national level", True, *way, proxies))
        found.append(FirewallFlow("to the national level", False, *way, proxies))
    times = tuple(one for one in govroam.management.ntp if _is_address(one))
    found.append(FirewallFlow("time", False, "udp", NTP, times if len(times) == len(govroam.management.ntp) else ()))
    if govroam.users.ldap is not None:
        found.append(FirewallFlow("directory", False, "tcp", govroam.users.ldap.port, ()))
    return found


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
