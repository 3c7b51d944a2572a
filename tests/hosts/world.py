"""The test federation as tests see it: log in somewhere, send a packet by hand, read a log."""

from __future__ import annotations

import base64
import os
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ggi.hosts.eapol import Login, LoginOutcome, Result, config, result
from ggi.hosts.logs import Attempt, attempts
from ggi.hosts.secrets import value
from sandbox.hosts.authority import CLIENT, Issued
from sandbox.hosts.federation import Federation
from sandbox.hosts.national import UNIT
from sandbox.hosts.site import AP, NATIONAL, USER

RIJNSTAD, POLDERVEEN = "rijnstad.test", "polderveen.test"
HOME = {RIJNSTAD: "net-rijnstad", POLDERVEEN: "net-drieland"}
"""The network of each realm that tests use."""
PLACE = {"net-rijnstad": "stadhuis", "net-drieland": "polderveen"}
"""The access points of each network that tests use."""
PAIR = ("rad1", "rad2")
"""The servers of each network."""


@dataclass
class World:
    """A federation that was set up, with everything to use it."""

    federation: Federation
    certificates: dict[str, Issued] = field(default_factory=dict)
    messages: str = ""

    def secret(self, stack: str, group: str) -> str:
        """The secret between access points and servers."""
        return value(f"derived(govroam/client/{group})", stack)

    def password(self, realm: str) -> str:
        """The password of the realm's test user."""
        path = self.federation.secret(HOME[realm], f"users/{USER}@{realm}")
        return path.read_text(encoding="utf-8")

    def login_of(self, realm: str, method: str = "PEAP", **changes: Any) -> Login:
        """What the profile of the realm's test user says; `changes` are fields of Login."""
        stack = HOME[realm]
        login = Login(
            method=method,  # type: ignore[arg-type]
            identity=f"{USER}@{realm}",
            password=self.password(realm) if method != "TLS" else "",
            anonymous=f"anonymous@{realm}",
            ca=self.file(f"{stack}.pem", self.federation.authority(f"{stack}-eap").pem),
            server_name=f"radius.{stack.removeprefix('net-')}.test",
        )
        if method == "TLS" and "certificate" not in changes:
            login = self.with_certificate(login, self.client_certificate(realm))
        return replace(login, **changes)

    def client_certificate(self, realm: str) -> Issued:
        """The client certificate of the realm's test user."""
        if realm not in self.certificates:
            authority = self.federation.authority(f"{HOME[realm]}-clients")
            self.certificates[realm] = authority.issue(f"{USER}@{realm}", usages=(CLIENT,))
        return self.certificates[realm]

    def with_certificate(self, login: Login, issued: Issued) -> Login:
        """The same log-in with another client certificate."""
        name = secrets.token_hex(4)
        certificate = self.file(f"{name}.pem", issued.certificate)
        return replace(login, certificate=certificate, key=self.file(f"{name}.key", issued.key))

    def file(self, name: str, text: str) -> str:
        """Write a file on the host of access points; returns its name there."""
        self.federation.podman.put(self.federation.container(AP), f"/srv/tests/{name}", text, "0600")
        return f"/srv/tests/{name}"

    def login(
        self,
        login: Login | str,
        at: str,
        server: str = "rad1",
        *,
        mac: str = "",
        secret: str = "",
        source: str = "",
        patience: int = 12,
    ) -> Result:
        """Log in at the access points of network `at`, by its `server`; `login` may be a network block."""
        group = PLACE[at]
        octets = mac or "02-" + "-".join(f"{b:02X}" for b in os.urandom(5))
        self.mac = octets
        words = [
            "eapol_test", "-c", "CONFIG", "-a", self.federation.address(f"{at}-{server}"),
            "-A", source or self.federation.address(f"{at}/{group}"), "-s", secret or self.secret(at, group),
            "-t", str(patience), "-M", octets.replace("-", ":").lower(), "-N", "30:s:02-00-00-00-00-02:govroam",
        ]  # fmt: skip
        quoted = " ".join("$file" if word == "CONFIG" else f"'{word}'" for word in words)
        script = f'file=$(mktemp) && cat > "$file" && {quoted}; code=$?; rm -f "$file"; exit $code'
        text = login if isinstance(login, str) else config(login)
        began = time.monotonic()
        container = self.federation.container(AP)
        done = self.federation.podman.inside(container, "sh", "-c", script, check=False, text=text, seconds=90)
        return result(done.stdout, time.monotonic() - began)

    @contextmanager
    def crowd(self, login: Login, at: str) -> Iterator[list[str]]:
        """People log in one after the other while the block runs; yields the devices of those who did not get in.

        As access points do, they ask the other server of the pair when the first one does not let them in.
        """
        failed: list[str] = []
        tried, done = 0, threading.Event()

        def people() -> None:
            nonlocal tried
            while not done.is_set():
                order = PAIR if tried % 2 else PAIR[::-1]
                if all(self.login(login, at, server).outcome is not LoginOutcome.ACCEPTED for server in order):
                    failed.append(self.mac)
                tried += 1

        thread = threading.Thread(target=people)
        thread.start()
        try:
            yield failed
        finally:
            done.set()
            thread.join()
        assert tried, "nobody tried"

    def python(self, host: str, script: str, *arguments: str, seconds: int = 60) -> str:
        """Run Python on a host; returns what it printed."""
        encoded = base64.b64encode(script.encode()).decode()
        words = ["python3", "-c", f"import base64;exec(base64.b64decode('{encoded}'))", *arguments]
        return self.federation.inside(host, *words, seconds=seconds).stdout.strip()

    def national_log(self, names: Sequence[str] = NATIONAL) -> str:
        """What national proxies logged."""
        return "".join(
            self.federation.inside(name, "journalctl", "-u", UNIT, "--no-pager", "-o", "cat").stdout for name in names
        )

    def attempts(self, stack: str, servers: Sequence[str] = ("rad1", "rad2")) -> list[Attempt]:
        """All attempts that the servers of a network logged."""
        found: list[Attempt] = []
        for server in servers:
            host = f"{stack}-{server}"
            text = self.federation.inside(host, "sh", "-c", "cat /var/log/freeradius/govroam.log 2>/dev/null; true")
            found += attempts(text.stdout, host)
        return found

    def of_mac(self, stack: str, mac: str) -> list[Attempt]:
        """The attempts of one device."""
        return [attempt for attempt in self.attempts(stack) if attempt.mac == mac]
