"""A PostgreSQL server of this test alone, on a socket in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


def find() -> Path | None:
    """The folder with `initdb` and `postgres`, or None when PostgreSQL is not installed."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@dataclass(frozen=True)
class Server:
    """Where to connect: `socket` is the folder, user `postgres` needs no password there."""

    socket: Path

    def execute(self, statement: str) -> None:
        """Run one statement outside a transaction."""
        import psycopg

        with psycopg.connect(host=str(self.socket), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def server(programs: Path) -> Iterator[Server]:
    """Start a server; end it and delete its folder at the end. As root it runs as user `postgres`: it refuses root."""
    folder = Path(tempfile.mkdtemp(prefix="ggi-pg-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        as_user = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    data = folder / "data"
    process: subprocess.Popen[bytes] | None = None
    try:
        initdb = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync"]
        subprocess.run([*as_user, *initdb], check=True, capture_output=True, cwd=folder)
        options = ("fsync=off", "listen_addresses=", f"unix_socket_directories={folder}")
        command = [str(programs / "postgres"), "-D", str(data), *(part for o in options for part in ("-c", o))]
        log = (folder / "log").open("wb")
        process = subprocess.Popen([*as_user, *command], stdout=log, stderr=log, cwd=folder)
        result = Server(folder)
        _wait(result, process)
        yield result
    finally:
        if process is not None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(made: Server, process: subprocess.Popen[bytes]) -> None:
    import psycopg

    until = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < until:
        try:
            made.execute("SELECT 1")
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError((made.socket / "log").read_text(errors="replace"))
