"""A lock between processes on one machine that the kernel gives back when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ggi.errors import Problem, WorkError
from ggi.messages import t

_PAUSE = 0.2
_REMINDER = 10.0


@contextmanager
def locked(path: Path, what: str, report: Callable[[str], None], *, patience: float | None = None) -> Iterator[bool]:
    """Hold the lock file `path`; yields whether another process had to be waited for.

    While waiting, `report` hears every ten seconds who holds it. After `patience` seconds (default: never) raises
    WorkError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    reminder = started
    waited = False
    with path.open("a+") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder = _holder(path)
                now = time.monotonic()
                if patience is not None and now - started > patience:
                    raise WorkError(
                        Problem(
                            t("{what} is in use by {holder}", what=what, holder=holder),
                            t("Wait until it is done, then run the command again."),
                        )
                    ) from None
                if now >= reminder:
                    report(t("{what}: waiting for {holder}", what=what, holder=holder))
                    reminder = now + _REMINDER
                waited = True
                time.sleep(_PAUSE)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield waited
        finally:
            file.truncate(0)


def _holder(path: Path) -> str:
    try:
        pid = path.read_text().strip()
    except OSError:
        pid = ""
    return t("process {pid}", pid=pid) if pid else t("another process")
