"""A govroam federation on this machine: servers of networks, the national level, a host that plays access points.

The servers are empty Debian hosts with ssh; the roles make them what they are. Everything that others would supply for
real (addresses, national proxies, certificates, passwords) is made here and handed to the toolkit as a file of supplied
values and a folder of secrets.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ggi.errors import InputError, Problem, WorkError
from ggi.files import write_atomically
from ggi.messages import t
from ggi.paths import state_dir
from sandbox.hosts import directory, image, national
from sandbox.hosts.authority import CLIENT, SERVER, Authority
from sandbox.hosts.podman import LABEL, Podman, obstacles
from sandbox.hosts.site import AP, DEVICE, DIRECTORY, DIRECTORY_NAME, NATIONAL, PORT, USER, Site, national_name

DEFAULT = "default"
ROOTS_HOME = "/root"
PATIENCE = 60
"""Seconds until hosts must answer; 2 s on a quiet machine."""


@dataclass(frozen=True)
class Federation:
    """A test federation that was started, or was once."""

    name: str
    folder: Path
    podman: Podman = field(default_factory=Podman.default)

    @classmethod
    def of(cls, name: str = DEFAULT) -> Federation:
        """The federation `name`. Raises InputError for a name that can't be part of a container's name."""
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?", name):
            raise InputError(Problem(t("'{name}' can't be the name of a sandbox", name=name)))
        return cls(name, state_dir() / "hosts" / name)

    @property
    def state(self) -> dict[str, Any]:
        """Addresses by host and by group of access points; empty before the first start."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    @property
    def supplied(self) -> Path:
        """What the sandbox supplies for networks, in their own words (YAML)."""
        return self.folder / "supplied.yaml"

    @property
    def environment(self) -> dict[str, str]:
        """Environment of Ansible and of `ggi hosts` for these hosts."""
        known = self.folder / "known_hosts"
        options = f"-o UserKnownHostsFile={known} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
        return {
            "GGI_HOSTS_SUPPLIED": str(self.supplied),
            "GGI_SECRETS_DIR": str(self.folder / "secrets"),
            "GGI_ROOT_KEY_FILE": str(self.folder / "root.key"),
            "ANSIBLE_REMOTE_USER": "root",
            "ANSIBLE_PRIVATE_KEY_FILE": str(self.folder / "key"),
            "ANSIBLE_SSH_COMMON_ARGS": options,
        }

    def container(self, host: str) -> str:
        """Name of the container of a host."""
        return f"ggi-hosts-{self.name}-{host}"

    def address(self, host: str) -> str:
        """Address of a host, or of a group of access points as `<stack>/<group>`."""
        return str(self.state["addresses"][host])

    def inside(
        self, host: str, *words: str, check: bool = True, seconds: int = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on a host, as root, without ssh."""
        return self.podman.inside(self.container(host), *words, check=check, seconds=seconds)

    def pipe(self, host: str, words: Sequence[str], text: str) -> str:
        """Run a command on a host with a text on its standard input; returns what it printed, however it ended."""
        return self.podman.inside(self.container(host), *words, check=False, text=text).stdout

    def secret(self, stack: str, path: str) -> Path:
        """The file of a given secret."""
        return self.folder / "secrets" / stack / path

    def authority(self, name: str) -> Authority:
        """A CA by name: `federation`, `<stack>-eap`, `<stack>-clients`, or any other; made when new."""
        return Authority.kept(self.folder / "pki", name, f"test {name} ca")

    def running(self) -> dict[str, bool]:
        """Whether each host of the last start runs."""
        chosen = f"label={LABEL}={self.name}"
        shown = self.podman.run("ps", "--filter", chosen, "--format", "{{.Names}}").stdout.split()
        return {host: self.container(host) in shown for host in self.state.get("hosts", ())}


def start(federation: Federation, sites: list[Site], report: Callable[[str], None]) -> Federation:
    """Start the hosts of `sites`, or what is missing of them. Raises WorkError when this machine can't."""
    if found := obstacles():
        raise WorkError(*(Problem(text) for text in found))
    hosts = [*NATIONAL, AP, DIRECTORY, *(f"{site.stack}-{name}" for site in sites for name in site.servers)]
    if sorted(federation.state.get("hosts", ())) == sorted(hosts) and all(federation.running().values()):
        report(t("the test hosts run already"))
        return federation
    reference = image.ensure(federation.podman, report)
    existing = federation.podman.run("ps", "-aq", "--filter", f"label={LABEL}={federation.name}").stdout.split()
    if existing and sorted(federation.state.get("hosts", ())) == sorted(hosts) and len(existing) == len(hosts):
        report(t("starting {count} hosts again", count=len(hosts)))
        federation.podman.run("start", *map(federation.container, hosts))
        _wait(federation, hosts)
        _access_point_addresses(federation)
        return federation
    federation.podman.remove(federation.name)
    report(t("starting {count} hosts", count=len(hosts)))
    _prepare(federation, sites, hosts)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda host: _run(federation, host, reference), hosts))
    _wait(federation, hosts)
    _known_hosts(federation, hosts)
    _supply(federation, sites)
    report(t("starting the national level and the access points"))
    members = [
        national.Member(f"{s.stack}-{name}", federation.address(f"{s.stack}-{name}"), host, s.realms)
        for s in sites
        for name, host in s.servers.items()
    ]
    authority = federation.authority("federation")
    with ThreadPoolExecutor(3) as pool:
        jobs = [
            pool.submit(
                national.install,
                federation.podman,
                federation.container(name),
                authority.issue(national_name(name), [national_name(name)]),
                authority.pem,
                members,
            )
            for name in NATIONAL
        ]
        jobs.append(pool.submit(_access_point, federation))
        jobs.append(pool.submit(_directory, federation, sites[0]))
        for job in jobs:
            job.result()
    return federation


def anew(federation: Federation, host: str) -> None:
    """Make a host anew, as the image has it, with its name and address; what was done on it is gone."""
    federation.podman.run("rm", "-f", "-t", "0", "-v", federation.container(host))
    _run(federation, host, image.name())
    _wait(federation, [host])
    # Its interface has another hardware address; this question, which all hear, tells it to those who know the old one.
    federation.inside(host, "ping", "-c", "1", "-W", "5", federation.address("machine"))


def stop(federation: Federation) -> list[str]:
    """Stop the hosts; they stay as they are and can be started again."""
    names = [federation.container(host) for host, runs in federation.running().items() if runs]
    if names:
        federation.podman.run("stop", "-t", "5", *names, check=False)
    return names


def reset(federation: Federation) -> None:
    """Remove the hosts and everything that was made for them; the image stays."""
    federation.podman.remove(federation.name)
    shutil.rmtree(federation.folder, ignore_errors=True)


def _prepare(federation: Federation, sites: list[Site], hosts: list[str]) -> None:
    """Folder, ssh key, network and addresses."""
    folder = federation.folder
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (folder / "key").exists():
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ggi test hosts", "-f", str(folder / "key")]
        subprocess.run(words, check=True, capture_output=True)
    from ggi.engine.secrets import new_root_key

    if not (folder / "root.key").exists():
        write_atomically(folder / "root.key", new_root_key())
    network = federation.container("net")
    groups = [f"{site.stack}/{name}" for site in sites for name in site.access_points]
    for _ in range(20):
        # A network that nobody here uses; the range is free for private use (RFC 1918).
        prefix = f"10.{random.randint(64, 250)}.{random.randint(0, 250)}"  # noqa: S311  (not a secret)
        words = ["--internal", "--disable-dns", "--subnet", f"{prefix}.0/24", "--gateway", f"{prefix}.254"]
        label = f"{LABEL}={federation.name}"
        if federation.podman.run("network", "create", *words, "--label", label, network, check=False).returncode == 0:
            break
    else:
        raise WorkError(t("no network could be made for the test hosts"))
    addresses = {host: f"{prefix}.{11 + number}" for number, host in enumerate(hosts)}
    addresses |= {group: f"{prefix}.{130 + number}" for number, group in enumerate(groups)}
    addresses["machine"] = f"{prefix}.254"
    state = {"hosts": hosts, "addresses": addresses, "prefix": prefix}
    write_atomically(folder / "state.json", json.dumps(state, indent=1) + "\n")


def _run(federation: Federation, host: str, reference: str) -> None:
    federation.podman.run(
        "run", "-d", "--name", federation.container(host), "--hostname", host,
        "--label", f"{LABEL}={federation.name}",
        "--network", federation.container("net"), "--ip", federation.address(host),
        "--dns", "127.0.0.1", "--add-host", f"{DIRECTORY_NAME}:{federation.address(DIRECTORY)}", "--systemd=always",
        # SYS_ADMIN: the units' own sandboxing is real; NET_ADMIN and NET_RAW: firewall and ping. Never SYS_TIME.
        "--cap-add", "SYS_ADMIN,NET_ADMIN,NET_RAW",
        "-v", f"{federation.folder / 'key.pub'}:{ROOTS_HOME}/.ssh/authorized_keys:ro",
        reference, "/sbin/init",
    )  # fmt: skip


def _answers(address: str, port: int = 22) -> bool:
    try:
        with socket.create_connection((address, port), timeout=2) as connection:
            connection.settimeout(2)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _wait(federation: Federation, hosts: list[str]) -> None:
    """Until sshd answers everywhere; systemd says "running" also while sshd is still being restarted."""
    deadline = time.monotonic() + PATIENCE
    missing = list(hosts)
    while missing := [host for host in missing if not _answers(federation.address(host))]:
        if time.monotonic() > deadline:
            names = ", ".join(missing)
            raise WorkError(
                Problem(
                    t("these test hosts do not answer: {names}", names=names),
                    t("Look with: podman logs {name}", name=federation.container(missing[0])),
                )
            )
        time.sleep(0.2)


def _known_hosts(federation: Federation, hosts: list[str]) -> None:
    """The hosts' public keys, read past the network: the image has one set for all."""
    key = federation.inside(hosts[0], "cat", "/etc/ssh/ssh_host_ed25519_key.pub").stdout.split()
    groups = [name for name in federation.state["addresses"] if "/" in name]
    lines = [f"{federation.address(host)} {key[0]} {key[1]}\n" for host in (*hosts, *groups)]
    write_atomically(federation.folder / "known_hosts", "".join(lines))


def _access_point(federation: Federation) -> None:
    federation.inside(AP, "apt-get", "install", "-y", "-q", "eapoltest", "freeradius-utils", "wpasupplicant")
    _access_point_addresses(federation)


def _directory(federation: Federation, site: Site) -> None:
    """Fill the directory with the people of the first network, as `_supply` tells it."""
    users = [f"{USER}@{realm}" for realm in site.realms]
    directory.install(
        federation.podman,
        federation.container(DIRECTORY),
        federation.authority("directory").issue(DIRECTORY_NAME, [DIRECTORY_NAME], [SERVER]),
        federation.authority("directory").pem,
        federation.secret(site.stack, "ldap").read_text(encoding="ascii"),
        {user: federation.secret(site.stack, f"users/{user}").read_text(encoding="ascii") for user in users},
    )


def _access_point_addresses(federation: Federation) -> None:
    addresses = [value for key, value in federation.state["addresses"].items() if "/" in key]
    lines = [f"ip address replace {address}/24 dev eth0" for address in addresses]
    lines.append(f"ip link show {PORT} >/dev/null 2>&1 || ip link add {PORT} type veth peer name {DEVICE}")
    lines += [f"ip link set {name} up" for name in (PORT, DEVICE)]
    federation.inside(AP, "sh", "-euc", "\n".join(lines))


def _supply(federation: Federation, sites: Sequence[Site]) -> None:
    """Write what others would supply: values for each network, and secrets."""
    import yaml

    nationals = {n: {"address": federation.address(n), "name": national_name(n)} for n in NATIONAL}
    authority = federation.authority("federation")
    managed = next(((site.stack, name) for site in sites for name in site.ports), None)
    supplied = {}
    for number, site in enumerate(sites):
        eap, clients = federation.authority(f"{site.stack}-eap"), federation.authority(f"{site.stack}-clients")
        users = [f"{USER}@{realm}" for realm in site.realms]
        supplied[site.stack.removeprefix("net-")] = {
            "govroam": {
                "servers": {name: {"address": federation.address(f"{site.stack}-{name}")} for name in site.servers},
                "access_points": {
                    name: _group(federation.address(f"{site.stack}/{name}"), managed == (site.stack, name))
                    for name in site.access_points
                },
                "eap": {"authority": eap.pem, "client_authority": clients.pem},
                "users": _users_in_directory(federation) if number == 0 else {"kind": "file", "names": users},
                "national": {"transport": "radsec", "proxies": nationals, "authorities": authority.pem},
                "management": {
                    "networks": [f"{federation.address('machine')}/32"],
                    "ntp": [federation.address("nat1"), federation.address("nat2")],
                    "dns": [],
                    "monitoring": [f"{federation.address('machine')}/32"],
                    "packages": [],
                },
                **({"profiles": {"address": federation.address(DIRECTORY)}} if number == 0 else {}),
                "retention_days": 183,
                "crl": True,
            }
        }
        issued = {"certificates/eap": eap.issue(site.server_name, [site.server_name], [SERVER])}
        for name, host in site.servers.items():
            issued[f"certificates/radsec-{name}"] = authority.issue(host, [host], [SERVER, CLIENT])
        for path, pair in issued.items():
            write_atomically(federation.secret(site.stack, f"{path}.pem"), pair.certificate)
            write_atomically(federation.secret(site.stack, f"{path}.key"), pair.key)
        revoked = clients.issue(f"{USER}@{site.realms[0]}", usages=(CLIENT,))
        lists = {"clients": clients.revocations(revoked), "federation": authority.revocations()}
        for name, text in lists.items():
            write_atomically(federation.secret(site.stack, f"crl/{name}.pem"), text)
        # For tests: somebody whose certificate is on the list.
        write_atomically(federation.secret(site.stack, "revoked.pem"), revoked.certificate)
        write_atomically(federation.secret(site.stack, "revoked.key"), revoked.key)
        for path in [*(f"users/{user}" for user in users), "ldap"]:
            write_atomically(federation.secret(site.stack, path), os.urandom(12).hex())
    write_atomically(federation.supplied, yaml.safe_dump(supplied, sort_keys=False))


def _users_in_directory(federation: Federation) -> dict[str, Any]:
    """A network's users are in the directory."""
    known = {
        "servers": [DIRECTORY_NAME],
        "authority": federation.authority("directory").pem,
        "bind": directory.BIND,
        "base": directory.BASE,
        "filter": directory.FILTER,
    }
    return {"kind": "ldap", "ldap": known}


def _group(address: str, managed: bool) -> dict[str, Any]:
    """A group of access points; `managed` has one that the roles set up."""
    hosts = {"hosts": {"ap1": {"address": address, "interface": PORT, "driver": "wired"}}} if managed else {}
    return {"addresses": [f"{address}/32"], **hosts}
