"""What others would supply to networks: addresses, the national level, CAs, certificates, passwords. Made here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ggi.files import write_atomically
from ggi.inventory.stack import owner_in
from sandbox.hosts import directory
from sandbox.hosts.authority import CLIENT, SERVER
from sandbox.hosts.site import DIRECTORY, DIRECTORY_NAME, NATIONAL, PORT, USER, Site, national_name

if TYPE_CHECKING:
    from sandbox.hosts.federation import Federation


def supply(federation: Federation, sites: Sequence[Site]) -> None:
    """Write what others would supply: values for each network, and secrets."""
    import yaml

    nationals = {n: {"address": federation.address(n), "name": national_name(n)} for n in NATIONAL}
    authority = federation.authority("federation")
    managed = next(((site.stack, name) for site in sites for name in site.ports), None)
    supplied = {}
    for number, site in enumerate(sites):
        eap, clients = federation.authority(f"{site.stack}-eap"), federation.authority(f"{site.stack}-clients")
        users = [f"{USER}@{realm}" for realm in site.realms]
        supplied[owner_in(site.stack)] = {
            "govroam": {
                "servers": {name: {"address": federation.address(f"{site.stack}-{name}")} for name in site.servers},
                "access_points": {
                    name: _group(federation.address(f"{site.stack}/{name}"), managed == (site.stack, name))
                    for name in site.access_points
                },
                "eap": {"authority": eap.pem, "client_authority": clients.pem},
                "users": _directory(federation) if number == 0 else {"kind": "file", "names": users},
                "national": {"transport": "radsec", "proxies": nationals, "authorities": authority.pem},
                "management": {
                    "networks": [f"{federation.address('machine')}/32"],
                    "ntp": [federation.address("nat1"), federation.address("nat2")],
                    "dns": [],
                    "monitoring": [f"{federation.address('machine')}/32"],
                    "packages": [],
                },
                **({"profiles": {"address": federation.address(DIRECTORY)}} if number == 0 else {}),
                "retention_days": 183,
                "crl": True,
            }
        }
        issued = {"certificates/eap": eap.issue(site.server_name, [site.server_name], [SERVER])}
        for name, host in site.servers.items():
            issued[f"certificates/radsec-{name}"] = authority.issue(host, [host], [SERVER, CLIENT])
        for path, pair in issued.items():
            write_atomically(federation.secret(site.stack, f"{path}.pem"), pair.certificate)
            write_atomically(federation.secret(site.stack, f"{path}.key"), pair.key)
        revoked = clients.issue(f"{USER}@{site.realms[0]}", usages=(CLIENT,))
        lists = {"clients": clients.revocations(revoked), "federation": authority.revocations()}
        for name, text in lists.items():
            write_atomically(federation.secret(site.stack, f"crl/{name}.pem"), text)
        # For tests: somebody whose certificate is on the list.
        write_atomically(federation.secret(site.stack, "revoked.pem"), revoked.certificate)
        write_atomically(federation.secret(site.stack, "revoked.key"), revoked.key)
        for path in [*(f"users/{user}" for user in users), "ldap"]:
            write_atomically(federation.secret(site.stack, path), os.urandom(12).hex())
    write_atomically(federation.supplied, yaml.safe_dump(supplied, sort_keys=False))


def _directory(federation: Federation) -> dict[str, Any]:
    """A network's users are in the directory."""
    known = {
        "servers": [DIRECTORY_NAME],
        "authority": federation.authority("directory").pem,
        "bind": directory.BIND,
        "base": directory.BASE,
        "filter": directory.FILTER,
    }
    return {"kind": "ldap", "ldap": known}


def _group(address: str, managed: bool) -> dict[str, Any]:
    """A group of access points; `managed` has one that the roles set up."""
    hosts = {"hosts": {"ap1": {"address": address, "interface": PORT, "driver": "wired"}}} if managed else {}
    return {"addresses": [f"{address}/32"], **hosts}
