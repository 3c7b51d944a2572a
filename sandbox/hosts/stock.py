"""FreeRADIUS as Debian ships it, with one user and one client added: what our servers are measured against."""

from __future__ import annotations

from sandbox.hosts.podman import Podman

FOLDER = "/etc/freeradius/3.0"


def install(podman: Podman, container: str, client: str, secret: str, user: str, password: str) -> None:
    """Install and start it in `container`, for a client at one address and a user with a password."""
    podman.inside(container, "apt-get", "install", "-y", "-q", "freeradius", seconds=300)
    added = f"client measured {{\n\tipaddr = {client}\n\tsecret = {secret}\n}}\n"
    podman.inside(container, "sh", "-c", f"cat >> {FOLDER}/clients.conf", text=added)
    # First in the file: the shipped entries come after it.
    people = f'"{user}" Cleartext-Password := "{password}"\n'
    file = f"{FOLDER}/mods-config/files/authorize"
    script = f"cat - {file} > /tmp/people && cat /tmp/people > {file}"
    podman.inside(container, "sh", "-euc", script, text=people)
    podman.inside(container, "systemctl", "restart", "freeradius")
