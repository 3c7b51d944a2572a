"""The certificates that the services use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from ggi.controls.sdk import RENEW_DAYS, Detail, Govroam, days_left


def check(host: Any, govroam: Govroam) -> Iterator[tuple[bool, Detail]]:
    """See the control's text."""
    names = [*(["eap"] if "idp" in govroam.roles else [])]
    if govroam.national is not None and govroam.national.transport == "radsec":
        names.append("radsec")
    for name in names:
        path = f"/etc/govroam/certificates/{name}/chain.pem"
        if not host.file(path).exists:
            yield False, Detail("absent", name)
            continue
        left = days_left(host.check_output("cat %s", path), dt.datetime.now(dt.UTC))
        lasts = left >= RENEW_DAYS
        yield lasts, Detail("lasts" if lasts else "ends-soon", f"{name} {RENEW_DAYS}")
