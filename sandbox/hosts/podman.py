"""podman with a configuration and a store of its own, so that nobody else's containers are seen or touched.

Root is needed: systemd as PID 1 with its own sandboxing, nftables and real networks are what is tested.
"""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ggi.errors import Problem, WorkError
from ggi.messages import t
from ggi.paths import cache_dir

PROGRAMS = ("podman", "runc", "iptables", "mmdebstrap", "dpkg-scanpackages", "ssh", "ssh-keygen")
"""Programs that must be on PATH; netavark needs iptables even for networks without a way out."""
NETAVARK = ("/usr/lib/podman/netavark", "/usr/libexec/podman/netavark")
PACKAGES = "podman runc netavark aardvark-dns iptables mmdebstrap dpkg-dev openssh-client"
"""Debian packages with all of these."""
LABEL = "ggi.hosts"
"""Label of every container and network; its value is the name of the sandbox. Only what carries it is ever removed."""
NOFILE, NPROC = 20_000, 10_000
"""Most that hosts are given; less where this machine's own hard limits are lower (runc refuses to raise those)."""

_CONTAINERS = """\
[containers]
default_ulimits = ["nofile={nofile}:{nofile}", "nproc={nproc}:{nproc}"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "{run}/tmp"
static_dir = "{store}/libpod"
volume_path = "{store}/volumes"
[network]
network_backend = "netavark"
network_config_dir = "{work}/networks"
"""
_STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{store}"
runroot = "{run}/storage"
"""


def obstacles() -> list[str]:
    """Why this machine can't run test hosts; empty when it can. Each is a sentence that says what to do."""
    if os.uname().sysname != "Linux":
        return [t("test hosts need Linux")]
    found = []
    if os.geteuid() != 0:
        found.append(t("test hosts need root"))
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if not any(Path(path).exists() for path in NETAVARK):
        absent.append("netavark")
    if absent:
        names = ", ".join(absent)
        found.append(t("{names} not installed (apt install {packages})", names=names, packages=PACKAGES))
    kinds = Path("/proc/filesystems").read_text(encoding="ascii").split()
    if "overlay" not in kinds:
        found.append(t("the kernel has no overlay file system (modprobe overlay)"))
    return found


def _limit(kind: int, most: int) -> int:
    hard = resource.getrlimit(kind)[1]
    return most if hard == resource.RLIM_INFINITY else min(hard, most)


@dataclass(frozen=True)
class Podman:
    """Runs podman with `work` for its store and configuration."""

    work: Path

    @classmethod
    def default(cls) -> Podman:
        """The store that all test hosts of this user share; images are kept there."""
        return cls(cache_dir() / "hosts")

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """The environment of podman; writes its configuration."""
        # What must not outlive a restart of the machine lies in /run: podman sees by it that the machine restarted.
        run = Path("/run") / f"ggi-hosts-{hashlib.sha256(str(self.work).encode()).hexdigest()[:8]}"
        values = {
            "run": run,
            "work": self.work,
            "store": self.work / "storage",
            "nofile": _limit(resource.RLIMIT_NOFILE, NOFILE),
            "nproc": _limit(resource.RLIMIT_NPROC, NPROC),
        }
        for folder in (self.work / "networks", self.work / "storage", run / "tmp"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.work / "containers.conf").write_text(_CONTAINERS.format(**values), encoding="utf-8")
        (self.work / "storage.conf").write_text(_STORAGE.format(**values), encoding="utf-8")
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith("CONTAINER")},
            "CONTAINERS_CONF": str(self.work / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.work / "storage.conf"),
        }

    def run(
        self, *words: str, check: bool = True, text: str | None = None, seconds: int = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run podman with `words`; `text` goes to its standard input. Raises WorkError when it fails."""
        done = subprocess.run(
            ["podman", *words],
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            errors="replace",
        )
        if check and done.returncode != 0:
            raise WorkError(Problem(t("podman {words}: {why}", words=" ".join(words[:4]), why=done.stderr.strip())))
        return done

    def inside(
        self, container: str, *words: str, check: bool = True, text: str | None = None, seconds: int = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a container."""
        options = ("-i",) if text is not None else ()
        return self.run("exec", *options, container, *words, check=check, text=text, seconds=seconds)

    def put(self, container: str, path: str, text: str, mode: str = "0644", owner: str = "root:root") -> None:
        """Write a file in a container; its folder is made when needed."""
        script = 'mkdir -p "$(dirname "$1")" && umask 077 && cat > "$1" && chown "$3" "$1" && chmod "$2" "$1"'
        self.inside(container, "sh", "-c", script, "sh", path, mode, owner, text=text)

    def remove(self, sandbox: str) -> Sequence[str]:
        """Remove the containers and networks of one sandbox; returns the names of the containers."""
        chosen = f"label={LABEL}={sandbox}"
        names = self.run("ps", "-a", "--filter", chosen, "--format", "{{.Names}}").stdout.split()
        # After a hard kill the first attempt can fail ("state improper"); the second one then succeeds.
        for _ in range(2):
            if ids := self.run("ps", "-aq", "--filter", chosen).stdout.split():
                self.run("rm", "-f", "-t", "0", "-v", *ids, check=False)
        for network in self.run("network", "ls", "-q", "--filter", chosen).stdout.split():
            self.run("network", "rm", "-f", network, check=False)
        return names
