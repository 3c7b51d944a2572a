"""Finding, starting and stopping real programs on loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

DEBIAN = Path("/usr/lib/postgresql")
INSTALL = "GGI_TEST_INSTALL"


def _may_install() -> bool:
    return os.geteuid() == 0 and (bool(os.environ.get("CI")) or os.environ.get(INSTALL) == "1")


def program(name: str, *packages: str) -> str:
    """The path of a program; installs its Debian packages as root in CI (or with GGI_TEST_INSTALL=1), else skips."""
    versions = sorted(DEBIAN.glob("*/bin"), key=lambda p: int(p.parent.name) if p.parent.name.isdigit() else 0)
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", *(str(p) for p in reversed(versions))])
    found = shutil.which(name, path=path)
    if found is None and packages and _may_install() and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-q", *packages], capture_output=True, check=False, timeout=600)
        return program(name)
    if found is None:
        how = f" (packages {' '.join(packages)}; as root, {INSTALL}=1 installs them)" if packages else ""
        pytest.skip(f"{name} is not installed{how}")
    return found


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(
    ready: Callable[[], bool], what: str, seconds: float, process: subprocess.Popen[bytes], log: Path, pause: float
) -> None:
    """Wait until `ready`, looking every `pause` seconds; fail with the end of the log when it ends or takes longer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            if ready():
                return
        time.sleep(pause)
    tail = log.read_text(errors="replace")[-3000:]
    pytest.fail(f"{what} did not start within {seconds:.0f} s (exit code {process.poll()})\n{tail}")


@contextlib.contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    ready: Callable[[], bool],
    *,
    seconds: float,
    pause: float = 0.1,
    user: str = "",
    end: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs while the context lasts, as `user` if that is given and we are root."""
    drop = user if user and os.geteuid() == 0 else None
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            user=drop,
            group=drop,
            extra_groups=[] if drop else None,
        )
    try:
        wait_for(ready, command[0], seconds, process, log, pause)
        yield process
    finally:
        process.send_signal(end)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def listens(port: int) -> bool:
    """Does somebody accept connections on this port of loopback?"""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
