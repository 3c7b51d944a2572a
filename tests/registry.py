"""A container registry and a proxy on loopback, with a private authority: what tests of the network talk to.

The registry speaks the part of the OCI distribution specification that reading needs: manifests by tag, a 401 that
names a token service, and the faults that real ones have. The proxy takes CONNECT and nothing else.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import ipaddress
import json
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ggi.engine import net

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def pki(folder: Path) -> tuple[Path, Path]:
    """A private authority (PEM), and a certificate with key of `localhost` and 127.0.0.1 that it signed."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now = dt.datetime.now(dt.UTC)

    def made(name: str, issuer: str, key: Any, signer: Any, *extensions: tuple[Any, bool]) -> Any:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256())

    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    use = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    own = (x509.BasicConstraints(ca=True, path_length=None), True)
    subject_id = x509.SubjectKeyIdentifier.from_public_key(root.public_key())
    authority = made("test authority", "test authority", root, root, own, (use, True), (subject_id, False))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key())
    server = made("localhost", "test authority", leaf, root, (names, False), (issued_by, False))
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(authority.public_bytes(pem))
    key = leaf.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(server.public_bytes(pem) + key)
    return folder / "ca.pem", folder / "server.pem"


def index(*platforms: str, salt: str = "") -> bytes:
    """An index with an image per platform."""
    manifests = [
        {
            "mediaType": MANIFEST,
            "digest": f"sha256:{hashlib.sha256((salt + one).encode()).hexdigest()}",
            "size": 7,
            "platform": dict(zip(("os", "architecture"), one.split("/"), strict=True)),
        }
        for one in platforms
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()


def manifest(salt: str = "") -> bytes:
    """An image of one platform."""
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{salt:0>64}", "size": 2}
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}).encode()


def runnable(blobs: dict[str, bytes], labels: dict[str, str]) -> bytes:
    """The manifest of an image with one empty layer and these labels; `blobs` gets its content."""
    layer = gzip.compress(bytes(10240), mtime=0)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [digest(bytes(10240))]},
        "history": [{"created_by": "a test"}],
    }
    told = json.dumps(config).encode()
    blobs |= {digest(layer): layer, digest(told): told}
    image = "application/vnd.oci.image"
    described = {"mediaType": f"{image}.config.v1+json", "digest": digest(told), "size": len(told)}
    layers = [{"mediaType": f"{image}.layer.v1.tar+gzip", "digest": digest(layer), "size": len(layer)}]
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": layers}).encode()


def digest(body: bytes) -> str:
    """The digest of a manifest or of other content."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass
class TestRegistry:
    """What the registry has, and how it behaves. `host` is where it listens."""

    __test__ = False
    host: str = ""
    images: dict[str, bytes] = field(default_factory=dict)
    """By `repository:tag`."""
    blobs: dict[str, bytes] = field(default_factory=dict)
    """By digest: configurations and layers, which only a pull reads."""
    lies: set[str] = field(default_factory=set)
    """Images whose body is not what the header says."""
    busy: dict[str, list[str]] = field(default_factory=dict)
    """By image: values of Retry-After, one per request that is answered with 429."""
    broken: dict[str, int] = field(default_factory=dict)
    """By image: how many requests are answered with 503."""
    public: bool = False
    """No token is asked for."""
    asked: list[str] = field(default_factory=list)
    """Requests that came in: path and query."""
    realm: str = ""


@contextmanager
def registry(certificate: Path) -> Iterator[TestRegistry]:
    """A registry that listens on loopback, with TLS."""
    state = TestRegistry()

    class Handler(BaseHTTPRequestHandler):
        def _send(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            state.asked.append(self.path)
            parts = urlsplit(self.path)
            if parts.path == "/token":
                scope = parse_qs(parts.query)["scope"][0]
                self._send(200, json.dumps({"token": f"for {scope}"}).encode())
                return
            if parts.path == "/v2/":
                self._send(200 if state.public else 401, b"{}")
                return
            if "/blobs/" in parts.path:
                blob = state.blobs.get(parts.path.rpartition("/")[2])
                self._send(404 if blob is None else 200, blob or b"")
                return
            name, _, tag = parts.path.removeprefix("/v2/").rpartition("/manifests/")
            scope = f"repository:{name}:pull"
            if not state.public and self.headers.get("Authorization") != f"Bearer for {scope}":
                realm = state.realm or f"https://{state.host}/token"
                challenge = f'Bearer realm="{realm}",service="{state.host}",scope="{scope}"'
                self._send(401, b"{}", WWW_Authenticate=challenge)
                return
            image = f"{name}:{tag}"
            if state.busy.get(image):
                self._send(429, b"{}", Retry_After=state.busy[image].pop(0))
            elif state.broken.get(image):
                state.broken[image] -= 1
                self._send(503, b"")
            elif image not in state.images:
                self._send(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')
            else:
                body = state.images[image]
                told = digest(body)
                if image in state.lies:
                    body += b" "
                kind = json.loads(body).get("mediaType", "text/plain")
                self._send(200, body, Content_Type=kind, Docker_Content_Digest=told)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    state.host = f"localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy on loopback: its address, and `host:port` of every connection that was asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            port = int(self.path.rpartition(":")[2])
            # Wherever it is said to be, it is on loopback: names that only the proxy knows can be tried.
            with socket.create_connection(("127.0.0.1", port)) as other:
                self.send_response(200)
                self.end_headers()
                while True:
                    ready, _, _ = select.select([self.connection, other], [], [], 10)
                    for one in ready:
                        data = one.recv(65536)
                        if not data:
                            return
                        (other if one is self.connection else self.connection).sendall(data)
                    if not ready:
                        return

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


def only_here(monkeypatch: pytest.MonkeyPatch, authority: Path, folder: Path) -> None:
    """No proxy, mirror or log-in of this machine has a part in it, and `authority` is the one that is trusted."""
    for name in (*net.PROXIES, *(name.lower() for name in net.PROXIES), net.MIRRORS, "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(net.AUTHORITIES, str(authority))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
