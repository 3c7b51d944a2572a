"""The configuration that the running server was started with, as FreeRADIUS itself reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ggi.controls.sdk import Detail, Govroam


def options(host: Any) -> str:
    """The folder of the running server."""
    running = host.check_output("ps -o args= -C freeradius").split()
    return str(running[running.index("-d") + 1]) if "-d" in running else "/etc/freeradius/3.0"


def check(host: Any, govroam: Govroam) -> Iterator[tuple[bool, Detail]]:
    """See the control's text."""
    folder = options(host)
    text = host.check_output("freeradius -XC -l stdout -d %s", folder)
    blocks = re.findall(r"^ (?:\t)?(client|home_server) (\S+) \{\n(.*?)^ (?:\t)?\}", text, re.M | re.S)
    for kind, name, body in blocks:
        if name == "localhost":
            continue
        strict = "require_message_authenticator = yes" in body.replace('"', "")
        yield strict, Detail("required" if strict else "not-required", f"{kind} {name}")
    if not blocks:
        yield False, Detail("no-client", folder)
