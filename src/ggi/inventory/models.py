"""What may be written in an inventory: one pydantic model per kind of file, the source of the JSON Schemas."""

from __future__ import annotations

import re
import uuid
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ggi.inventory.marks import Free, NameKind, Refers
from ggi.inventory.types import (
    Cidr,
    Cpu,
    DatabaseName,
    Date,
    DnsLabel,
    EnvironmentName,
    Gemeentecode,
    HostName,
    LabelKey,
    LabelValue,
    Line,
    Memory,
    Namespace,
    Oin,
    Port,
    RegistryHost,
    RegistryMirror,
    ReleaseId,
    Slug,
    Window,
)
from ggi.messages import t


class Model(BaseModel):
    """Base of every model: unknown keys are errors, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Lifecycle(StrEnum):
    """Where a tenant is in its life. Deleting a file destroys nothing; these words do."""

    ACTIVE = "active"
    ONBOARDING = "onboarding"
    OFFBOARDING = "offboarding"
    MERGED = "merged"


MOST_ROTATIONS = 9999
"""Four digits; names that carry the counter are measured with it."""


class Rotation(Model):
    """The counter of the stack's derived secrets. The accepting side takes `current` and all of `accept`."""

    current: Annotated[int, Field(ge=1, le=MOST_ROTATIONS)] = 1
    """The counter that consumers use."""
    accept: list[Annotated[int, Field(ge=1, le=MOST_ROTATIONS)]] = []
    """Older counters that are still taken, until every consumer has the current one."""


class Resources(Model):
    """What one pod of a process asks for and may use at most. CPU has no limit, so that it is never throttled."""

    cpu: Cpu
    """CPU that is asked for: 500m or "2"."""
    memory: Memory
    """Memory that is asked for, and the limit: 1Gi."""


class External(Model):
    """A component that exists already, outside the namespace: it is used, not made."""

    host: HostName
    """Its host name."""
    port: Port
    """Its port."""
    cidrs: list[Cidr]
    """Where the host's addresses are; a NetworkPolicy can't name a host."""


class ComponentSettings(Model):
    """What every component can be told. A component's own settings extend this."""

    enabled: bool = False
    """Is this component part of the landscape?"""
    external: External | None = None
    """It exists already and is only used."""
    database: DatabaseName | None = None
    """Name of its database and of the role that owns it; default its own name."""
    host: HostName | None = None
    """Public host name; default `{component}.{domain}`."""
    replicas: Annotated[int, Field(ge=1, le=20)] | None = None
    """Pods per process that serves requests; default from the number of inhabitants."""
    resources: Annotated[dict[Slug, Resources], Refers(NameKind.PROCESS)] = {}
    """Per process, instead of the component's own figures."""


class Supplied(Model):
    """What another party supplied for an open input."""

    on: Date
    """Date on which it was supplied."""
    value: str | None = None
    """The value, when it is no secret; a secret goes into the stack's configuration."""


class Other(Model):
    """Something of somebody else in the namespace, or somebody else with rights in it, which an audit accepts."""

    kind: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{1,62}$")]
    """Its kind: Ingress, ConfigMap, ClusterRoleBinding."""
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9:*][A-Za-z0-9:.*-]{0,251}[A-Za-z0-9*]$")]
    """Its name; `*` stands for any letters."""
    owner: Line
    """Whose it is: a role or a department, not a person."""
    reason: Annotated[str, Field(min_length=10, max_length=400)]
    """Why it is there."""


class Settings(Model):
    """What can be said at each layer; the highest layer that says it wins."""

    release: ReleaseId | None = None
    """The release of all components, quoted: "2026.4"."""
    cluster: Slug | None = None
    """The cluster, one of the region's."""
    namespace: Namespace | None = None
    """Kubernetes namespace; default the name of the stack."""
    domain: HostName | None = None
    """Domain below which the components get their host names."""
    window: Window | None = None
    """Maintenance window, local time: "di 20:00-23:00"."""
    services: Annotated[list[Slug], Refers(NameKind.SERVICE)] = []
    """Joint services; each switches on the components that it needs."""
    components: Annotated[dict[Slug, Any], Refers(NameKind.COMPONENT)] = {}
    """Settings per component."""
    rotation: Rotation = Rotation()
    """Counters of the derived secrets."""
    inputs: Annotated[dict[str, Supplied], Refers(NameKind.INPUT)] = {}
    """What others supplied, by the id that `ggi inputs` lists."""
    others: Annotated[list[Other], Free("names of what others have, with `*` for any letters")] = []
    """What somebody else has in the namespace, or may do there."""


class EnvironmentSettings(Settings):
    """What a tenant says of one environment."""

    live: Date | None = None
    """Date on which it goes, or went, live; what others must supply is due before it."""


class Herindeling(Model):
    """A change of the municipal division: this gemeente ends and another absorbs it."""

    into: Gemeentecode
    """The gemeente that goes on."""
    date: Date
    """First day of the new situation."""


class Offboarding(Model):
    """Leaving. The landscape stays as it is until the date, and until the export was verified."""

    date: Date
    """Last day of the service."""
    export_verified: Date | None = None
    """Date on which the receiving party confirmed the export."""


class TenantFile(Settings):
    """One gemeente or samenwerkingsverband."""

    gemeente: Gemeentecode | None = None
    """CBS code; leave out for a samenwerkingsverband."""
    samenwerkingsverband: Slug | None = None
    """Id of a samenwerkingsverband without CBS code; its stacks are named sv-<id>."""
    name: Line | None = None
    """Name; a gemeente in the registry has it from there."""
    province: Line | None = None
    """Province; a gemeente in the registry has it from there."""
    inhabitants: Annotated[int, Field(ge=1, le=20_000_000)] | None = None
    """Sizes the landscape; a gemeente in the registry has it from there."""
    serves: list[Gemeentecode] = []
    """The gemeenten that a samenwerkingsverband works for."""
    oin: Oin | None = None
    """Organisatie-identificatienummer, the peer id in FSC."""
    region: Slug
    """The region (shared-service centre) whose layer applies."""
    ring: Annotated[int, Field(ge=0, le=9)] = 1
    """Wave in which it is updated; 0 goes first."""
    state: Annotated[Lifecycle, Field(strict=False)] = Lifecycle.ACTIVE
    """Where it is in its life; deleting the file destroys nothing."""
    network: Slug | None = None
    """The network that serves it; default one of its own."""
    m365: Slug | None = None
    """The Microsoft 365 tenant that serves it; default one of its own."""
    herindeling: Herindeling | None = None
    """It ends, and another gemeente absorbs it."""
    offboarding: Offboarding | None = None
    """It leaves."""
    environments: dict[EnvironmentName, EnvironmentSettings]
    """OTAP: ontw, test, accp, prod."""


Labels = Annotated[dict[LabelKey, LabelValue], Free("labels that others put on what is theirs")]


class Peer(Model):
    """The other end of a flow outside the namespace: pods by their labels, or networks."""

    namespace: Labels = {}
    """Labels of the peer's namespace."""
    pods: Labels = {}
    """Labels of the peer's pods."""
    cidrs: list[Cidr] = []
    """Networks, for what has no labels: node-local DNS, API server, an external service."""
    ports: list[Port] = []
    """Container ports on the peer's side (for flows that leave the namespace)."""
    protocols: list[Literal["TCP", "UDP"]] = ["TCP"]
    """Protocols of the ports."""


class Gateway(Model):
    """The Gateway (gateway.networking.k8s.io) that the cluster offers to tenants."""

    adapter: Literal["envoy"] = "envoy"
    """Which implementation; decides how TLS versions and ciphers are written."""
    class_name: DnsLabel = "envoy"
    """The GatewayClass."""
    issuer: DnsLabel
    """ClusterIssuer (cert-manager) for the public certificates."""
    authorities: Annotated[str, Field(pattern=r"^(-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\s*)*$")] = (
        ""
    )
    """Root certificates of the issuer when it is a private one, in PEM; old and new side by side during a change."""
    peer: Peer
    """The gateway's pods, as the source of requests."""


class Storage(Model):
    """Storage classes of the cluster."""

    block: DnsLabel
    """ReadWriteOnce, for databases."""
    shared: DnsLabel
    """ReadWriteMany, for files that several pods share."""


class NameRules(Model):
    """A ConfigMap whose keys CoreDNS imports into its configuration; the cluster's stack writes it.

    `coredns-custom` in `kube-system`, with keys that end in `.override`, is what AKS, Gardener and k3s read (Microsoft
    Learn, "Customize CoreDNS with AKS"; gardener.cloud, "Custom DNS Configuration"). Where CoreDNS is one's own, one
    line in its Corefile does the same: `import /etc/coredns/custom/*.override`.
    """

    config_map: DnsLabel = "coredns-custom"
    """Name of the ConfigMap."""
    namespace: DnsLabel = "kube-system"
    """Its namespace."""
    key: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,60}$")] = "ggi.override"
    """The key that holds the rules."""
    zone: HostName = "cluster.local"
    """The cluster's own domain, in which its Services have their names."""


class Cluster(Model):
    """Facts of a cluster that tenants must know; the service centre owns them."""

    context: Line
    """Name of the kubeconfig context."""
    identity: uuid.UUID | None = Field(default=None, strict=False)
    """UID of the namespace kube-system; compared before every write."""
    gateway: Gateway
    """How requests come in."""
    storage: Storage
    """Names of the storage classes."""
    dns: Peer
    """DNS, with the node-local cache if there is one."""
    names: NameRules | None = None
    """Public names lead straight to the pods, by rules that CoreDNS imports. Without it they lead to the gateway."""
    apiserver: Peer
    """Kubernetes API, for the few pods that need it."""
    monitoring: Peer | None = None
    """Prometheus, as the source of scrapes."""
    operators: Peer | None = None
    """Operators that reach into the namespace (CloudNativePG's status port)."""
    solver: Peer | None = None
    """Who asks cert-manager's HTTP-01 solver, if it is used: the gateway's pods, as a rule."""
    backup: Peer | None = None
    """Object storage for backups."""
    smtp: Peer | None = None
    """Mail relay."""
    smtp_host: HostName | None = None
    """Host name of the mail relay, as its certificate has it."""
    fsc: Peer | None = None
    """Where other FSC peers and the directory are reached (443 and 8443)."""
    crl: Peer | None = None
    """Where PKIoverheid's certificate revocation lists are fetched (80)."""
    registries: Annotated[dict[RegistryHost, RegistryMirror], Free("registries, as images name them")] = {}
    """Mirrors from which the nodes fetch images, by the registry that they stand for: docker.io: harbor.x.test/hub."""

    def image(self, reference: str) -> str:
        """An image's reference as the nodes of this cluster fetch it: from the mirror of its registry, if any."""
        registry, slash, name = reference.partition("/")
        return f"{self.registries.get(registry, registry)}{slash}{name}"

    selectielijst: Peer | None = None
    """Where selectielijst.openzaak.nl is reached (443): without it no resultaattype can be made in Open Zaak."""


class RegionFile(Settings):
    """A region: a shared-service centre with its clusters, and what it decides for its tenants."""

    name: Line
    """Name of the shared-service centre."""
    clusters: Annotated[dict[Slug, Cluster], Free("names the clusters")]
    """Its clusters, by name."""
    environments: dict[EnvironmentName, Settings] = {}
    """What holds for one environment: ontw, test, accp, prod."""


ED25519 = r"^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}$"
"""A public key as `ssh-keygen -t ed25519` writes it (RFC 8709), without the comment, which often names a person."""


class ChangeRules(Model):
    """What every change of a landscape must name."""

    ticket: list[EnvironmentName] = []
    """Environments in which what changes a stack needs `--change NUMBER`. Hosts and Microsoft 365 tenants are prod."""
    two_people: list[EnvironmentName] = []
    """Environments in which what loses data needs the approval of a second person (`ggi approve`)."""
    pattern: str = r"[A-Za-z0-9][A-Za-z0-9._/#-]{0,59}"
    """What such a number looks like, as a regular expression for the whole of it."""
    issuers: Annotated[
        dict[
            Annotated[str, Field(pattern=r"^https://[^\s?#]+$")],
            Annotated[list[Line], Field(min_length=1), Free("repositories, as the CI system names them")],
        ],
        Free("addresses of CI systems"),
    ] = {}
    """Repositories per CI system whose OpenID Connect tokens (audience `ggi`) prove who started a run."""
    approvers: Annotated[
        dict[Line, Annotated[list[Annotated[str, Field(pattern=ED25519)]], Free("public keys")]],
        Free("roles, as the organisation calls them"),
    ] = {}
    """Per role, such as CISO, the public keys that sign approvals (`ggi approve --key`). An old key stays listed."""
    approval: Literal["stated", "proven"] = "stated"
    """Which approvals count: also those of an account as the machine states it, or only what a system or key proves."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(t("{value!r} is no regular expression: {why}", value=value, why=error)) from None
        return value


class NationalFile(Settings):
    """What holds for every gemeente unless a lower layer may and does say otherwise."""

    changes: ChangeRules = ChangeRules()
    """What every change must name; a sandbox is exempt."""
    environments: dict[EnvironmentName, Settings] = {}
    """What holds for one environment: ontw, test, accp, prod."""
