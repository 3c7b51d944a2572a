"""The kernel's own rules, not the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ggi.controls.sdk import Detail, Govroam


def check(host: Any, govroam: Govroam) -> Iterator[tuple[bool, Detail]]:
    """See the control's text."""
    rules = host.check_output("nft list ruleset")
    for chain in ("input", "forward", "output"):
        found = re.search(rf"hook {chain} priority \w+; policy (\w+);", rules)
        policy = found[1] if found else "none"
        yield policy == "drop", Detail("chain", f"{chain} {policy}")
    enabled = host.service("nftables").is_enabled
    yield enabled, Detail("starts" if enabled else "does-not-start")
