"""How this machine reaches others: the proxy, the certificate authorities and the mirrors of registries, one name each.

The names are those of the field, so that what already works for other programs works here:

- `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in capitals or not, as curl, Go, pip and Python read them;
- `SSL_CERT_FILE`, a PEM file with every authority that is trusted (OpenSSL and Go read it, and so does Python);
- `GGI_REGISTRY_MIRRORS`, ours: `docker.io=harbor.rijnstad.test/hub,ghcr.io=harbor.rijnstad.test/ghcr`. For this machine
  alone: the nodes of a cluster have the `registries` of its region's file.

Programs that do not read these are told the same under their own names: `spread` does so once, when `ggi` starts, and
everything that it starts inherits it. Connections of our own are made by `client` and `trusted` here.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ggi.errors import GgiError, InputError, Problem
from ggi.messages import t

if TYPE_CHECKING:
    import httpx2

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
AUTHORITIES = "SSL_CERT_FILE"
MIRRORS = "GGI_REGISTRY_MIRRORS"
SAME_AUTHORITIES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS")
"""What pip (its options as PIP_*), requests, curl, git and Node.js (npm) call the same file."""


def spread(environment: MutableMapping[str, str] = os.environ) -> None:
    """Give each setting the further names by which programs know it. What is set already stays.

    Loopback is never reached by the proxy.
    """
    if any(environment.get(name) or environment.get(name.lower()) for name in PROXIES[:2]):
        # A proxy can't reach this machine's own loopback. Go knows (net/http, ProxyFromEnvironment), pip does not.
        said = (environment.get("NO_PROXY") or environment.get("no_proxy") or "").split(",")
        whole = ",".join([*filter(None, said), *(host for host in LOOPBACK if host not in said)])
        environment["NO_PROXY"] = environment["no_proxy"] = whole
    for name in PROXIES:
        # curl reads http_proxy in lower case alone (curl.se, environment variables), Java and others capitals alone.
        for one, other in ((name, name.lower()), (name.lower(), name)):
            if environment.get(one):
                environment.setdefault(other, environment[one])
    if authorities := environment.get(AUTHORITIES):
        for name in SAME_AUTHORITIES:
            environment.setdefault(name, authorities)


def client(**settings: Any) -> httpx2.Client:
    """An HTTP client that uses the proxy and trusts the authorities of this machine. Raises InputError."""
    import httpx2

    check_proxies()
    return httpx2.Client(verify=trusted(), **settings)


def trusted() -> ssl.SSLContext:
    """What is trusted: `SSL_CERT_FILE`, else the system's own. Raises InputError when the file can't be used."""
    import httpx2

    path = os.environ.get(AUTHORITIES)
    if path:
        authorities(Path(path))
    return httpx2.create_ssl_context()


def authorities(path: Path) -> int:
    """How many certificates a file of authorities has. Raises InputError when it can't be read or has none."""
    fix = t("{name} must name a PEM file with every authority to trust.", name=AUTHORITIES)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(path)
        return len(context.get_ca_certs())
    except ssl.SSLError:
        raise InputError(Problem(t("{path} has no certificate in PEM", path=path), fix)) from None
    except OSError as error:
        why = error.strerror or str(error)
        raise InputError(Problem(t("{path} can't be read: {why}", path=path, why=why), fix)) from None


def check_proxies(environment: Mapping[str, str] = os.environ) -> None:
    """Raise InputError when a proxy is no address. Its password, if any, is not shown."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        value = environment.get(name) or environment.get(name.lower()) or ""
        if value and not proxy_host(value):
            message = t("{name} is no address of a proxy", name=name)
            raise InputError(Problem(message, t("Write http://HOST:PORT.")))


def proxy_host(value: str) -> str:
    """`host:port` of a proxy, without user and password; empty when it is no address."""
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        port = parts.port
    except ValueError:
        return ""
    known = parts.scheme in ("http", "https", "socks5", "socks5h")
    return f"{parts.hostname}:{port or (443 if parts.scheme == 'https' else 80)}" if parts.hostname and known else ""


def mirrors(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Where this machine reads a registry instead: by its name, host and path of the mirror. Raises InputError."""
    result: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in environment.get(MIRRORS, "").split(","))):
        registry, _, mirror = part.partition("=")
        if not registry or not mirror or "://" in mirror or registry in result:
            fix = t("Write REGISTRY=HOST/PATH, with commas between; no scheme, each registry once.")
            raise InputError(Problem(t("{name}: {part} is no mirror", name=MIRRORS, part=part), fix))
        result[registry] = mirror.strip("/")
    return result


def unanswered(address: str, seconds: float) -> str:
    """Why nothing listens at `host:port`, or an empty text."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=seconds).close()
    except OSError as error:
        return t("{address} does not answer: {why}", address=address, why=error.strerror or error)
    return ""


def mirror_fault(mirror: str, seconds: float) -> str:
    """Why a mirror does not speak the registries' API, or an empty text. It may ask for a log-in.

    OCI distribution-spec, spec.md, "Determining support": GET /v2/ answers 200, or 401 where one must log in.
    """
    import httpx2

    host = mirror.partition("/")[0]
    try:
        with client(timeout=seconds) as http:
            status = http.get(f"https://{host}/v2/").status_code
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return t("{address} does not answer: {why}", address=host, why=error)
    except GgiError as error:
        return error.problems[0].message
    return "" if status in (200, 401) else t("it answers with status {status}, as no registry does", status=status)
