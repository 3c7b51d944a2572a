"""The processes that a plugin started, and that end with it."""

from __future__ import annotations

import signal
import subprocess
import threading
from typing import Any

GRACE_SECONDS = 5.0
"""Between asking a program to stop and killing it."""


class Children:
    """The processes that this host started and that still run."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def start(self, command: list[str], **settings: Any) -> subprocess.Popen[bytes]:
        """Start `command`; it is stopped with this host."""
        child = subprocess.Popen(command, **settings)
        with self._lock:
            self._running.add(child)
        return child

    def wait(self, child: subprocess.Popen[bytes]) -> int:
        """Wait for `child` and return its exit code (negative: the signal that ended it)."""
        code = child.wait()
        with self._lock:
            self._running.discard(child)
        return code

    def stop(self, child: subprocess.Popen[bytes]) -> None:
        """Interrupt `child`, and kill it when it has not gone after a while."""
        if child.poll() is not None:
            return
        child.send_signal(signal.SIGINT)
        killer = threading.Timer(GRACE_SECONDS, child.kill)
        killer.daemon = True
        killer.start()

    def stop_all(self) -> None:
        """Stop what runs, without waiting."""
        with self._lock:
            running = list(self._running)
        for child in running:
            if child.poll() is None:
                child.terminate()
