"""What people see in a terminal of 80 columns: tables fit, and what is piped stays a row per line."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from ggi.paths import ROOT

COLUMNS = 80
TABLES = (
    "audit gm9901 --from plan",
    "waivers",
    "controls coverage BIO2",
    "controls list",
    "plan gm9901",
    "release diff 2026.3 2026.4",
    "explain gm9901 components.openformulieren.replicas",
    "doctor",
    "list",
    "m365 check m365-rijnstad --sandbox",
)


def on_a_terminal(line: str, home: Path, columns: int = COLUMNS, **variables: str) -> list[str]:
    """The lines that a command writes to a terminal of this width, without colours; standard error is thrown away."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    environment |= {"GGI_STATE_HOME": str(home), "GGI_LANG": "en", "TERM": "xterm", **variables}
    running = subprocess.Popen(
        [sys.executable, "-m", "ggi", *line.split()],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    read = b""
    # Linux tells the end of a terminal as an error.
    try:
        while more := os.read(ours, 65536):
            read += more
    except OSError:
        pass
    os.close(ours)
    running.wait()
    assert running.returncode in (0, 1), read.decode()
    return re.sub(r"\x1b\[[0-9;]*[mK]", "", read.decode()).replace("\r\n", "\n").splitlines()


def rows_of(lines: list[str]) -> list[str]:
    """The lines of tables: they are indented, or in columns. Sentences may be longer: a terminal breaks them."""
    return [line for line in lines if re.search(r"\S {2,}\S", line)]


@pytest.mark.parametrize("line", TABLES)
def test_tables_fit_a_terminal_of_80_columns(line: str, tmp_path: Path) -> None:
    rows = rows_of(on_a_terminal(line, tmp_path))
    assert len(rows) > 1
    assert not [row for row in rows if len(row) > COLUMNS]


def test_what_does_not_fit_in_columns_is_a_list_per_row(tmp_path: Path) -> None:
    lines = on_a_terminal("waivers", tmp_path)
    assert any(re.fullmatch(r" *stack +gm9901-prod", line) for line in lines)
    assert any(re.search(r" {2}stack {2,}control {2,}", line) for line in on_a_terminal("waivers", tmp_path, 200))
