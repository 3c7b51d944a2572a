"""What sshd itself says that it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ggi.controls.sdk import Detail, Govroam

WANTED = {
    "passwordauthentication": ("no",),
    "kbdinteractiveauthentication": ("no",),
    "permitrootlogin": ("no", "without-password", "prohibit-password"),
    "permitemptypasswords": ("no",),
}


def check(host: Any, govroam: Govroam) -> Iterator[tuple[bool, Detail]]:
    """See the control's text."""
    said = dict(line.split(" ", 1) for line in host.check_output("sshd -T").splitlines() if " " in line)
    for key, wanted in WANTED.items():
        yield said.get(key) in wanted, Detail("setting", f"{key} {said.get(key)}")
