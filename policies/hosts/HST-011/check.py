"""What FreeRADIUS writes of a log-in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ggi.controls.sdk import Detail, Govroam

FIELDS = {
    "when": "%S",
    "result": "reply:Packet-Type",
    "where": "client:shortname",
    "who": "%{User-Name}",
    "device": "%{Calling-Station-Id}",
    "access point": "%{Called-Station-Id}",
    "reason": "Module-Failure-Message",
}
"""What BIO2 8.15.01 asks of a line, in FreeRADIUS' words."""


def check(host: Any, govroam: Govroam) -> Iterator[tuple[bool, Detail]]:
    """See the control's text."""
    folder = "/etc/freeradius/govroam"
    lines = re.findall(r'format = "(.*Calling-Station-Id.*)"', host.file(f"{folder}/modules.conf").content_string)
    absent = [name for name, word in FIELDS.items() if not lines or word not in lines[0]]
    yield not absent, Detail("absent-fields", ", ".join(absent) or "none")
    settings = host.file(f"{folder}/radiusd.conf").content_string
    written = re.findall(r"^\s*(auth_badpass|auth_goodpass) = (\w+)", settings, re.M)
    secret = any("Password" in line for line in lines)
    safe = len(written) == 2 and {value for _, value in written} == {"no"} and not secret
    yield safe, Detail("passwords", "no" if safe else "yes")
