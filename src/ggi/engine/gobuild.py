"""Build a command from a tagged Go module, outside the checkout, without touching the user's Go settings.

The user's GOFLAGS, GOPROXY, GOPRIVATE and GOSUMDB apply as they are; Go's own checksum database guards what is fetched.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ggi.errors import Problem, WorkError
from ggi.messages import t

Report = Callable[[str], None]
"""Takes one line of progress for a person."""

SIGN_OF_LIFE = 10.0
"""Seconds between two progress lines of a long step."""


@dataclass(frozen=True, slots=True)
class GoSource:
    """Where a command comes from: `module` at `version` and the import path of its main `package`.

    `variables` are string variables that the linker sets (`-X`). With `staging` every
    `replace k8s.io/X => ./staging/...` of the module becomes `k8s.io/X v0.<minor>.<patch>`: a dependency's own replace
    lines do not count, and k8s.io/kubernetes asks for v0.0.0. `main` is the text of a main package of ours, for a
    module whose own can't be had; `package` is then empty.
    """

    module: str
    version: str
    package: str
    variables: Mapping[str, str] = field(default_factory=dict)
    staging: bool = False
    main: str = ""

    @property
    def edition(self) -> str:
        """Version of what is built: that of the module, and a hash of our own main package where there is one."""
        return self.version + (f"-{hashlib.sha256(self.main.encode()).hexdigest()[:8]}" if self.main else "")


def go_environment(go: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The user's environment, with `go` first on PATH and without a workspace that would change what is built."""
    env = dict(os.environ)
    env["PATH"] = f"{go.parent}{os.pathsep}{env.get('PATH', '')}"
    env["GOWORK"] = "off"
    env.update(extra or {})
    return env


def module_dir(go: Path, module: str, version: str) -> Path:
    """The unpacked folder of `module@version` in Go's module cache, fetched when it is not there. Raises WorkError."""
    with tempfile.TemporaryDirectory(prefix="ggi-go-") as work:
        done = subprocess.run(
            [str(go), "mod", "download", "-json", f"{module}@{version}"],
            cwd=work,
            env=go_environment(go),
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        answer = json.loads(done.stdout or "{}")
    except ValueError:
        answer = {}
    if done.returncode != 0 or not answer.get("Dir"):
        raise WorkError(
            Problem(
                t(
                    "Go could not fetch {module} {version}: {why}",
                    module=module,
                    version=version,
                    why=answer.get("Error") or last_lines(done.stderr),
                ),
                t("Check that GOPROXY points to a module proxy that this machine can reach (`go env GOPROXY`)."),
            )
        )
    return Path(answer["Dir"])


def go_mod(source: GoSource, module_go_mod: str) -> str:
    """The go.mod of a throw-away module that requires `source`; `module_go_mod` is the text of that module's own."""
    lines = ["module ggi.invalid/build", ""]
    if found := re.search(r"^go (\S+)$", module_go_mod, re.MULTILINE):
        lines += [f"go {found[1]}", ""]
    lines.append(f"require {source.module} {source.version}")
    if source.staging:
        libraries = re.findall(r"^\s*(?:replace )?(k8s\.io/\S+) => \./staging/", module_go_mod, re.MULTILINE)
        version = re.sub(r"^v1\.", "v0.", source.version)
        lines += ["", *(f"replace {library} => {library} {version}" for library in libraries)]
    return "\n".join(lines) + "\n"


def build(go: Path, name: str, source: GoSource, target: Path, report: Report) -> None:
    """Build `source` to the file `target`, which appears whole or not at all.

    Raises WorkError with the compiler's last lines. The caller holds the lock of this tool. Leftovers of an earlier
    build that was killed are removed first.
    """
    parent = target.parent
    parent.mkdir(parents=True, exist_ok=True)
    for leftover in parent.glob(".build-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    started = time.monotonic()
    report(t("{name} {version}: fetching the source from its Go module", name=name, version=source.version))
    folder = module_dir(go, source.module, source.version)
    work = Path(tempfile.mkdtemp(prefix=".build-", dir=parent))
    try:
        (work / "go.mod").write_text(go_mod(source, (folder / "go.mod").read_text()))
        if source.main:
            (work / "main.go").write_text(source.main)
        flags = " ".join(["-s", "-w", *(f"-X {key}={value}" for key, value in sorted(source.variables.items()))])
        command = [
            str(go),
            "build",
            "-v",
            "-mod=mod",
            "-trimpath",
            f"-ldflags={flags}",
            "-o",
            "result",
            source.package or ".",
        ]
        run_watched(command, work, go_environment(go, {"CGO_ENABLED": "0"}), f"{name} {source.version}", report)
        (work / "result").chmod(0o755)
        (work / "result").replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    duration = describe_duration(time.monotonic() - started)
    report(t("{name} {version}: built in {duration}", name=name, version=source.version, duration=duration))


def run_watched(command: list[str], cwd: Path, env: Mapping[str, str], what: str, report: Report) -> None:
    """Run `command` with a progress line every ten seconds; on interruption end its whole process group."""
    started = time.monotonic()
    process: subprocess.Popen[str] | None = None
    try:
        with _interruption_held():
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(env),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                process_group=0,
            )
        counted = _Lines(process)
        counted.start()
        while True:
            try:
                process.wait(SIGN_OF_LIFE)
                break
            except subprocess.TimeoutExpired:
                report(f"{what}: {counted.summary()}, {describe_duration(time.monotonic() - started)}")
    finally:
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
    counted.join()
    if process.returncode != 0:
        raise WorkError(
            Problem(
                t("building {what} failed: {why}", what=what, why=counted.complaint()),
                t("Check disk space and `go env`, then run the same command again: what is compiled is kept."),
            )
        )


@contextmanager
def _interruption_held() -> Iterator[None]:
    """Let a Ctrl-C wait for a moment: one that comes while a process is being started would leave it without owner."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


class _Lines(threading.Thread):
    """Counts what `go build -v` writes: downloads, and one line for each package compiled."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._downloads = 0
        self._packages = 0
        self._rest: list[str] = []

    def run(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - Popen was given a pipe
        for line in self._process.stderr:
            if line.startswith(("go: downloading ", "go: added ", "go: finding ")):
                self._downloads += 1
            elif re.fullmatch(r"[\w./~+-]+", line.strip()):
                self._packages += 1
            else:
                self._rest = [*self._rest[-19:], line]

    def summary(self) -> str:
        if self._packages:
            return t("packages compiled: {count}", count=self._packages)
        return t("modules fetched: {count}", count=self._downloads)

    def complaint(self) -> str:
        return last_lines("".join(self._rest))


def last_lines(text: str, count: int = 6) -> str:
    """The last `count` lines of what a program said, on one line, for an error message."""
    return " | ".join(line.strip() for line in text.strip().splitlines()[-count:]) or t("no reason given")


def describe_duration(seconds: float) -> str:
    """`75.2` as `1 min 15 s`."""
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
