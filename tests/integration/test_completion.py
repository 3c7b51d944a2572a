"""TAB completes in the real shells, as people use them: with `ggi` on the PATH, and with `./ggi`."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from ggi.cli import completion
from ggi.paths import ROOT

SHELLS = {
    "bash": ["bash", "-i"],
    "zsh": ["zsh", "-i", "--no-globalrcs"],
}
PATIENCE = 120.0
"""Seconds that a shell may take for one line; on an idle machine it takes one."""
LINES = {
    "./ggi doct": "./ggi doctor",
    "ggi status gm9907": "ggi status gm9907-prod",
    "./ggi status --sand": "./ggi status --sandbox",
    "ggi audit veri": "ggi audit verify",
    "ggi audit m365-rijn": "ggi audit m365-rijnstad",
    "./ggi m365 explain TA": "./ggi m365 explain TA-0",
    "ggi controls show API": "ggi controls show API-001",
    "~/bin/ggi sandbox kube": "~/bin/ggi sandbox kubeconfig",
}


class Shell:
    """An interactive shell on a terminal and with a home of its own, in which `bin/ggi` leads to the checkout."""

    def __init__(self, name: str, home: Path) -> None:
        (home / "bin").mkdir(exist_ok=True)
        if not (home / "bin" / "ggi").is_symlink():
            (home / "bin" / "ggi").symlink_to(ROOT / "ggi")
        environment = {
            "HOME": str(home),
            "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
            "TERM": "xterm",
            "GGI_STATE_HOME": str(home / "state"),
            "LANG": "C.UTF-8",
        }
        self._ours, theirs = pty.openpty()
        self._running = subprocess.Popen(
            SHELLS[name],
            cwd=ROOT,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._read = ""
        self.type("stty cols 400; PS1='$ '; echo rea''dy\n", "ready")

    def type(self, keys: str, until: str) -> re.Match[str]:
        """Type, and wait for a line that is `until` as a whole."""
        begun = len(self._read)
        os.write(self._ours, keys.encode())
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            if select.select([self._ours], [], [], 0.2)[0]:
                self._read += os.read(self._ours, 65536).decode(errors="replace")
            plain = re.sub(r"\x1b(\[[?0-9;]*[a-zA-Z]|[=>])", "", self._read[begun:]).replace("\r", "\n")
            if found := re.search(rf"(?m)^{until} *$", plain):
                return found
        raise AssertionError(f"no {until!r} in {self._read[begun:]!r}")

    def complete(self, words: str) -> str:
        """The line that `words` and one TAB make."""
        # Back to the begin of the line, so that the shell itself tells what it has in the end.
        return self.type(f"{words}\t\x01echo 'R:\x05'\n", r"R:(.*?)")[1].rstrip()

    def close(self) -> None:
        """End it."""
        self._running.kill()
        self._running.wait()
        os.close(self._ours)


@pytest.fixture(params=SHELLS)
def shell_name(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


def test_an_installed_completion_knows_commands_options_stacks_recipes_and_controls(
    shell_name: str, tmp_path: Path
) -> None:
    first = Shell(shell_name, tmp_path)
    first.type("./ggi --install-completion; echo do''ne\n", "done")
    first.close()
    second = Shell(shell_name, tmp_path)
    try:
        made = {line: second.complete(line) for line in LINES}
    finally:
        second.close()
    assert made == LINES


def test_a_shown_completion_can_be_evaluated(shell_name: str, tmp_path: Path) -> None:
    shell = Shell(shell_name, tmp_path)
    try:
        shell.type("autoload -Uz compinit && compinit -u; eval \"$(./ggi --show-completion)\"; echo do''ne\n", "done")
        assert shell.complete("./ggi audit gm9901-a") == "./ggi audit gm9901-accp"
    finally:
        shell.close()


def test_a_tab_in_a_checkout_without_environment_is_silent_and_makes_none(tmp_path: Path) -> None:
    shutil.copy(ROOT / "ggi", tmp_path / "ggi")
    environment = {**os.environ, "_GGI_COMPLETE": "complete_bash", "COMP_WORDS": "ggi st", "COMP_CWORD": "1"}
    done = subprocess.run(["./ggi"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["ggi"]


def test_completion_gives_nothing_where_it_can_find_nothing() -> None:
    class Broken:
        """A context in which everything fails."""

    for complete in (completion.stacks, completion.all_stacks, completion.controls, completion.recipes):
        assert complete(Broken(), "gm") == []
