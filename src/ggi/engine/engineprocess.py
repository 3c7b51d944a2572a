"""Running the Pulumi CLI: its events as they come, an orderly stop on Ctrl-C, and nothing lost when we are killed.

The CLI is started as a process group of its own and writes to files. So Ctrl-C reaches it through us, once for an
orderly stop and again for an immediate one; and when we are killed it can finish what it is doing and write its state,
which a pipe without a reader would not let it. The Automation API offers neither, and costs half a second to import.
"""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

Listener = Callable[[Mapping[str, Any]], None]

_PAUSE = 0.05
"""Seconds between two looks at the event log."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run of the CLI ended; `text` is what it wrote to standard output and standard error."""

    code: int
    text: str
    interrupted: bool = False


def call(command: Sequence[str], environment: Mapping[str, str], cwd: Path, *, given: str | None = None) -> Finished:
    """Run a short command of the CLI; `given` is its standard input, the way for secrets."""
    done = subprocess.run(
        [*command, "--non-interactive", "--color=never"],
        env=dict(environment),
        cwd=cwd,
        input=given if given is not None else "",
        capture_output=True,
        text=True,
        check=False,
    )
    return Finished(done.returncode, done.stdout if done.returncode == 0 else done.stdout + done.stderr)


def watch(
    command: Sequence[str],
    environment: Mapping[str, str],
    cwd: Path,
    listener: Listener,
    on_interrupt: Callable[[], None] = lambda: None,
) -> Finished:
    """Run an operation of the CLI and tell `listener` every event of its log.

    An interruption (Ctrl-C, SIGTERM, a terminal that closes) is passed on once: the engine ends what it is doing,
    starts nothing more and writes its state; `on_interrupt` is called then. A second one ends it at once.
    """
    with tempfile.TemporaryDirectory(prefix="ggi-engine-") as folder:
        events, output = Path(folder) / "events", Path(folder) / "output"
        # The switch makes the option that names the event log exist; Pulumi's own Automation API does the same.
        env = dict(environment) | {"PULUMI_DEBUG_COMMANDS": "true"}
        passed_on = 0
        with output.open("wb") as out, _interruptions() as asked:
            process = subprocess.Popen(
                [*command, "--non-interactive", "--color=never", f"--event-log={events}"],
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
            log = _Log(events, listener)
            while process.poll() is None:
                if len(asked) > passed_on:
                    passed_on += 1
                    process.send_signal(signal.SIGINT)
                    if passed_on == 1:
                        on_interrupt()
                log.read()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_PAUSE)
            log.read()
            log.close()
        return Finished(process.returncode, output.read_text(encoding="utf-8", errors="replace"), passed_on > 0)


@contextmanager
def _interruptions() -> Iterator[list[int]]:
    """The signals (Ctrl-C, SIGTERM, SIGHUP) that came since. Only noted: an exception could come out between two lines.

    Only the main thread can be asked; elsewhere the list stays empty.
    """
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Log:
    """The event log while it grows: a line is read when it is whole."""

    def __init__(self, path: Path, listener: Listener) -> None:
        self._path = path
        self._listener = listener
        self._file: Any = None
        self._rest = b""

    def read(self) -> None:
        """Tell the listener what was added since the last time."""
        if self._file is None:
            try:
                self._file = self._path.open("rb")
            except FileNotFoundError:
                return
        # Taken off piece by piece, so that an interruption in the middle loses no line.
        self._rest += self._file.read()
        while b"\n" in self._rest:
            line, _, rest = self._rest.partition(b"\n")
            self._rest = rest
            if line.strip():
                self._listener(json.loads(line))

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()
