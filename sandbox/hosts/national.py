"""The national level of the test federation: two radsecproxies, written apart from the roles that they test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.hosts.authority import Issued
from sandbox.hosts.podman import Podman

CONFIG = "/etc/radsecproxy.conf"
UNIT = "national.service"
"""Its unit; in the foreground, radsecproxy logs to the journal."""

_UNIT = f"""\
[Unit]
Description=National proxy of the test federation
[Service]
ExecStart=/usr/sbin/radsecproxy -f -c {CONFIG}
User=radsecproxy
Environment=TZ=UTC
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
"""
_HEAD = """\
ListenTLS *:2083
LogLevel 3
LoopPrevention on
tls members {
	CACertificateFile /etc/national/ca.pem
	CertificateFile /etc/national/own.pem
	CertificateKeyFile /etc/national/own.key
	TlsVersion TLS1_2:
}
# A home organisation that tries to choose the VLAN of the host: Tunnel-Type VLAN, IEEE-802, VLAN 42. Every answer
# carries it, so every log-in in a test proves that the host's servers take it out.
rewrite hostile {
	addAttribute 64:%00%00%00%0d
	addAttribute 65:%00%00%00%06
	addAttribute 81:42
}
"""


@dataclass(frozen=True)
class Member:
    """A RADIUS server of an organisation, as the national level knows it."""

    name: str
    address: str
    certificate: str
    realms: tuple[str, ...]


def config(members: Sequence[Member]) -> str:
    """The configuration of a national proxy: every member by address and name, every realm at its own servers."""
    blocks = [_HEAD]
    by_realm: dict[str, list[str]] = {}
    for member in members:
        peer = (
            f"host {member.address}\n\ttype tls\n\ttls members\n\tsecret radsec\n\tCertificateNameCheck off\n"
            f"\tMatchCertificateAttribute SubjectAltName:DNS:/^{_escaped(member.certificate)}$/"
        )
        blocks.append(f"client {member.name} {{\n\t{peer}\n}}\n")
        blocks.append(
            f"server {member.name} {{\n\t{peer}\n\tport 2083\n\tStatusServer on\n"
            "\tRetryCount 0\n\tRewriteIn hostile\n}\n"
        )
        for realm in member.realms:
            by_realm.setdefault(realm, []).append(member.name)
    for realm, names in by_realm.items():
        blocks.append(f"realm /@{_escaped(realm)}$/ {{\n" + "".join(f"\tserver {name}\n" for name in names) + "}\n")
    blocks.append('realm * {\n\tReplyMessage "no such realm in this federation"\n}\n')
    return "".join(blocks)


def _escaped(name: str) -> str:
    return name.replace(".", "\\.")


def install(podman: Podman, container: str, own: Issued, authority: str, members: Sequence[Member]) -> None:
    """Install, configure and start a national proxy in `container`."""
    quiet = "printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d"
    podman.inside(container, "sh", "-c", f"{quiet}; apt-get install -y -q radsecproxy; rm /usr/sbin/policy-rc.d")
    owner = "radsecproxy:radsecproxy"
    files: Mapping[str, str] = {"ca.pem": authority, "own.pem": own.certificate, "own.key": own.key}
    for name, text in files.items():
        podman.put(container, f"/etc/national/{name}", text, "0400", owner)
    podman.inside(container, "chmod", "0755", "/etc/national")
    podman.put(container, CONFIG, config(members), "0640", owner)
    podman.put(container, "/etc/systemd/system/national.service", _UNIT)
    podman.inside(container, "systemctl", "enable", "--now", "national.service")
