"""How a command that must clean up after itself ends when it is told to."""

from __future__ import annotations

import signal
from typing import Any


def end_in_order() -> None:
    """From now on SIGTERM (a CI system that cancels) ends the command as Ctrl-C does: what was made is removed."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt
