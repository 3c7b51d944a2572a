"""Owner, group and mode of what holds keys and secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ggi.controls.sdk import Detail, Govroam

FILES = {
    "/etc/govroam/certificates/eap/key.pem": "freerad",
    "/etc/govroam/certificates/radsec/key.pem": "radsecproxy",
    "/etc/freeradius/govroam/secrets.conf": "freerad",
    "/etc/freeradius/govroam/users": "freerad",
    "/etc/radsecproxy/secret.inc": "radsecproxy",
}


def check(host: Any, govroam: Govroam) -> Iterator[tuple[bool, Detail]]:
    """See the control's text."""
    for path, group in FILES.items():
        file = host.file(path)
        if file.exists:
            private = (file.user, file.group) == ("root", group) and file.mode & 0o037 == 0
            yield private, Detail("file", f"{path} {file.user}:{file.group} {file.mode:o}")
