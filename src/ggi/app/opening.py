"""How a person gets into a component: its address, the way to it from this machine, whether it answers, the log-in."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ggi.catalogue.component import FirstPerson
from ggi.catalogue.relation import Auth
from ggi.engine.gateway import PORT, gateway_address
from ggi.errors import InputError, Problem, WorkError
from ggi.inventory.validate import nearest
from ggi.landscape.platform import CA_SECRET
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.app.platform import Platform
    from ggi.engine.kubeapi import KubeApi
    from ggi.landscape.build import Landscape

SECONDS = 15.0
"""For an answer: a component that has just started takes its time."""
_FAULT = 400
_ASKS = (401, 403)


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """What came back over TLS: the status and where it leads to, or why nothing did."""

    status: int = 0
    location: str = ""
    problem: str = ""

    @property
    def well(self) -> bool:
        """Whether a page is there, or somebody who asks for a log-in."""
        return not self.problem and (self.status < _FAULT or self.status in _ASKS)


@dataclass(frozen=True, slots=True)
class Door:
    """The way into one component."""

    host: str
    url: str
    address: str
    """Of the gateway, inside the cluster's network."""
    reached: tuple[str, int] | None
    """Host and port by which this machine reaches it; None where nothing answers."""
    private: bool
    """Whether a private authority vouches for it, which no browser knows."""
    named: bool
    """Whether the name already leads there, so that a browser needs no help."""
    passthrough: bool
    """Programs alone come in, with a certificate of their own."""
    answer: PageAnswer | None
    login: LogIn | None


@dataclass(frozen=True, slots=True)
class LogIn:
    """With which account people log in, and how the first of them is made."""

    realm: str
    """The realm of Keycloak in which people are."""
    by: str
    """The component that knows them."""
    first: FirstPerson | None = None
    commands: tuple[str, ...] = ()
    """Lines for a shell that make the first person; only where `first` is."""
    password: str = ""
    """The command that prints the password of `first`'s account."""


def open_door(api: KubeApi, built: Landscape, component: str, platform: Platform, authorities: str) -> Door:
    """The way into `component`, tried. `authorities`: PEM of what to trust, else the system's. Raises InputError."""
    host = built.hosts.get(component)
    if host is None or component not in built.components:
        known = sorted(built.hosts)
        raise InputError(Problem(t("{name} has no address for people here", name=component), nearest(component, known)))
    item = built.components[component].component
    path = item.front.format(stack=built.stack)
    url = f"https://{host}{path}"
    login = _log_in(built, component)
    address, trouble = gateway_address(api, built.environment.namespace)
    reached = platform.reach(address, PORT) if address else None
    answer: PageAnswer | None = PageAnswer(problem=trouble) if trouble else None
    named = False
    if reached:
        named = reached[1] == PORT and _leads_to(host, reached[0])
        answer = ask(reached, host, path, authorities, tls_only=item.passthrough)
    return Door(host, url, address, reached, bool(authorities), named, item.passthrough, answer, login)


def ask(reached: tuple[str, int], host: str, path: str, authorities: str, *, tls_only: bool = False) -> PageAnswer:
    """GET `path` of `host` from the server at `reached`, whose certificate must be that of the host."""
    context = ssl.create_default_context(cadata=authorities or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        with (
            socket.create_connection(reached, timeout=SECONDS) as line,
            context.wrap_socket(line, server_hostname=host) as secure,
        ):
            if tls_only:
                return PageAnswer()
            request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: ggi\r\nConnection: close\r\n\r\n"
            secure.sendall(request.encode())
            return read_head(secure.makefile("rb"))
    except ssl.SSLCertVerificationError as error:
        return PageAnswer(problem=t("its certificate is not trusted: {why}", why=error.verify_message))
    except (OSError, ValueError) as error:
        return PageAnswer(
            problem=t("{address} does not answer: {why}", address=f"{reached[0]}:{reached[1]}", why=error)
        )


def read_head(lines: Any) -> PageAnswer:
    """The status and the `Location` of an answer in HTTP/1.1. Raises ValueError for anything else."""
    first = lines.readline(1000).decode("latin-1").split(" ", 2)
    if not first[0].startswith("HTTP/1.") or len(first) < 2:
        raise ValueError(t("it speaks no HTTP"))
    location = ""
    for _ in range(200):
        name, colon, value = lines.readline(10_000).decode("latin-1").partition(":")
        if not colon:
            break
        if name.strip().lower() == "location":
            location = value.strip()
    return PageAnswer(int(first[1]), location)


def ways(door: Door) -> Iterator[tuple[str, str]]:
    """What to do for the name to lead there from this machine: (for what, the line), for a person to copy."""
    if door.reached is None or door.named:
        return
    address, port = door.reached
    if port == PORT:
        yield t("a line in the hosts file"), f"{address} {door.host}"
    yield "curl", f"curl --connect-to {door.host}:{PORT}:{address}:{port} {door.url}"
    if not door.passthrough:
        # All names of the domain, since a log-in leads to Keycloak (chromium, net/base/host_mapping_rules.h).
        rules = f"MAP *.{door.host.partition('.')[2]} {address}:{port}"
        yield t("a browser"), f'chromium --host-resolver-rules="{rules}" {door.url}'


def password(api: KubeApi, built: Landscape, login: LogIn) -> str:
    """The password of the account by which the first person is made. Raises WorkError, ApiError."""
    namespace = built.environment.namespace
    assert login.first is not None  # noqa: S101 - the caller looked
    workload = api.get("apps/v1", *_workload(built, login.by, login.first), namespace)
    for container in workload["spec"]["template"]["spec"]["containers"]:
        for source in container.get("envFrom") or ():
            name = (source.get("secretRef") or {}).get("name")
            data: Mapping[str, str] = (
                ((api.find("v1", "Secret", name, namespace) or {}).get("data") or {}) if name else {}
            )
            if login.first.variable in data:
                return base64.b64decode(data[login.first.variable]).decode()
    raise WorkError(t("no Secret of {component} holds {name}", component=login.by, name=login.first.variable))


def _log_in(built: Landscape, component: str) -> LogIn | None:
    item = built.components[component].component
    if item.first is None:
        by = next((r.provider for r in built.relations if r.consumer == component and r.auth is Auth.OIDC), "")
        return LogIn(built.stack, by) if by else None
    namespace, host = built.environment.namespace, built.hosts[component]
    kind, name = _workload(built, component, item.first)
    process, _, port_name = item.route.partition(":")
    port = next(port.number for port in item.process(process).ports if port.name == port_name)
    target = f"{kind.lower()}/{name}"
    read = f"kubectl -n {namespace} exec {target} -- printenv {item.first.variable}"
    trust, lines = "", [f"kubectl -n {namespace} port-forward {target} {port}:{port} &"]
    if port_name == "https":
        trust = "--cacert ca.crt "
        data = "jsonpath='{.data.ca\\.crt}'"
        lines.append(f"kubectl -n {namespace} get secret {CA_SECRET} -o {data} | base64 -d >ca.crt")
    told = "-H 'X-Forwarded-Proto: https'"
    lines.append(f'call() {{ curl -sSf {trust}--connect-to {host}:{port}:localhost:{port} {told} "$@"; }}')
    values = {
        "base": f"{port_name}://{host}:{port}",
        "password": read,
        "stack": built.stack,
        "domain": built.environment.domain,
    }
    lines += [line.format(**values) for line in item.first.commands]
    return LogIn(built.stack, component, item.first, tuple(lines), read)


def _workload(built: Landscape, component: str, first: FirstPerson) -> tuple[str, str]:
    """Kind and name of the workload of a process."""
    return next(
        (item.kind, item.kube_name)
        for item in built.of(component)
        if item.kind in ("Deployment", "StatefulSet")
        and item.body["spec"]["template"]["metadata"]["labels"].get("app.kubernetes.io/component") == first.process
    )


def _leads_to(host: str, address: str) -> bool:
    """Whether this machine finds the host at the address, which may be a name itself."""
    try:
        one, other = ({str(found[4][0]) for found in socket.getaddrinfo(name, PORT)} for name in (host, address))
    except OSError:
        return False
    return bool(one & other)
