"""Start, watch and end the daemons of a sandbox.

Linux only: a process is known by its pid and the moment it started.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ggi.files import write_atomically

_LOG_LIMIT = 20 * 1024 * 1024
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


@dataclass(frozen=True, slots=True)
class Record:
    """What a run file says: which process it is, and a digest of the command and the files that it was started with."""

    pid: int
    started: str
    digest: str


def started_at(pid: int) -> str | None:
    """An identity of the process `pid` that a later process with the same pid does not share.

    None when it does not run.
    """
    with contextlib.suppress(ChildProcessError, OSError):
        os.waitpid(pid, os.WNOHANG)  # a child of this very process that ended would stay as a zombie
    try:
        # The name of the program is in brackets and may itself hold brackets and spaces (proc(5)).
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # While the other threads of an ended program go away, it still holds its ports.
        threads = len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208 - only the count
    except OSError:
        return None
    state, start = fields[0], fields[19]
    return None if state in "ZX" and threads <= 1 else f"{boot}:{start}"


def read(run_file: Path) -> Record | None:
    """The record of a part that is running now; None when it isn't, whatever the file says."""
    try:
        record = Record(**json.loads(run_file.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return record if started_at(record.pid) == record.started else None


def spawn(
    command: Sequence[str], *, run_file: Path, log: Path, digest: str, env: Mapping[str, str] | None = None
) -> Record:
    """Start `command` as a daemon: a session of its own, no terminal, output to `log`; and write its `run_file`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".old.log"))
    # An interruption between the start and the note of it would leave a process that nobody knows of.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        pid = os.posix_spawn(
            command[0],
            list(command),
            dict(os.environ if env is None else env),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=_IGNORED_BY_PYTHON,
        )
        record = Record(pid, started_at(pid) or "", digest)
        write_atomically(run_file, json.dumps(asdict(record)) + "\n")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return record


def end(run_files: Sequence[Path], *, patience: float = 10.0) -> None:
    """End the processes of `run_files` together.

    Ask, wait up to `patience` seconds, then force. Other processes are never touched.
    """
    running = {path: record for path in run_files if (record := read(path))}
    for record in running.values():
        _send(record, signal.SIGTERM)
    give_up = time.monotonic() + patience
    while (alive := [r for r in running.values() if _alive(r)]) and time.monotonic() < give_up:
        time.sleep(0.02)
    for record in alive:
        _send(record, signal.SIGKILL)
    while any(_alive(record) for record in alive):
        time.sleep(0.02)
    for path in run_files:
        path.unlink(missing_ok=True)


def memory(pid: int) -> int:
    """The memory of the process `pid` in bytes (resident set); 0 when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _alive(record: Record) -> bool:
    return started_at(record.pid) == record.started


def _send(record: Record, number: signal.Signals) -> None:
    if _alive(record):
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.pid, number)
