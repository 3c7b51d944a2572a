"""What logrotate and journald do, and that log-ins are written at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ggi.controls.sdk import Detail, Govroam


def check(host: Any, govroam: Govroam) -> Iterator[tuple[bool, Detail]]:
    """See the control's text."""
    rotation = host.file("/etc/logrotate.d/freeradius").content_string
    found = re.search(r"maxage (\d+)", rotation)
    days = int(found[1]) if found else 0
    yield days == govroam.retention_days, Detail("log-ins", days)
    journal = host.check_output("systemd-analyze cat-config systemd/journald.conf")
    kept = re.findall(r"^MaxRetentionSec=(\d+)day", journal, re.M)
    yield kept[-1:] == [str(govroam.retention_days)], Detail("journal", (kept or ["?"])[-1])
