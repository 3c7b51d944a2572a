"""A Keycloak server from the official distribution, started as its pod is: prepared, read-only, with its environment.

The distribution is the one that the official image holds. Its root is mounted read-only in a mount namespace of the
server's own, and the folders for which the pod has an emptyDir are mounted over it. Where such a namespace can't be
made, the root is writable and the log says so.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ggi.errors import WorkError
from ggi.landscape.objects import digest
from ggi.paths import cache_dir
from sandbox.node.images import keycloak_distribution
from tests.real.authority import Authority
from tests.real.postgres import Database
from tests.real.programs import free_port, program, running
from tests.real.rendered import Pod, Rendered

HOME = "/opt/keycloak"
BUILT = "/opt/keycloak/lib/quarkus"
PREPARED = "/prepared"
DEPLOYMENT, JOB = "keycloak/Deployment/server", "keycloak/Job/configure"


@cache
def distribution(version: str) -> Path:
    """The unpacked distribution, kept in the cache; skips when it can't be had."""
    folder = cache_dir() / "real" / f"keycloak-{version}"
    if (folder / "bin" / "kc.sh").exists():
        return folder
    maven = program("mvn", "maven")
    work = folder.with_name(f".{folder.name}-{os.getpid()}")
    work.mkdir(parents=True)
    try:
        try:
            made = keycloak_distribution(version, work, maven)
        except WorkError as error:
            pytest.skip(f"Keycloak {version} can't be had from Maven Central: {error}")
        with contextlib.suppress(OSError):
            made.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


@cache
def _unshare() -> list[str]:
    """The words that start a command with mounts of its own, or none."""
    found = shutil.which("unshare")
    for words in ([found, "-m"], [found, "-r", "-m"]) if found else ():
        test = [*words, "sh", "-c", "mount -t tmpfs none /mnt"]
        if subprocess.run(test, capture_output=True, check=False).returncode == 0:  # type: ignore[arg-type]
            return [str(word) for word in words]
    return []


def in_pod(home: Path, over: Mapping[str, Path], command: Sequence[str]) -> list[str]:
    """`command` with `home` read-only, apart from the folders `over`, by their paths below `home`."""
    words = _unshare()
    if not words:
        print("no mount namespace can be made here: Keycloak's root is writable")  # noqa: T201
        for path, folder in over.items():
            shutil.copytree(folder, home / path, dirs_exist_ok=True)
        return list(command)
    mounts = [f"mount --bind '{home}' '{home}'", f"mount -o remount,ro,bind '{home}'"]
    mounts += [f"mount --bind '{folder}' '{home / path}'" for path, folder in over.items()]
    return [*words, "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh", *command]


def _moved(words: Sequence[str], home: Path, prepared: Path) -> list[str]:
    return [word.replace(HOME, str(home)).replace(PREPARED, str(prepared)) for word in words]


def prepared(pod: Pod, landscape: Rendered, home: Path) -> Path:
    """What the pod's steps before the start make of its emptyDir; kept in the cache, for it takes a minute."""
    commands = [step["command"] for step in pod.init]
    own = [landscape.environment(step) for step in pod.init]
    folder = cache_dir() / "real" / f"{home.name}-built-{digest([commands, own])}"
    if folder.exists():
        return folder
    work = folder.with_name(f".{folder.name}-{os.getpid()}")
    work.mkdir(parents=True)
    try:
        for step, environment in zip(pod.init, own, strict=True):
            over = {"lib/quarkus": work} if any(m["mountPath"] == BUILT for m in step["volumeMounts"]) else {}
            command = in_pod(home, over, _moved(step["command"], home, work))
            done = subprocess.run(
                command, env=_java() | environment, capture_output=True, text=True, check=False, timeout=900
            )
            assert done.returncode == 0, f"{step['name']}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        with contextlib.suppress(OSError):
            work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def _java() -> dict[str, str]:
    java = program("java", "default-jre-headless")
    return {"PATH": f"{Path(java).parent}:{os.environ['PATH']}", "HOME": "/nonexistent"}


class Server:
    """One pod of Keycloak on loopback. `port` is its HTTPS port, `management` the one for health and metrics."""

    def __init__(self, folder: Path, landscape: Rendered, database: Database) -> None:
        self.folder = folder
        self.port, self.management = free_port(), free_port()
        pod = landscape.pod(DEPLOYMENT)
        self.home = distribution(landscape.built.components["keycloak"].version.version)
        self._built = folder / "built"
        shutil.copytree(prepared(pod, landscape, self.home), self._built)
        self._data = folder / "data"
        self._data.mkdir(parents=True)
        self.authority = Authority("gm9901-accp internal CA")
        self._certificate = folder / "certificate"
        self._certificate.mkdir()
        (self._certificate / "ca.crt").write_text(self.authority.pem)
        self.names: list[str] = landscape.object("keycloak/Certificate/internal").body["spec"]["dnsNames"]
        self.authority.issue(self.names, self._certificate)
        self.log = folder / "log"
        self._command = _moved(pod.container["command"], self.home, self._built)
        self._environment = _java() | self._here(pod, database)

    def _here(self, pod: Pod, database: Database) -> dict[str, str]:
        """The pod's environment; only addresses and the place of the database's authority are those of this machine."""
        environment = {
            key: value.replace("/etc/ggi/internal", str(self._certificate)) for key, value in pod.environment.items()
        }
        address = environment["KC_DB_URL"]
        host = urlsplit(address.removeprefix("jdbc:")).hostname
        assert host in database.names
        ca = next(path for path, secret in pod.outside.items() if secret == "postgresql-ca")
        environment["KC_DB_URL"] = address.replace(f"{host}:5432", f"{host}:{database.port}").replace(
            f"{ca}/ca.crt", str(database.ca)
        )
        hosts = self.folder / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {host} {socket.gethostname()}\n")
        return environment | {
            # Without the optimising compiler: for a server of two minutes it costs twice what it saves.
            "JAVA_OPTS_APPEND": f"-Djdk.net.hosts.file={hosts} -XX:TieredStopAtLevel=1",
            "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m",
            "KC_HTTP_HOST": "127.0.0.1",
            "KC_HTTPS_PORT": str(self.port),
            "KC_HTTP_MANAGEMENT_HOST": "127.0.0.1",
            "KC_HTTP_MANAGEMENT_PORT": str(self.management),
            "KC_CACHE_EMBEDDED_NETWORK_BIND_ADDRESS": "127.0.0.1",
            "KC_CACHE_EMBEDDED_NETWORK_BIND_PORT": str(free_port() % 4000 + 3000),  # its failure detection adds 50000
        }

    def status(self, path: str) -> int:
        """The HTTP status of a page on the management port; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.management}{path}", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    @contextlib.contextmanager
    def running(self) -> Iterator[Server]:
        """The server, as long as the context lasts."""
        command = in_pod(self.home, {"lib/quarkus": self._built, "data": self._data}, self._command)

        def ready() -> bool:
            return self.status("/health/ready") == 200

        # It logs every look at its health.
        with running(command, self._environment, self.log, ready, seconds=900, pause=0.5):
            yield self

    def configure(self, landscape: Rendered) -> str:
        """Run the Job as rendered; only the server's address differs. Returns what it printed."""
        folder = self.folder / f"job-{len(list(self.folder.glob('job-*')))}"
        pod = landscape.pod(JOB)
        pod.place(folder)
        shell, script = pod.container["command"]
        script = f"{folder}{script}"
        target = Path(script).with_name("target")
        lines = target.read_text().splitlines()
        service = lines[0].removeprefix("server=https://")
        assert service in self.names
        here = [f"server=https://{service}:{self.port}", f"authority={self._certificate}/ca.crt"]
        assert lines[1] == "authority=/etc/ggi/internal/ca.crt"
        target.write_text("\n".join([*here, *lines[2:]]) + "\n")
        hosts = folder / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {service} {socket.gethostname()}\n")
        java = _java()
        environment = java | {
            "KCADM": str(self.home / "bin/kcadm.sh"),
            "KC_OPTS": f"-XX:TieredStopAtLevel=1 -Djdk.net.hosts.file={hosts}",
        }
        done = subprocess.run(
            [shell, script], env=environment, capture_output=True, text=True, check=False, timeout=900
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr
