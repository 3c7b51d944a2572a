"""Ansible filter: what is wrong with a certificate, on the controller, before it is deployed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from ggi.hosts.certificates import problems


class FilterModule:
    """See the module's docstring."""

    def filters(self) -> Mapping[str, Callable[..., list[str]]]:
        """The filters of this file."""
        return {"certificate_problems": problems}
