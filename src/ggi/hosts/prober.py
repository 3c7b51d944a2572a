"""Runs eapol_test: on this machine, or where a sandbox has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ggi.errors import Problem, WorkError
from ggi.hosts.eapol import Login, Result, config, result
from ggi.messages import t

PATIENCE = 45
"""Seconds. eapol_test repeats itself after 3, 9 and 21 s, and each time FreeRADIUS waits 20 s anew for the proxy on its
own host, before it refuses and writes who was silent."""

Probe = Callable[[Login, str, str, str, str], tuple[Result, str]]
"""(login, CA in PEM, server's address, secret, own address or "") -> result and the device's address."""
Pipe = Callable[[Sequence[str], str], str]
"""Runs a command with a text on its standard input; returns what it printed."""


def device() -> str:
    """A random, locally administered device address (IEEE 802), as servers log it: 02-..-.."""
    return "-".join(f"{byte:02X}" for byte in (0x02, *os.urandom(5)))


def words(server: str, secret: str, mac: str, source: str) -> list[str]:
    """The options of eapol_test; its configuration file comes as `-c FILE` in addition."""
    own = ["-A", source] if source else []
    called = "30:s:02-00-00-00-00-02:govroam"
    return ["-a", server, *own, "-s", secret, "-t", str(PATIENCE), "-M", mac.replace("-", ":").lower(), "-N", called]


def here(login: Login, authority: str, server: str, secret: str, source: str) -> tuple[Result, str]:
    """Log in from this machine. Raises WorkError without eapol_test."""
    if shutil.which("eapol_test") is None:
        raise WorkError(Problem(t("eapol_test is not installed"), t("On Debian: apt install eapoltest.")))
    mac = device()
    with tempfile.TemporaryDirectory(prefix="ggi-login-") as folder:
        if authority:
            (Path(folder) / "ca.pem").write_text(authority, encoding="ascii")
            login = replace(login, ca=str(Path(folder) / "ca.pem"))
        file = Path(folder) / "login.conf"
        file.touch(mode=0o600)
        file.write_text(config(login), encoding="utf-8")
        shown = Path(folder) / "server.pem"
        command = ["eapol_test", "-c", str(file), "-o", str(shown), *words(server, secret, mac, source)]
        began = time.monotonic()
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=6 * PATIENCE, errors="replace"
        )
        chain = shown.read_text(encoding="ascii", errors="replace") if shown.exists() else ""
    return replace(result(done.stdout, time.monotonic() - began), chain=chain), mac


def in_container(pipe: Pipe) -> Probe:
    """Log in from somewhere that a command can be sent to."""

    def probe(login: Login, authority: str, server: str, secret: str, source: str) -> tuple[Result, str]:
        mac = device()
        script = (
            'folder=$(mktemp -d) && trap \'rm -rf "$folder"\' EXIT && cd "$folder" && cat > all && '
            "sed '/^=====$/,$d' all > login.conf && sed '1,/^=====$/d' all > ca.pem && "
            'eapol_test -c login.conf -o server.pem "$@"; echo =====; cat server.pem 2>/dev/null'
        )
        text = config(replace(login, ca="ca.pem" if authority else "")) + "=====\n" + authority
        began = time.monotonic()
        command = ["sh", "-c", script, "sh", *words(server, secret, mac, source)]
        said, _, chain = pipe(command, text).partition("=====\n")
        return replace(result(said, time.monotonic() - began), chain=chain), mac

    return probe
