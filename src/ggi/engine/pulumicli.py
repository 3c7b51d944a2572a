"""The official Pulumi CLI: already here, or downloaded. The sandbox's own build is in `tools.py`."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ggi.engine.gobuild import last_lines
from ggi.engine.net import client
from ggi.errors import GgiError
from ggi.messages import t

Report = Callable[[str], None]

PROBE_SECONDS = 3.0
"""How long to wait for a sign that the release can be downloaded."""

UNREACHABLE_SECONDS = 3600.0
"""How long a failed probe is remembered."""

INSTALL_SECONDS = 600.0

_RELEASES = "https://get.pulumi.com/releases/sdk"
_PLATFORMS = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}

_INSTALL = """
import sys
from pulumi.automation import PulumiCommand
from semver import VersionInfo
PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))
"""


def cli_version(program: Path | str) -> tuple[int, ...] | None:
    """What `program version` says, as numbers; None when it does not run or says something else."""
    env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            [str(program), "version"], capture_output=True, text=True, check=False, timeout=30, env=env
        )
        return numbers(done.stdout.strip()) if done.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def numbers(version: str) -> tuple[int, ...]:
    """`v3.259.0-dev` as (3, 259, 0). Raises ValueError."""
    return tuple(int(part) for part in version.removeprefix("v").partition("-")[0].partition("+")[0].split("."))


def satisfies(found: tuple[int, ...], wanted: str) -> bool:
    """Same major version and not older: what the Automation API asks of a CLI."""
    least = numbers(wanted)
    return found[0] == least[0] and found >= least


def installed(version: str) -> list[Path]:
    """Where an official CLI may be: on PATH, or where its own installer puts it."""
    candidates = [Path(found)] if (found := shutil.which("pulumi")) else []
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    candidates += [home / "bin" / "pulumi", home / "versions" / version / "bin" / "pulumi"]
    return [path for path in candidates if path.is_file() and os.access(path, os.X_OK)]


def release_url(version: str) -> str:
    """The address of the release archive for this machine."""
    system = "darwin" if sys.platform == "darwin" else "linux"
    machine = _PLATFORMS.get(platform.machine().lower(), platform.machine().lower())
    return f"{_RELEASES}/pulumi-v{version}-{system}-{machine}.tar.gz"


def reachable(url: str, memory: Path, *, seconds: float = PROBE_SECONDS) -> bool:
    """Whether `url` answers within `seconds`.

    A no is kept in the file `memory` for an hour, so that it costs nothing again.
    """
    try:
        if 0 <= time.time() - memory.stat().st_mtime < UNREACHABLE_SECONDS:
            return False
    except OSError:
        pass
    answers: list[bool] = []
    # In a thread of its own, because the look-up of a name has no time-out.
    asking = threading.Thread(target=lambda: answers.append(_answers(url, seconds)), daemon=True)
    asking.start()
    asking.join(seconds)
    if answers and answers[0]:
        memory.unlink(missing_ok=True)
        return True
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.touch()
    return False


def _answers(url: str, seconds: float) -> bool:
    import httpx2

    try:
        with client(timeout=seconds, follow_redirects=True) as http:
            return http.head(url).is_success
    except (httpx2.HTTPError, httpx2.InvalidURL, GgiError):
        return False


def download(version: str, target: Path, report: Report) -> str:
    """Install the official release into the folder `target`, whole or not at all.

    Returns why not, or an empty string.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(".install-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=".install-", dir=target.parent))
    report(t("pulumi {version}: downloading the official release", version=version))
    try:
        # A process of its own: the installer has no time-out.
        done = subprocess.run(
            [sys.executable, "-c", _INSTALL, str(work / "root"), version],
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_SECONDS,
        )
        if done.returncode != 0 or not (work / "root" / "bin" / "pulumi").is_file():
            return last_lines(done.stderr or done.stdout, 2)
        shutil.rmtree(target, ignore_errors=True)
        (work / "root").rename(target)
        return ""
    except subprocess.TimeoutExpired:
        return t("not done within {seconds:.0f} s", seconds=INSTALL_SECONDS)
    finally:
        shutil.rmtree(work, ignore_errors=True)
