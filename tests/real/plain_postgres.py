"""A PostgreSQL server for these tests alone: without TLS and passwords, on a socket in a folder of its own."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.real.programs import program, running

USER = "postgres"


@dataclass(frozen=True)
class Server:
    """Where to connect: `socket` is the folder, user `postgres` needs no password there."""

    socket: Path

    def execute(self, statement: str) -> None:
        """Run one statement outside a transaction."""
        with psycopg.connect(host=str(self.socket), user=USER, dbname="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def ready(self) -> bool:
        """Does it answer?"""
        with suppress(psycopg.OperationalError):
            self.execute("SELECT 1")
            return True
        return False


@contextmanager
def server() -> Iterator[Server]:
    """Start a server; end it and delete its folder at the end. As root it runs as user `postgres`: it refuses root."""
    initdb, postgres = program("initdb", "postgresql"), program("postgres", "postgresql")
    drop = USER if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="ggi-setup-") as name:
        folder, data = Path(name), Path(name) / "data"
        if drop:
            account = pwd.getpwnam(USER)
            os.chown(folder, account.pw_uid, account.pw_gid)
        command = [initdb, "-D", str(data), "-U", USER, "-A", "trust", "--no-sync"]
        subprocess.run(
            command, check=True, capture_output=True, user=drop, group=drop, extra_groups=[] if drop else None
        )
        options = ("fsync=off", "listen_addresses=", f"unix_socket_directories={folder}")
        command = [postgres, "-D", str(data), *(part for option in options for part in ("-c", option))]
        made = Server(folder)
        with running(command, {"PATH": os.environ["PATH"]}, folder / "log", made.ready, seconds=300, user=USER):
            yield made
