"""What apt itself says that it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ggi.controls.sdk import Govroam


def check(host: Any, govroam: Govroam) -> Iterator[tuple[bool, str]]:
    """See the control's text."""
    yield host.package("unattended-upgrades").is_installed, "unattended-upgrades"
    said = host.check_output("apt-config dump APT::Periodic")
    for key in ("Update-Package-Lists", "Unattended-Upgrade"):
        daily = f'APT::Periodic::{key} "1";' in said
        yield daily, f"{key} {'daily' if daily else 'not daily'}"
