"""What apt itself says that it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ggi.controls.sdk import Detail, Govroam


def check(host: Any, govroam: Govroam) -> Iterator[tuple[bool, Detail]]:
    """See the control's text."""
    yield host.package("unattended-upgrades").is_installed, Detail("package", "unattended-upgrades")
    said = host.check_output("apt-config dump APT::Periodic")
    for key in ("Update-Package-Lists", "Unattended-Upgrade"):
        daily = f'APT::Periodic::{key} "1";' in said
        yield daily, Detail("daily" if daily else "not-daily", key)
