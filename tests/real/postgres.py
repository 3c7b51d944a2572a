"""A PostgreSQL server on loopback with the parameters, rules, roles and databases of a landscape."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from tests.real.authority import Authority
from tests.real.operator_standin import SUPERUSER, Operator, hba, initdb_flags, parameters
from tests.real.programs import free_port, program, running
from tests.real.rendered import Rendered

USER = "postgres"
PACKAGES = ("postgresql-15", "postgresql-15-postgis-3")


class Database:
    """A running server. `ca` is the file with its authority's certificate, `names` what its certificate is good for."""

    def __init__(self, folder: Path, landscape: Rendered) -> None:
        self.folder = folder
        self.port = free_port()
        self.data = folder / "data"
        namespace = landscape.built.environment.namespace
        self.names = ("postgresql-rw", f"postgresql-rw.{namespace}", f"postgresql-rw.{namespace}.svc")
        self._password = secrets.token_urlsafe(16)
        self.operator = Operator(folder, self.port, self._password)
        self.authority = Authority("postgresql")
        self.ca = folder / "ca.crt"
        self.landscape = landscape

    def _as_owner(self, command: Sequence[str]) -> None:
        drop = USER if os.geteuid() == 0 else None
        done = subprocess.run(
            command,
            user=drop,
            group=drop,
            extra_groups=[] if drop else None,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr

    def prepare(self) -> None:
        """Make the data folder and its configuration."""
        initdb = program("initdb", *PACKAGES)
        password = self.folder / "password"
        password.write_text(self._password)
        self.authority.issue(self.names, self.folder)
        self.ca.write_text(self.authority.pem)
        if os.geteuid() == 0:
            shutil.chown(self.folder, USER, USER)
            for path in self.folder.iterdir():
                shutil.chown(path, USER, USER)
        self._as_owner([initdb, "-D", str(self.data), "-U", SUPERUSER, "-A", "scram-sha-256", "--no-sync",
                        f"--pwfile={password}", *initdb_flags(self.landscape)])  # fmt: skip
        settings = parameters(self.landscape) | {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "ssl": "on",
            "ssl_cert_file": str(self.folder / "tls.crt"),
            "ssl_key_file": str(self.folder / "tls.key"),
            "fsync": "off",
        }
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{key} = '{value}'\n" for key, value in settings.items())

    def use(self, landscape: Rendered) -> None:
        """Do what the operator does when its objects change."""
        (self.data / "pg_hba.conf").write_text(hba(landscape))
        self.operator.apply(landscape)
        with self.operator.connect() as connection:
            connection.execute("SELECT pg_reload_conf()")

    def _ready(self) -> bool:
        try:
            self.operator.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    @contextlib.contextmanager
    def running(self) -> Iterator[Database]:
        """The server, as long as the context lasts."""
        (self.data / "pg_hba.conf").write_text(hba(self.landscape))
        command = [program("postgres"), "-D", str(self.data)]
        with running(command, {"PATH": os.environ["PATH"]}, self.folder / "log", self._ready, seconds=300, user=USER):
            try:
                self.operator.apply(self.landscape)
            except psycopg.errors.FeatureNotSupported as error:
                pytest.skip(f"PostgreSQL lacks an extension: {str(error).splitlines()[0]}")
            yield self


@contextlib.contextmanager
def database(landscape: Rendered) -> Iterator[Database]:
    """A server with what `landscape` says, in a folder of its own that the user `postgres` can enter."""
    program("postgres", *PACKAGES)
    with tempfile.TemporaryDirectory(prefix="ggi-postgresql-") as folder:
        made = Database(Path(folder), landscape)
        made.prepare()
        with made.running():
            yield made
