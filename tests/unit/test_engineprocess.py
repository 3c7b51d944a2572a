"""Interrupting the engine: whatever ends our process is passed on as Ctrl-C, once, and again when asked again."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from ggi.engine.engineprocess import watch

ENGINE = """
import pathlib, signal, sys, time
seen = 0
def note(number, frame):
    global seen
    seen += 1
    pathlib.Path(str(seen)).touch()
signal.signal(signal.SIGINT, note)
pathlib.Path("0").touch()
while seen < int(sys.argv[1]):
    time.sleep(0.01)
print("interrupted", seen, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("times", [1, 2])
def test_a_signal_reaches_the_engine_as_an_interruption(number: signal.Signals, times: int, tmp_path: Path) -> None:
    told: list[int] = []

    def interrupt() -> None:
        for count in range(times):
            while not (tmp_path / str(count)).exists():
                time.sleep(0.01)
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    sender = threading.Thread(target=interrupt)
    sender.start()
    command = [sys.executable, "-c", ENGINE, str(times)]
    done = watch(command, dict(os.environ), tmp_path, lambda event: None, lambda: told.append(1))
    sender.join()
    assert (done.code, done.interrupted, told) == (0, True, [1])
    assert f"interrupted {times}" in done.text
    assert signal.getsignal(number) is before
