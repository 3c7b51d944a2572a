"""What a test federation is made of: its own hosts by name, and the networks that it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ggi.inventory.network import NetworkFile
from ggi.inventory.stack import Stack, StackKind

NATIONAL = ("nat1", "nat2")
AP = "ap"
"""The host that plays all access points; it has one address for each group of them."""
PORT, DEVICE = "port0", "device0"
"""A cable (veth pair) on that host, from the port of an access point to a device. There is no radio in a container."""
USER = "medewerker"
"""The test user of every realm."""
DIRECTORY = "ldap"
"""The host of the directory (LDAP) that knows the users of the first network; those of others are in a file.
It has the profiles for devices too."""
DIRECTORY_NAME = "ldap.sandbox.test"
"""Its name, in its certificate too."""


@dataclass(frozen=True)
class Site:
    """One network, as much as the federation needs to know of it: servers, realms, groups of access points."""

    stack: str
    servers: Mapping[str, str]
    """Host name in certificates by name of the server."""
    realms: tuple[str, ...]
    access_points: tuple[str, ...]
    server_name: str
    ports: tuple[str, ...] = ()
    """Groups of access points with hostapd; the first one of all gets a port with a cable for the role wlan."""


def national_name(name: str) -> str:
    """The DNS name of a national proxy, in its certificate too."""
    return f"{name}.govroam.test"


def site_of(name: str, file: NetworkFile) -> Site | None:
    """What the federation needs to know of a network; None when nothing of it is managed here."""
    govroam = file.govroam
    if govroam is None or not govroam.managed:
        return None
    return Site(
        stack=str(Stack(StackKind.NETWORK, name)),
        servers={key: server.host for key, server in govroam.servers.items()},
        realms=tuple(sorted(govroam.realms)),
        access_points=tuple(govroam.access_points),
        server_name=govroam.eap.server_name if govroam.eap else "",
        ports=tuple(name for name, group in govroam.access_points.items() if group.platform == "hostapd"),
    )
