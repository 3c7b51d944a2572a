"""Logging in again and again while something changes: the proof that a rotation locks nobody out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

PROCEDURES = {
    "provider first": ("1", "2+1", "use", "2"),
    "in three updates": ("1", "1+2", "use", "2+1", "2"),
}
"""Ways to rotate from counter 1 to 2: `2+1` is current 2, accept 1; at `use` the consumers take what is current then.

Provider first: `use` right after the provider's part of the same update. In three updates nobody needs to wait.
"""


class LoginLoop:
    """Runs `log_in` some times a second in a thread until the context ends. `failures` are what it raised, and when.

    With a pause, since what it watches needs processors too.
    """

    PAUSE = 0.2
    """Seconds."""

    def __init__(self, log_in: Callable[[], None]) -> None:
        self._log_in = log_in
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.count = 0
        self.failures: list[str] = []

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._log_in()
            except Exception as error:
                self.failures.append(f"{time.strftime('%X')} {type(error).__name__}: {error}")
            self.count += 1
            self._stop.wait(self.PAUSE)

    def use(self, log_in: Callable[[], None]) -> None:
        """From now on log in this way: the consumer has rolled."""
        self._log_in = log_in

    def more(self, number: int = 5) -> None:
        """Wait until it logged in `number` more times. Raises TimeoutError after a minute."""
        wanted, end = self.count + number, time.monotonic() + 60
        while self.count < wanted:
            if time.monotonic() > end:
                raise TimeoutError(f"{self.count} log-ins, {wanted} wanted")
            time.sleep(0.02)

    def __enter__(self) -> LoginLoop:
        self._thread.start()
        self.more(2)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(60)
