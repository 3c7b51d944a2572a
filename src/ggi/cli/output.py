"""How commands print: tables for people, JSON for programs, progress that is quiet when nobody watches."""

from __future__ import annotations

import json
import os
import shutil
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


def paint(text: str, color: str) -> str:
    """`text` in a colour, when standard output is a terminal."""
    if not sys.stdout.isatty():
        return text
    return f"\033[{COLORS[color]}m{text}\033[0m"


def columns() -> int:
    """Width of the terminal; 80 when there is none."""
    return shutil.get_terminal_size().columns


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], indent: str = "") -> None:
    """Print a table. A terminal gets one that fits, cells wrapped; a pipe gets each row on one line, for `grep`."""
    lines = [list(headers), *([str(cell) for cell in row] for row in rows)]
    if sys.stdout.isatty():
        _wrapped(lines, indent)
        return
    widths = [max(len(line[i]) for line in lines) for i in range(len(headers))]
    for line in lines:
        padded = [cell.ljust(width) for cell, width in zip(line[:-1], widths, strict=False)] + [line[-1]]
        say(indent + "  ".join(padded).rstrip())


KEPT = 20
"""A column of at most so many characters is not wrapped: dates, names of stacks, ids of controls."""
LEAST = 12
"""Characters that any other column needs to be readable."""


def _wrapped(lines: Sequence[Sequence[str]], indent: str) -> None:
    """The table as wide as the terminal at most; where its columns do not fit, each row as a list of its own."""
    # Imported here: it costs as much as half of a command, and only tables on a terminal need it.
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    most = columns() - len(indent)
    cells = [[Text.from_ansi(cell) for cell in line] for line in lines]
    widths = [max(cell_len(line[i].plain) for line in cells) for i in range(len(cells[0]))]
    gaps = 2 * (len(widths) - 1)
    spare = most - gaps - sum(width for width in widths if width <= KEPT)
    console = Console(width=most, highlight=False)

    def put(rows: Sequence[Sequence[Text]], headers: Sequence[Text]) -> None:
        shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_header=bool(headers))
        for column in range(len(rows[0]) if rows else len(headers)):
            narrow = max(cell_len(row[column].plain) for row in [*rows, *([headers] if headers else [])]) <= KEPT
            shown.add_column(headers[column] if headers else "", overflow="fold", no_wrap=narrow)
        for row in rows:
            shown.add_row(*row)
        with console.capture() as captured:
            console.print(shown)
        for line in captured.get().splitlines():
            say(indent + line.rstrip())

    if sum(widths) + gaps <= most or spare >= LEAST * sum(width > KEPT for width in widths):
        put(cells[1:], cells[0])
        return
    for number, row in enumerate(cells[1:]):
        if number:
            say()
        put([(header, cell) for header, cell in zip(cells[0], row, strict=True) if cell.plain.strip()], ())


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
                    # What is longer than a line can't be rewritten.
                    most = os.get_terminal_size(sys.stderr.fileno()).columns - len(f" ({seconds} s)") - 1
                    sys.stderr.write(f"\r\033[K{text[:most]} ({seconds} s)")
                else:
                    sys.stderr.write(f"{text}\n")
                sys.stderr.flush()
