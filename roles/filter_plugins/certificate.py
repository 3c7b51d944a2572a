"""Ansible filters: what is wrong with a certificate, and whether devices go on trusting the servers with it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from ggi.hosts.certificates import anchor, crl_problems, problems
from ggi.inventory.govroam import LEAST_REACHED


def order_problem(new: str, authorities: str, current: str, known: str, reached: int) -> str:
    """Why devices would be locked out by `new` of `authorities`, after `current` of `known`; "" when they would not."""
    present = anchor(current, known)
    if present is None or present == anchor(new, authorities) or reached >= LEAST_REACHED:
        return ""
    return f"devices pin another CA, and {reached} % have a profile with both; {LEAST_REACHED} % are needed first"


class FilterModule:
    """See the module's docstring."""

    def filters(self) -> Mapping[str, Callable[..., object]]:
        """The filters of this file."""
        return {
            "certificate_problems": problems,
            "certificate_order_problem": order_problem,
            "crl_problems": crl_problems,
        }
