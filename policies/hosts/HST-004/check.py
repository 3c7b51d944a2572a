"""The eap module that the server reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ggi.controls.sdk import Detail, Govroam


def check(host: Any, govroam: Govroam) -> Iterator[tuple[bool, Detail]]:
    """See the control's text."""
    text = host.file("/etc/freeradius/govroam/modules.conf").content_string
    found = re.search(r'tls_min_version = "([0-9.]+)"', text)
    version = found[1] if found else "none"
    if "idp" in govroam.roles:
        yield version in ("1.2", "1.3"), Detail("oldest-tls", version)
    weak = sorted(set(re.findall(r"^\t(md5|gtc|leap|pwd|fast)\b", text, re.M)))
    yield not weak, Detail("weak-methods", ", ".join(weak) or "none")
