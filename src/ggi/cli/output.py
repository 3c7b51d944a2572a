"""How commands print: tables for people, JSON for programs, progress that is quiet when nobody watches."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

COLORS = {"green": "32", "red": "31", "yellow": "33", "dim": "2", "bold": "1", "cyan": "36"}


@contextmanager
def _heard_or_not(stream: Any) -> Iterator[None]:
    """When nobody reads any more (`| head`), what was begun goes on unheard: half an update is worse than no words."""
    try:
        yield
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def say(text: str = "") -> None:
    """Print a line to standard output at once."""
    with _heard_or_not(sys.stdout):
        print(text, flush=True)  # noqa: T201


def note(text: str) -> None:
    """Print a line to standard error: progress and remarks, so that standard output stays clean for programs."""
    with _heard_or_not(sys.stderr):
        print(text, file=sys.stderr, flush=True)  # noqa: T201


def say_json(value: Any) -> None:
    """Print a value as JSON."""
    say(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def paint(text: str, color: str, stream: Any = None) -> str:
    """`text` in a colour, when the stream is a terminal."""
    if not (stream or sys.stdout).isatty():
        return text
    return f"\033[{COLORS[color]}m{text}\033[0m"


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], indent: str = "") -> None:
    """Print a table with aligned columns; the last column is not padded."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(headers), *cells]) for i in range(len(headers))]
    lines = [list(headers), *cells]
    for number, line in enumerate(lines):
        padded = [cell.ljust(width) for cell, width in zip(line[:-1], widths, strict=False)] + [line[-1]]
        text = indent + "  ".join(padded).rstrip()
        say(paint(text, "bold") if number == 0 else text)


class Progress:
    """Lines of progress on standard error. On a terminal the current one is rewritten; elsewhere each is a line."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._live = sys.stderr.isatty()
        self._lock = threading.Lock()
        self._last = ""
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            if self._live and self._last:
                sys.stderr.write("\r\033[K")
                sys.stderr.flush()

    def __call__(self, line: str) -> None:
        """Show one line."""
        with self._lock:
            if line == self._last:
                return
            self._last = line
            text = f"{self._prefix}{line}"
            with _heard_or_not(sys.stderr):
                if self._live:
                    seconds = int(time.monotonic() - self._began)
                    sys.stderr.write(f"\r\033[K{text[:110]} ({seconds} s)")
                else:
                    sys.stderr.write(f"{text}\n")
                sys.stderr.flush()
