"""The image of a test host: Debian 13 from this machine's own mirror, with a package repository inside.

The repository in the image lets roles install packages unchanged on a network without a way out. The image is named by
a hash of its recipe, so that a changed recipe makes a new one and an unchanged one is made once.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

from ggi.engine.net import AUTHORITIES
from ggi.errors import Problem, WorkError
from ggi.messages import t
from sandbox.hosts.podman import Podman

SUITE = "trixie"
REPOSITORY = "localhost/ggi-host"
BASE = (
    "systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "python3-apt", "iproute2", "iputils-ping",
    "ca-certificates", "openssl",
)  # fmt: skip
"""Installed: what a freshly installed server has."""
OFFERED = (
    "freeradius", "freeradius-ldap", "freeradius-utils", "radsecproxy", "nftables", "chrony", "logrotate",
    "unattended-upgrades", "hostapd", "wpasupplicant", "eapoltest", "slapd", "ldap-utils",
)  # fmt: skip
"""In the image's package repository, for roles to install."""
CHRONY = """\
# A container can't set the clock, and without the right to do so the unit would be skipped in silence.
[Unit]
ConditionCapability=
[Service]
ExecStart=
ExecStart=!/usr/sbin/chronyd -x $DAEMON_OPTS
"""


def mirror() -> str:
    """This machine's Debian mirror: the first address in its apt sources that ends in /debian. Raises WorkError."""
    sources = Path("/etc/apt")
    files = [sources / "sources.list", *sorted((sources / "sources.list.d").glob("*"))]
    for path in files:
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            for address in re.findall(r"^(?:URIs:|deb(?: \[[^]]*\])?)\s+(\S+/debian)/?(?:\s|$)", text, re.M):
                return str(address)
    raise WorkError(
        Problem(
            t("the apt sources of this machine name no mirror of Debian"),
            t("The image of the test hosts is made from one; add it to /etc/apt/sources.list.d."),
        )
    )


def acquire() -> list[str]:
    """How this machine reaches its mirror: proxies and time-outs, as options for the image's own apt."""
    done = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
    wanted = re.compile(r'^Acquire::(?:https?::(?:Proxy|Timeout|CAInfo|Verify)\S*|Retries) "[^"]+";$')
    found = [line.rstrip(";") for line in done.stdout.splitlines() if wanted.match(line)]
    authorities = os.environ.get(AUTHORITIES)
    if authorities and not any("CAInfo" in line for line in found):
        # apt reads proxies from the environment, and authorities from its options alone (apt-transport-https(1)).
        found.append(f'Acquire::https::CAInfo "{authorities}"')
    return found


SMALL = (
    '--aptopt=APT::Install-Recommends "false"',
    # What is cut off is made anew: dpkg need not wait for the disk, here and where more is installed.
    "--dpkgopt=force-unsafe-io",
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "locale", "man")),
)
"""Options of mmdebstrap for an image without what no test needs."""


def _recipe() -> list[str]:
    offered = " ".join(OFFERED)
    drop_in = shlex.quote(CHRONY)
    steps = (
        'chroot "$1" apt-get clean',
        f'chroot "$1" apt-get install -y --download-only {offered}',
        'mkdir -p "$1"/srv/debs && mv "$1"/var/cache/apt/archives/*.deb "$1"/srv/debs/',
        'cd "$1"/srv/debs && dpkg-scanpackages -m . > Packages',
        'rm -rf "$1"/var/lib/apt/lists/*; mkdir -p "$1"/var/lib/apt/lists/partial',
        'echo "deb [trusted=yes] file:/srv/debs ./" > "$1"/etc/apt/sources.list; chroot "$1" apt-get update',
        f'mkdir -p "$1"/etc/systemd/system/chrony.service.d && printf %s {drop_in} > '
        '"$1"/etc/systemd/system/chrony.service.d/container.conf',
        # Nothing runs apt or asks for upgrades on its own while a role does.
        'chroot "$1" systemctl mask apt-daily.timer apt-daily-upgrade.timer systemd-firstboot.service',
    )
    return [
        "--variant=apt",
        "--components=main",
        "--skip=cleanup/apt/lists,cleanup/apt/cache",
        *SMALL,
        f"--include={','.join(BASE)}",
        *(f"--customize-hook={step}" for step in steps),
    ]


def name() -> str:
    """The image's name: repository and a tag from its recipe."""
    recipe = "\n".join([SUITE, *_recipe()])
    return f"{REPOSITORY}:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def exists(podman: Podman) -> bool:
    """Whether the image was made before."""
    return podman.run("image", "exists", name(), check=False).returncode == 0


def ensure(podman: Podman, report: Callable[[str], None]) -> str:
    """The image's name; makes it (1 to 4 minutes) unless it exists, and removes those of older recipes."""
    if exists(podman):
        return name()
    report(t("making the image of the test hosts: Debian {suite} from {mirror}", suite=SUITE, mirror=mirror()))
    archive = podman.work / "image.tar"
    archive.parent.mkdir(parents=True, exist_ok=True)
    archive.unlink(missing_ok=True)
    options = [f"--aptopt={line}" for line in acquire()]
    words = ["mmdebstrap", *_recipe(), *options, SUITE, str(archive), mirror()]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=1200, errors="replace")
        if done.returncode != 0:
            last = "\n".join(done.stderr.strip().splitlines()[-6:])
            raise WorkError(
                Problem(
                    t("the image of the test hosts can't be made: {why}", why=last),
                    t("Can this machine reach {mirror}?", mirror=mirror()),
                )
            )
        report(t("importing the image"))
        changes = ("--change", 'CMD ["/sbin/init"]', "--change", "STOPSIGNAL SIGRTMIN+3")
        podman.run("import", *changes, str(archive), name(), seconds=600)
    finally:
        archive.unlink(missing_ok=True)
    for other in podman.run("images", "--format", "{{.Repository}}:{{.Tag}}", REPOSITORY).stdout.split():
        if other != name():
            podman.run("rmi", other, check=False)
    return name()
