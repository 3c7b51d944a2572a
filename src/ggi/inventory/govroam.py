"""What may be written about govroam in a network's file: realms, servers, the national proxies, access points.

Rule ids (REALM-1 and so on) are those of `docs/en/govroam-rules.md`. What only the national operator or the
organisation can know (addresses and transport of the national proxies, certificates, retention) has no default: it is
an open input until somebody writes it down.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from ggi.inventory.marks import Free
from ggi.inventory.models import Model
from ggi.inventory.types import Cidr, Date, Gemeentecode, HostName, Line, Port, Realm, Slug
from ggi.messages import t

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(t("{value!r} is not an IP address", value=value[:80])) from None


Address = Annotated[
    str,
    AfterValidator(_address),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-fA-F:.]+$", "description": "An IPv4 or IPv6 address."}),
    Free("addresses"),
]
"""One IPv4 or IPv6 address."""


RENEW_DAYS = 30
"""A certificate with fewer days left is reported: time to order one, and for clients to learn of a new CA.

Example: `days_left(pem, now) >= RENEW_DAYS`."""


def chain(pem: str) -> list[Certificate]:
    """All certificates in a text, the server's first. Raises ValueError when there is none."""
    from cryptography import x509

    return x509.load_pem_x509_certificates(pem.encode())


def days_left(pem: str, now: dt.datetime) -> int:
    """Days until the first certificate of a chain that expires does so; negative after it did.

    Example: `days_left(host.check_output("cat chain.pem"), dt.datetime.now(dt.UTC))`.
    """
    return min((one.not_valid_after_utc - now).days for one in chain(pem))


def _certificates(value: str) -> str:
    if "PRIVATE KEY" in value:
        raise ValueError(t("a private key does not belong in the inventory; supply it as a secret"))
    try:
        chain(value)
    except ValueError:
        raise ValueError(t("this is not one or more certificates in PEM")) from None
    return value


Certificates = Annotated[str, AfterValidator(_certificates)]
"""One or more X.509 certificates in PEM (RFC 7468). Certificates are public; keys are secrets and never stand here."""

Vlan = Annotated[int, Field(ge=1, le=4094)]
"""A VLAN identifier (IEEE 802.1Q: 0 and 4095 are reserved)."""

Method = Literal["tls", "ttls", "peap"]
TlsVersion = Literal["1.2", "1.3"]


class RadiusServer(Model):
    """A RADIUS server of the organisation."""

    address: Address
    """Where access points reach it, on the management network."""
    host: HostName
    """Its name: in its RadSec certificate, and how Ansible names it."""


class NationalProxy(Model):
    """A proxy of the national roaming operator."""

    address: Address
    """Its address."""
    name: HostName
    """The DNS name in its RadSec certificate; a peer with another name is refused (SEC-2)."""


class National(Model):
    """How the national level is reached; supplied by the national roaming operator."""

    transport: Literal["radsec", "udp"]
    """RadSec (RFC 6614), or RADIUS over UDP with a secret per proxy."""
    proxies: Annotated[dict[Slug, NationalProxy], Field(min_length=1), Free("names the proxies")]
    """Two or more, in order of preference (NET-1)."""
    authorities: Certificates | None = None
    """CA certificates of the federation, for RadSec; old and new side by side at a rollover."""

    @model_validator(mode="after")
    def _authorities_for_radsec(self) -> National:
        if self.transport == "radsec" and self.authorities is None:
            raise ValueError(t("RadSec needs `authorities`: the CA certificates of the federation"))
        return self


LEAST_REACHED = 95
"""Per cent of devices that must have the profile with a new CA before the servers change: the rest can be helped one by
one at the desk."""


class Rollover(Model):
    """How far a change of the CA that devices pin has come."""

    profile_out: Date
    """When the profile with both CAs went out."""
    reached: Annotated[int, Field(ge=0, le=100)] = 0
    """Per cent of devices that have it, by the management of devices."""


class Eap(Model):
    """How users log in."""

    server_name: HostName
    """Name in the EAP certificate, the same on all servers (CERT-1); clients pin it."""
    methods: Annotated[list[Method], Field(min_length=1)] = ["tls", "ttls", "peap"]
    """In order of preference: the first one is offered first (EAP-1)."""
    tls_min: TlsVersion = "1.2"
    """Oldest version of TLS (EAP-2)."""
    tls_max: TlsVersion = "1.3"
    """Newest version of TLS."""
    authority: Certificates | None = None
    """CA of the EAP certificate, which clients pin; old and new side by side at a rollover."""
    rollover: Rollover | None = None
    """A change to another CA that is under way; taken out when the servers have changed."""
    client_authority: Certificates | None = None
    """Private CA that issues client certificates for EAP-TLS (EAP-3)."""

    @model_validator(mode="after")
    def _versions_in_order(self) -> Eap:
        if self.tls_min > self.tls_max:
            raise ValueError(t("tls_min is newer than tls_max"))
        return self


class Ldap(Model):
    """A directory that knows the users."""

    servers: Annotated[list[HostName], Field(min_length=1)]
    """Names of its servers, as in their certificates; reached by LDAPS."""
    port: Port = 636
    """Port of LDAPS."""
    authority: Certificates
    """CA of their certificates."""
    bind: Line
    """DN that searches; its password is the secret `govroam/ldap`."""
    base: Line
    """DN below which the users are."""
    filter: Line = "(uid=%{%{Stripped-User-Name}:-%{User-Name}})"
    """How a user is found, in FreeRADIUS' own words."""


class Users(Model):
    """Where passwords are checked (PEAP and TTLS)."""

    kind: Literal["file", "ldap", "none"] = "none"
    """`file` is for tests; `none` for client certificates alone."""
    names: Annotated[
        list[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}@[a-z0-9.-]+$")]],
        Free("names the users; their realms are checked with `realms`"),
    ] = []
    """For `file`: names with realm; the password of each is the secret `users/<name>`."""
    ldap: Ldap | None = None
    """For `ldap`."""

    @model_validator(mode="after")
    def _fits_kind(self) -> Users:
        if (self.kind == "ldap") != (self.ldap is not None):
            raise ValueError(t("`ldap` goes with `kind: ldap`"))
        return self


Interface = Annotated[str, Field(pattern=r"^[a-z][a-z0-9._-]{0,14}$")]
"""Name of a network interface of Linux (at most 15 characters)."""


class AccessPoint(Model):
    """An access point with hostapd that Ansible reaches."""

    address: Address
    """Where Ansible reaches it, and from where it asks the servers."""
    interface: Interface = "wlan0"
    """The radio, or the port."""
    driver: Literal["nl80211", "wired"] = "nl80211"
    """`nl80211` is a radio; `wired` is 802.1X on a port with a cable."""
    uplink: Interface = "eth0"
    """The interface that carries the VLANs."""
    channel: Annotated[int, Field(ge=1, le=177)] = 36
    """Channel of the radio; 1 to 14 is the 2.4 GHz band."""


class AccessPoints(Model):
    """Access points in one place, or the controller that speaks for them."""

    addresses: Annotated[list[Cidr], Field(min_length=1)]
    """From where they ask; anything else gets no answer."""
    realm: Realm
    """Of the gemeente that is host here: goes out as Operator-Name (ATTR-1)."""
    visitor_vlan: Vlan
    """VLAN of everyone who is not of this organisation (AP-2, ATTR-3)."""
    staff_vlan: Vlan | None = None
    """VLAN of the organisation's own people; default that of visitors."""
    security: Literal["wpa2", "wpa2-wpa3", "wpa3"] = "wpa2-wpa3"
    """WPA-Enterprise with AES; management frames are protected from `wpa2-wpa3` on (AP-1)."""
    fast_transition: bool = False
    """802.11r; on only when it was tried with the clients that are there."""
    platform: Literal["hostapd", "openwrt", "aruba", "cisco", "meraki", "ruckus", "unifi"] = "hostapd"
    """What the pages and files are made for."""
    coverage: Line | None = None
    """Where it is, for people."""
    hosts: Annotated[dict[Slug, AccessPoint], Free("names the access points")] = {}
    """For `hostapd`: access points that the role wlan sets up. Other ones are set up by hand, from the pages."""

    @model_validator(mode="after")
    def _hosts_ask_from_here(self) -> AccessPoints:
        if self.hosts and self.platform != "hostapd":
            raise ValueError(t("`hosts` goes with `platform: hostapd`"))
        known = [ipaddress.ip_network(text) for text in self.addresses]
        for name, host in self.hosts.items():
            if not any(ipaddress.ip_address(host.address) in network for network in known):
                raise ValueError(t("{name}: {address} is not in `addresses`", name=name, address=host.address))
        return self


class WebServer(Model):
    """A web server from which devices get their profiles."""

    address: Address
    """Where Ansible reaches it."""
    folder: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._-]+)+$")] = "/var/www/govroam"
    """The folder that it serves; it holds the profiles and nothing else."""


class Management(Model):
    """Who manages the servers, and what they use of others."""

    networks: Annotated[list[Cidr], Field(min_length=1)]
    """From where ssh is allowed."""
    ntp: Annotated[list[HostName | Address], Field(min_length=1)]
    """Time servers (TIME-1)."""
    dns: list[Address] = []
    """Name servers that the servers may ask."""
    monitoring: list[Cidr] = []
    """From where metrics and Status-Server are asked (MON-1)."""
    administrators: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")], Annotated[list[Line], Free("ssh public keys")]],
        Free("names the accounts"),
    ] = {}
    """Accounts with their ssh public keys."""
    packages: list[Cidr] = []
    """Where updates are fetched (80 and 443): the mirror, or the proxy."""


class Govroam(Model):
    """govroam on one network."""

    radius: Literal["managed", "existing"] = "managed"
    """`existing`: the organisation keeps its own servers (NPS, ClearPass, ISE); they are tested, not made."""
    roles: Annotated[list[Literal["idp", "sp"]], Field(min_length=1)] = ["idp", "sp"]
    """`idp` lets its own people log in anywhere, `sp` lets visitors log in here."""
    realms: dict[Realm, Gemeentecode] = {}
    """Realms of its people and whose they are; registered with the national operator (REALM-1)."""
    servers: Annotated[dict[Slug, RadiusServer], Field(min_length=1), Free("names the servers")]
    """Its RADIUS servers; two, so that one can be away (NET-1)."""
    eap: Eap | None = None
    """How users log in; needed for `idp`."""
    users: Users = Users()
    """Where passwords are checked."""
    access_points: Annotated[dict[Slug, AccessPoints], Free("names the groups")] = {}
    """Groups of access points; needed for `sp`."""
    management: Management | None = None
    """Management and shared services; needed for servers that are managed."""
    profiles: WebServer | None = None
    """Where the role profiles puts what devices download; without it, `ggi hosts profiles` writes them."""
    national: National | None = None
    """How the national level is reached: an open input until the operator supplied it."""
    retention_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """How long log-ins are kept (LOG-2): an open input until the organisation decided."""
    crl: bool = False
    """Refuse what was revoked. The lists are supplied as `crl/clients.pem` and, for RadSec, `crl/federation.pem`; with
    a list that ran out, nobody gets in."""

    @property
    def managed(self) -> bool:
        """The servers are installed and kept by the roles; else they are the organisation's own."""
        return self.radius == "managed"

    @model_validator(mode="after")
    def _fits_roles(self) -> Govroam:
        if self.managed and self.management is None:
            raise ValueError(t("servers that are managed need `management`"))
        if "idp" in self.roles and (not self.realms or self.eap is None):
            raise ValueError(t("an identity provider (`idp`) needs `realms` and `eap`"))
        if "sp" in self.roles and not self.access_points:
            raise ValueError(t("a service provider (`sp`) needs `access_points`"))
        for name, group in self.access_points.items():
            if self.realms and group.realm not in self.realms:
                raise ValueError(t("access_points {name}: {realm} is not in `realms`", name=name, realm=group.realm))
        for user in self.users.names:
            if user.partition("@")[2] not in self.realms:
                raise ValueError(t("users {name}: its realm is not in `realms`", name=user))
        addresses = [server.address for server in self.servers.values()]
        if len(set(addresses)) != len(addresses):
            raise ValueError(t("two servers have the same address"))
        names = [
            *self.servers,
            *(["profiles"] if self.profiles else []),
            *(name for group in self.access_points.values() for name in group.hosts),
        ]
        if len(set(names)) != len(names):
            raise ValueError(t("two hosts have the same name"))
        return self
