"""Every service of the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ggi.controls.sdk import Govroam


def check(host: Any, govroam: Govroam) -> Iterator[tuple[bool, str]]:
    """See the control's text."""
    names = ["freeradius"]
    if govroam.national is not None and govroam.national.transport == "radsec":
        names += ["radsecproxy@in", "radsecproxy@out"]
    for name in names:
        service = host.service(name)
        fine = service.is_running and service.is_enabled
        yield fine, f"{name}: {'runs and starts by itself' if fine else 'does not run or does not start by itself'}"
