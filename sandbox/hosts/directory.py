"""The directory of the test federation: OpenLDAP over TLS, written apart from the role that asks it."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.hosts.authority import Issued
from sandbox.hosts.podman import Podman

UNIT = "directory.service"
BASE = "ou=people,dc=sandbox,dc=test"
BIND = "cn=radius,dc=sandbox,dc=test"
"""The account that servers search with; it alone reads passwords."""
FILTER = "(mail=%{User-Name})"
"""People are found by their whole name with realm: one directory may have people of several gemeenten."""
_OWNER = "openldap:openldap"

_UNIT = """\
[Unit]
Description=Directory of the test federation
[Service]
ExecStart=/usr/sbin/slapd -d 0 -h ldaps:/// -f /etc/directory/slapd.conf -u openldap -g openldap
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
"""
_CONFIG = f"""\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile /etc/directory/ca.pem
TLSCertificateFile /etc/directory/own.pem
TLSCertificateKeyFile /etc/directory/own.key
TLSProtocolMin 3.3
database mdb
suffix "dc=sandbox,dc=test"
directory /var/lib/directory
index mail eq
access to attrs=userPassword by dn.exact="{BIND}" read by anonymous auth by * none
access to * by dn.exact="{BIND}" read by * none
"""


def entries(bind_password: str, users: Mapping[str, str]) -> str:
    """The directory as LDIF: the account of the servers, and people by name with realm with their passwords."""
    blocks = [
        "dn: dc=sandbox,dc=test\nobjectClass: domain\ndc: sandbox\n",
        f"dn: {BASE}\nobjectClass: organizationalUnit\nou: people\n",
        f"dn: {BIND}\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\ncn: radius\n"
        f"userPassword: {bind_password}\n",
    ]
    blocks += [
        f"dn: mail={name},{BASE}\nobjectClass: inetOrgPerson\ncn: {name}\nsn: {name}\nmail: {name}\n"
        f"userPassword: {password}\n"
        for name, password in users.items()
    ]
    return "\n".join(blocks)


def install(
    podman: Podman, container: str, own: Issued, authority: str, bind_password: str, users: Mapping[str, str]
) -> None:
    """Install, fill and start the directory in `container`."""
    quiet = "printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d"
    install_it = "DEBIAN_FRONTEND=noninteractive apt-get install -y -q slapd ldap-utils"
    podman.inside(container, "sh", "-c", f"{quiet}; {install_it}; rm /usr/sbin/policy-rc.d")
    files = {
        "ca.pem": authority,
        "own.pem": own.certificate,
        "own.key": own.key,
        "slapd.conf": _CONFIG,
        "people.ldif": entries(bind_password, users),
    }
    for name, text in files.items():
        podman.put(container, f"/etc/directory/{name}", text, "0400", _OWNER)
    podman.put(container, f"/etc/systemd/system/{UNIT}", _UNIT)
    script = (
        "chmod 0755 /etc/directory; rm -rf /var/lib/directory; install -d -o openldap -g openldap /var/lib/directory; "
        "runuser -u openldap -- slapadd -f /etc/directory/slapd.conf -l /etc/directory/people.ldif; "
        f"systemctl enable --now {UNIT}"
    )
    podman.inside(container, "sh", "-euc", script)
