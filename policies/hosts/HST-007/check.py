"""The service that keeps the time, whom it asks, and the zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ggi.controls.sdk import Detail, Govroam


def check(host: Any, govroam: Govroam) -> Iterator[tuple[bool, Detail]]:
    """See the control's text."""
    running = host.service("chrony").is_running
    yield running, Detail("runs" if running else "does-not-run")
    asked = set(re.findall(r"^server (\S+)", host.file("/etc/chrony/chrony.conf").content_string, re.M))
    wanted = govroam.management.ntp if govroam.management else ()
    yield asked == set(wanted), Detail("asks", ", ".join(sorted(asked)) or "nobody")
    zone = host.check_output("date +%Z")
    yield zone == "UTC", Detail("zone", zone)
