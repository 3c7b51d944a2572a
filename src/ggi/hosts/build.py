"""`hosts(network)`: from a network's file to hosts, groups and variables. Pure: no file, no network, no secret's value.

Variables are exactly what the roles' argument specs ask for, under the roles' own names. A secret is a reference such
as `derived(govroam/client/stadhuis)`; the lookup `ggi_secret` turns it into a value on the controller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ggi.hosts.flows import RADIUS, flows
from ggi.hosts.wlan import ACCESS_POINTS, access_points, client_secret
from ggi.inventory.govroam import AccessPoints, Govroam
from ggi.inventory.network import NetworkFile
from ggi.inventory.stack import Stack, StackKind
from ggi.messages import t

SERVERS = "govroam_servers"
"""The group of all RADIUS servers that are managed, of all networks."""
PROFILES = "govroam_profiles"
"""The group of web servers from which devices get profiles, of all networks."""
LOCAL_PROXY = "local-radsecproxy"
"""What FreeRADIUS calls the radsecproxy on its own host."""
LOCAL_PORT = 11812


@dataclass(frozen=True)
class Wait:
    """An open input: what it is, who supplies it, and where it is written down."""

    key: str
    what: str
    who: str


@dataclass(frozen=True)
class Hosts:
    """The hosts of one network. `groups` maps a group to its hosts, `host` and `group` hold variables."""

    stack: str
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    host: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    group: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    waits: tuple[Wait, ...] = ()

    @property
    def servers(self) -> tuple[str, ...]:
        """Names of the RADIUS servers."""
        return self.groups.get(SERVERS, ())

    @property
    def ready(self) -> bool:
        """Whether everything that others supply is there, so that it can be applied."""
        return not self.waits


def group_name(stack: str) -> str:
    """The Ansible group of a stack: Ansible takes underscores only."""
    return stack.replace("-", "_")


def waits(govroam: Govroam) -> tuple[Wait, ...]:
    """What others must supply still. Of servers that are not managed only what devices need is asked."""
    operator, ciso = t("the national operator"), t("the CISO")
    found = []
    if govroam.managed and govroam.national is None:
        found.append(Wait("national", t("transport, addresses and CA of the national proxies"), operator))
    if govroam.managed and govroam.retention_days is None:
        found.append(Wait("retention_days", t("how many days log-ins are kept"), ciso))
    if govroam.eap is not None:
        if govroam.eap.authority is None:
            found.append(Wait("eap.authority", t("CA of the EAP certificate"), t("the PKI of the organisation")))
        if govroam.managed and "tls" in govroam.eap.methods and govroam.eap.client_authority is None:
            found.append(
                Wait("eap.client_authority", t("CA that issues client certificates"), t("the PKI of the organisation"))
            )
    return tuple(found)


def hosts(network_id: str, file: NetworkFile) -> Hosts:
    """Hosts, groups and variables of one network; empty when nothing of it is managed."""
    stack = str(Stack(StackKind.NETWORK, network_id))
    govroam = file.govroam
    if govroam is None or not govroam.managed:
        return Hosts(stack, waits=())
    group = group_name(stack)
    points = access_points(stack, govroam)
    web = _profiles(stack, file.name, govroam)
    names = {name: f"{stack}-{name}" for name in govroam.servers}
    host = {
        names[name]: {
            "ansible_host": server.address,
            "freeradius_listen": [server.address, "127.0.0.1"],
            **_radsec_host(govroam, name, server.address, server.host),
        }
        for name, server in govroam.servers.items()
    }
    variables = {"ggi_stack": stack, **_base(govroam), **_freeradius(govroam), **_radsecproxy(govroam)}
    return Hosts(
        stack,
        groups={
            group: (*host, *points, *web),
            SERVERS: tuple(host),
            **({ACCESS_POINTS: tuple(points)} if points else {}),
            **({PROFILES: tuple(web)} if web else {}),
        },
        host=host | points | web,
        group={group: variables},
        waits=waits(govroam),
    )


def _profiles(stack: str, organisation: str, govroam: Govroam) -> dict[str, Mapping[str, Any]]:
    """The web server of profiles, when there is one and they can be made."""
    if govroam.profiles is None or govroam.eap is None or govroam.eap.authority is None:
        return {}
    values = {
        "ansible_host": govroam.profiles.address,
        "profiles_folder": govroam.profiles.folder,
        "profiles_organisation": organisation,
        "profiles_realms": sorted(govroam.realms),
        "profiles_server_name": govroam.eap.server_name,
        "profiles_authority": govroam.eap.authority,
        "profiles_method": govroam.eap.methods[0],
    }
    return {f"{stack}-profiles": values}


def _radsec(govroam: Govroam) -> bool:
    return govroam.national is not None and govroam.national.transport == "radsec"


def _radsec_host(govroam: Govroam, name: str, address: str, host: str) -> dict[str, Any]:
    if not _radsec(govroam):
        return {}
    return {
        "radsecproxy_listen": [address],
        "radsecproxy_server_name": host,
        "radsecproxy_certificate_secrets": {
            "certificate": f"given(certificates/radsec-{name}.pem)",
            "key": f"given(certificates/radsec-{name}.key)",
        },
    }


def _base(govroam: Govroam) -> dict[str, Any]:
    management = govroam.management
    assert management is not None  # noqa: S101  (the model asks for it where servers are managed)
    values: dict[str, Any] = {
        "base_management_networks": list(management.networks),
        "base_administrators": {name: list(keys) for name, keys in sorted(management.administrators.items())},
        "base_ntp": list(management.ntp),
        "base_dns": list(management.dns),
        "base_packages": list(management.packages),
        "base_inbound": [flow.data() for flow in flows(govroam) if flow.inbound],
        "base_outbound": [flow.data() for flow in flows(govroam) if not flow.inbound],
    }
    if govroam.retention_days is not None:
        values["base_retention_days"] = govroam.retention_days
    return values


def _freeradius(govroam: Govroam) -> dict[str, Any]:
    values: dict[str, Any] = {
        "freeradius_roles": list(govroam.roles),
        "freeradius_realms": sorted(govroam.realms),
        "freeradius_clients": [_client(name, group) for name, group in sorted(govroam.access_points.items())],
        "freeradius_proxies": _proxies(govroam),
        "freeradius_crl": "given(crl/clients.pem)" if govroam.crl else "",
        **_retention("freeradius", govroam),
        "freeradius_users": govroam.users.kind,
    }
    eap = govroam.eap
    if eap is not None:
        values |= {
            "freeradius_eap_methods": list(eap.methods),
            "freeradius_tls_min": eap.tls_min,
            "freeradius_tls_max": eap.tls_max,
            "freeradius_server_name": eap.server_name,
            "freeradius_authority": eap.authority or "",
            "freeradius_client_authority": eap.client_authority or "",
            "freeradius_reached": eap.rollover.reached if eap.rollover else 0,
        }
    if govroam.users.kind == "file":
        values["freeradius_user_names"] = sorted(govroam.users.names)
    if govroam.users.ldap is not None:
        values["freeradius_ldap"] = {**govroam.users.ldap.model_dump(), "secret": "given(ldap)"}
    return values


def _client(name: str, group: AccessPoints) -> dict[str, Any]:
    return {
        "name": name,
        "addresses": list(group.addresses),
        "secret": client_secret(name),
        "operator": group.realm,
        "visitor_vlan": group.visitor_vlan,
        "staff_vlan": group.staff_vlan or group.visitor_vlan,
    }


def _retention(role: str, govroam: Govroam) -> dict[str, int]:
    return {} if govroam.retention_days is None else {f"{role}_retention_days": govroam.retention_days}


def _proxies(govroam: Govroam) -> list[dict[str, Any]]:
    national = govroam.national
    if national is None:
        return []
    if national.transport == "radsec":
        secret = "derived(govroam/radsecproxy)"  # noqa: S105  (a reference)
        return [{"name": LOCAL_PROXY, "address": "127.0.0.1", "port": LOCAL_PORT, "secret": secret}]
    return [
        {"name": name, "address": proxy.address, "port": RADIUS, "secret": f"given(national/{name})"}
        for name, proxy in national.proxies.items()
    ]


def _radsecproxy(govroam: Govroam) -> dict[str, Any]:
    national = govroam.national
    if national is None or national.transport != "radsec":
        return {"radsecproxy_peers": []}
    return {
        "radsecproxy_peers": [
            {"name": name, "address": proxy.address, "certificate": proxy.name}
            for name, proxy in national.proxies.items()
        ],
        "radsecproxy_authorities": national.authorities or "",
        "radsecproxy_crl": "given(crl/federation.pem)" if govroam.crl else "",
    }
