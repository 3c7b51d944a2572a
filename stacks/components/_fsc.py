"""What the five programs of OpenFSC have in common: group rules, two certificates, database address, start order.

Facts with their sources are in `stacks/contracts/`: a working federation (MinBZK, moza-fsc-testnet, OpenFSC v2.5.2) and
the charts of OpenFSC 2.4.0; the FSC standard itself is Logius, FSC Core 2.0.0. What could not be verified:
- how many pods of manager and controller may run at once (the charts have one), so one of each;
- what the page of figures on the monitoring port is called, so metrics are not scraped.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from ggi.catalogue.component import Context, Input, Job, Manifest, Port, Probe, Process, SecretMount
from ggi.catalogue.relation import Auth, Use
from ggi.catalogue.secrets import SecretText, text
from ggi.inventory.load import Environment
from ggi.inventory.models import ComponentSettings, Model
from ggi.inventory.types import HostName, Oin

from ._postgresql import CA_MOUNT, CA_PATH, login_role, owner

INTERNAL = "/etc/ggi/internal"
GROUP = "/etc/ggi/group"
ISSUER = "internal-ca"
"""The Issuer of the namespace, which the platform makes."""
SUPPLIER, LICENCE, SOURCE = "RINIS", "EUPL-1.2", "https://gitlab.com/rinis-oss/fsc/open-fsc"
MONITORING = 8081


class Group(Model):
    """The rules of an FSC group that a peer must know. TLS 1.2 or later and CRL checks hold in every group.

    The trust anchor comes with the certificates (`ca.crt`), the transaction log is always on.
    """

    id: Annotated[str, Field(pattern=r"^[a-zA-Z0-9./_-]{1,100}$")]
    """Identifier of the group."""
    directory_host: HostName
    """Host of the group's directory; its manager listens on port 443."""
    directory_oin: Oin
    """Peer id of the directory."""


class Settings(ComponentSettings):
    """Settings of the manager, which hold for the other programs of FSC as well."""

    group: Group | None = None
    """The FSC group that this gemeente is a peer in."""


def rules(context: Context) -> Group:
    """The rules of the group. Raises ValueError when they are missing: the manager then waits, and so do the others."""
    settings = context.environment.components["fscmanager"]
    if not isinstance(settings, Settings) or settings.group is None:
        raise ValueError("fscmanager has no group")
    return settings.group


def _has_oin(environment: Environment) -> bool:
    return environment.tenant.file.oin is not None


def directory(environment: Environment) -> dict[str, Any] | None:
    """What answers at the directory of the group: its manager, who knows peers by their certificate."""
    settings = environment.components["fscmanager"]
    if not isinstance(settings, Settings) or settings.group is None:
        return None
    tls = {"ca": f"{GROUP}/ca.crt", "certificate": f"{GROUP}/tls.crt", "key": f"{GROUP}/tls.key"}
    return {"host": settings.group.directory_host, "port": 443, "tls": tls}


def _has_group(environment: Environment) -> bool:
    settings = environment.components["fscmanager"]
    return isinstance(settings, Settings) and settings.group is not None


OIN_INPUT = Input(
    id="oin",
    title="OIN of the organisation, as `oin` in the file of the gemeente",
    role="CISO",
    check="The Centrale OIN Raadpleegvoorziening (Logius) lists it",
    days=20,
    secret=False,
    known=_has_oin,
)
GROUP_INPUT = Input(
    id="group",
    title="Rules of the FSC group: identifier, host and OIN of its directory, as `group` of the component fscmanager",
    role="Manager of the FSC group",
    check="The directory's host answers on port 443",
    days=20,
    secret=False,
    known=_has_group,
)


def certificate_input(component: str, what: str) -> Input:
    """The certificate of the group's PKI, which another party requests and puts into the namespace."""
    return Input(
        id="certificate",
        title=f"PKIoverheid certificate with the OIN as serialNumber, for {what}; in the Secret {component}-group as "
        "tls.crt (with its chain), tls.key and ca.crt (the group's trust anchor)",
        role="Certificate manager",
        check=f"kubectl get secret {component}-group; openssl x509 -noout -subject -enddate",
        days=30,
    )


def internal_mount(component: str) -> SecretMount:
    """The certificate of the internal PKI, made by cert-manager."""
    return SecretMount(f"{component}-internal", INTERNAL, ("ca.crt", "tls.crt", "tls.key"))


def group_mount(component: str) -> SecretMount:
    """The certificate of the group's PKI."""
    return SecretMount(f"{component}-group", GROUP, ("ca.crt", "tls.crt", "tls.key"))


def certificate(context: Context) -> Manifest:
    """The certificate for connections between the programs of FSC inside the namespace."""
    name = f"{context.name}-internal"
    # With TLS that passes through the gateway, the public name has a certificate of the group.
    public = [context.host] if context.host and not context.component.passthrough else []
    body: dict[str, Any] = {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": name},
        "spec": {
            "secretName": name,
            "dnsNames": [*public, context.service("server"), f"{context.name}-server"],
            # The programs read it when they start, and nothing says that they read it again (OpenFSC 2.5.2). So what is
            # in memory holds for half a year after the renewal, in which an update starts them anew; `ggi verify` sees
            # a certificate that is served and ends soon.
            "duration": "8760h",
            "renewBefore": "4380h",
            "usages": ["digital signature", "key encipherment", "server auth", "client auth"],
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "issuerRef": {"name": ISSUER, "kind": "Issuer", "group": "cert-manager.io"},
        },
    }
    return Manifest("internal", body, needs=(f"platform/Issuer/{ISSUER}",))


INTERNAL_TLS = {
    "TLS_ROOT_CERT": f"{INTERNAL}/ca.crt",
    "TLS_CERT": f"{INTERNAL}/tls.crt",
    "TLS_KEY": f"{INTERNAL}/tls.key",
}
GROUP_TLS = {
    "TLS_GROUP_ROOT_CERT": f"{GROUP}/ca.crt",
    "TLS_GROUP_CERT": f"{GROUP}/tls.crt",
    "TLS_GROUP_KEY": f"{GROUP}/tls.key",
    # A revoked peer must not get in; this is an environment variable away, so policies look at it.
    "DISABLE_CRL_CHECKS": "false",
}
LOGGING = {"LOG_TYPE": "live", "LOG_LEVEL": "info"}


def dsn(context: Context) -> SecretText:
    """The address of the component's own database, with its password."""
    relation = context.must("postgresql")
    own, login = owner(relation, context), relation.accepted[0]
    # No space in it: libpq takes %20 for one, and what builds an address anew in Go writes +, which libpq does not.
    options = f"sslmode=verify-full&sslrootcert={CA_PATH}/ca.crt&options=-crole%3D{own}"
    user = login_role(own, login.secret.counter)
    return text(f"postgres://{user}:", login.secret, f"@{relation.host}:{relation.port}/{own}?{options}")


def migrate(program: str) -> Job:
    """The program's own migrations; it reads the address from this argument alone, the kubelet fills it in."""
    command = (f"/usr/local/bin/{program}", "migrate", "up", "--postgres-dsn", "$(STORAGE_POSTGRES_DSN)")
    return Job("migrate", command, cpu=0.1, memory=128)


def database() -> Use:
    """A database per program: their migrations share the name of the table that counts them."""
    return Use("postgresql", ("database",), starts_after=True)


def own_program(component: str, *apis: str) -> Use:
    """Another program of FSC, over mutual TLS of the internal PKI."""
    return Use(component, apis, ("server",))


def server(
    component: str, program: str, *ports: Port, group: bool = True, stored: bool = False, **more: object
) -> Process:
    """The one process of a component of FSC. The images have no shell."""
    mounts = [internal_mount(component)]
    if group:
        mounts.append(group_mount(component))
    if stored:
        mounts.append(CA_MOUNT)
    fields: dict[str, object] = {
        "name": "server",
        "container": program,
        "ports": (*ports, Port("monitoring", MONITORING)),
        "command": (f"/usr/local/bin/{program}", "serve"),
        "startup": Probe(port="monitoring", path="/health/live", failures=30),
        "liveness": Probe(port="monitoring", path="/health/live", failures=5),
        "readiness": Probe(port="monitoring", path="/health/ready"),
        "cpu": 0.1,
        "memory": 192,
        "writable": (),
        "secret_mounts": tuple(mounts),
    }
    return Process(**{**fields, **more})  # type: ignore[arg-type]


MTLS = Auth.MTLS
