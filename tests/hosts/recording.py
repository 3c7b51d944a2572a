"""What a release of the roles wrote on a server: recorded as files, and laid on new servers as if it had run there.

`python tests/hosts/recording.py CHECKOUT SUPPLIED` runs the roles of another checkout on a server of the sandbox and
keeps what they wrote below `previous/`. What is another value in each sandbox (addresses, secrets, certificates) is
kept by name: `@address(nat1)@`, `@given(certificates/eap.pem)@`, `@authority(federation)@`. No secret is kept.
"""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import yaml

from ggi.hosts.secrets import value
from sandbox.hosts.federation import Federation, anew

PREVIOUS = Path(__file__).parent / "previous"
INDEX = "index.yaml"
"""Kind (file, link, directory), mode and owner of each path, and where a link points."""
STACK, RECORDED = "net-rijnstad", "rad1"
"""The server that was recorded; its fellow differs by its name alone."""
PACKAGES = ("freeradius", "radsecproxy", "nftables", "chrony", "logrotate", "unattended-upgrades")
"""What every release of the roles installs."""
PLACES = ("/etc", "/usr/local")
"""Where roles write."""
NOT_THEIRS = re.compile(
    r"/etc/(hosts|hostname|resolv\.conf|mtab|machine-id|ld\.so\.cache|\.pwd\.lock|\.updated)$"
    r"|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|/etc/(ssl|freeradius/3\.0)/|\.previous(/|$)"
)
"""What packages make anew on each server, and what the roles keep for the way back."""
_LIST = r"find {places} {newer} \( -type f -o -type l -o -type d \) -printf '%p\t%y\t%m\t%u:%g\t%l\n' 2>/dev/null"


def bare(federation: Federation, name: str) -> None:
    """Make a server anew, with the packages and nothing of ours on it."""
    host = f"{STACK}-{name}"
    anew(federation, host)
    quiet = "printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d"
    words = f"apt-get install -y -q {' '.join(PACKAGES)}"
    script = f"{quiet}; DEBIAN_FRONTEND=noninteractive {words}; rm /usr/sbin/policy-rc.d; touch /run/bare"
    federation.inside(host, "sh", "-c", script, seconds=600)


def listed(federation: Federation, name: str, newer: str = "") -> dict[str, list[str]]:
    """Kind, mode, owner and target of a link of everything where roles write, by path."""
    script = _LIST.format(places=" ".join(PLACES), newer=newer)
    lines = federation.inside(f"{STACK}-{name}", "sh", "-c", script, check=False).stdout.splitlines()
    rows = (line.split("\t") for line in sorted(lines))
    return {path: rest for path, *rest in rows if not NOT_THEIRS.search(path)}


def contents(federation: Federation, name: str) -> dict[str, str]:
    """The same with a hash of each file: two servers that can't be told apart have the same."""
    words = ["sh", "-c", f"find {' '.join(PLACES)} -type f -exec sha256sum {{}} + 2>/dev/null"]
    lines = federation.inside(f"{STACK}-{name}", *words, check=False).stdout.splitlines()
    hashes = {path: digest for digest, path in (line.split("  ", 1) for line in lines)}
    return {path: " ".join([*row, hashes.get(path, "")]) for path, row in listed(federation, name).items()}


def _filled(federation: Federation, text: str) -> str:
    """A recorded text with the values of this sandbox."""

    def of(found: re.Match[str]) -> str:
        kind, name = found[1], found[2]
        if kind == "address":
            return federation.address(name)
        if kind == "authority":
            return federation.authority(name).pem.strip()
        return value(f"{kind}({name})", STACK)

    return re.sub(r"@(address|authority|given|derived)\(([^()]+)\)@", of, text)


def lay(federation: Federation, name: str) -> None:
    """Make a server anew as the previous release left it; its services do not run yet."""
    bare(federation, name)
    kept: dict[str, str] = yaml.safe_load((PREVIOUS / INDEX).read_text(encoding="utf-8"))
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, words in kept.items():
            kind, mode, owner, *target = words.split(" ")
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.type = {"d": tarfile.DIRTYPE, "l": tarfile.SYMTYPE, "f": tarfile.REGTYPE}[kind]
            entry.mode, entry.linkname = int(mode, 8), "".join(target)
            entry.uname, entry.gname = owner.split(":")
            text = (PREVIOUS / path.lstrip("/")).read_text(encoding="utf-8") if kind == "f" else ""
            filled = _filled(federation, text.replace(RECORDED, name)).encode()
            entry.size = len(filled)
            archive.addfile(entry, io.BytesIO(filled))
    packed = base64.b64encode(stream.getvalue()).decode()
    container = federation.container(f"{STACK}-{name}")
    federation.podman.inside(container, "sh", "-euc", "base64 -d | tar -xp --overwrite -C /", text=packed)


def record(federation: Federation, checkout: Path, supplied: Path) -> None:
    """Run the roles of `checkout` on a new server with what is `supplied`, and keep what they wrote."""
    bare(federation, RECORDED)
    host = f"{STACK}-{RECORDED}"
    programs = Path(sys.executable).parent
    environment = {
        **os.environ,
        **federation.environment,
        "GGI_HOSTS_SUPPLIED": str(supplied),
        "ANSIBLE_CONFIG": str(checkout / "ansible.cfg"),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
    }
    script = str(checkout / "inventories" / "hosts.py")
    words = ["ansible-playbook", "-i", script, str(checkout / "roles" / "site.yml"), "--limit", host]
    subprocess.run(words, env=environment, cwd=checkout, check=True)
    words = [sys.executable, script, "--list"]
    variables = subprocess.run(words, env=environment, cwd=checkout, check=True, capture_output=True, text=True).stdout
    os.environ.update(federation.environment)
    names = {federation.address(one): f"@address({one})@" for one in federation.state["addresses"]}
    given = federation.folder / "secrets" / STACK
    names |= {f.read_text().strip(): f"@given({f.relative_to(given)})@" for f in given.rglob("*") if f.is_file()}
    known = variables + "".join(f.read_text() for f in (checkout / "roles").rglob("*.yml"))
    for reference in sorted(set(re.findall(r"derived\([a-z0-9./#_-]+\)", known))):
        names[value(reference, STACK)] = f"@{reference}@"
    for one in ("federation", f"{STACK}-eap", f"{STACK}-clients"):
        names[federation.authority(one).pem.strip()] = f"@authority({one})@"
    pattern = re.compile("|".join(rf"(?<![\w.]){re.escape(word)}(?![\w.])" for word in sorted(names, key=len)[::-1]))
    shutil.rmtree(PREVIOUS, ignore_errors=True)
    index = listed(federation, RECORDED, "-newer /run/bare")
    for path, row in index.items():
        if row[0] == "f":
            text = federation.inside(host, "cat", path).stdout
            target = PREVIOUS / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(pattern.sub(lambda found: names[found[0]], text), encoding="utf-8")
            assert "-----BEGIN" not in target.read_text(), path
    kept = {
        path: " ".join(row).strip()
        for path, row in index.items()
        if row[0] != "d" or any(other.startswith(f"{path}/") and index[other][0] != "d" for other in index)
    }
    (PREVIOUS / INDEX).write_text(yaml.safe_dump(kept, width=160), encoding="utf-8")


if __name__ == "__main__":
    record(Federation.of(os.environ.get("GGI_TEST_HOSTS", "tests")), Path(sys.argv[1]), Path(sys.argv[2]))
