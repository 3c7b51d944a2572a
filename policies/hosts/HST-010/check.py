"""Every service of the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ggi.controls.sdk import Detail, Govroam


def check(host: Any, govroam: Govroam) -> Iterator[tuple[bool, Detail]]:
    """See the control's text."""
    names = ["freeradius"]
    if govroam.national is not None and govroam.national.transport == "radsec":
        names += ["radsecproxy@in", "radsecproxy@out"]
    for name in names:
        service = host.service(name)
        fine = service.is_running and service.is_enabled
        yield fine, Detail("runs" if fine else "does-not-run", name)
