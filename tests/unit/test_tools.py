"""Tools are resolved in the promised order, built once, and never left half made. No network and no real build."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ggi.engine import gobuild, gotoolchain, locks, pulumicli, tools
from ggi.errors import GgiError, WorkError

FAKE_GO = """#!/bin/sh
case "$1" in
  env) echo go1.99.0 ;;
  mod) echo '{"Dir": "'"$FAKE_MODULE"'"}' ;;
  build)
    echo $$ >> "$FAKE_LOG"
    cp go.mod "$FAKE_LOG.mod"
    sleep "${FAKE_SECONDS:-0}"
    if [ -n "$FAKE_ERROR" ]; then echo "$FAKE_ERROR" >&2; exit 1; fi
    printf '#!/bin/sh\\necho built\\n' > result
    ;;
esac
"""

RESOLVE = """
import signal, sys
from ggi.engine import tools
from ggi.errors import GgiError
# In the background of a shell it is ignored, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    print(tools.resolve(tools.ETCD, sandbox=True, report=lambda line: None).path)
except GgiError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache, a fake Go and nothing else of ours; returns the folder of its programs."""
    programs = tmp_path / "bin"
    module = tmp_path / "module"
    programs.mkdir()
    module.mkdir()
    (module / "go.mod").write_text("module example.test/x\n\ngo 1.26.0\n")
    write_program(programs / "go", FAKE_GO)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PULUMI_HOME", raising=False)
    monkeypatch.setenv("GGI_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_MODULE", str(module))
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "go.log"))
    # Nothing in a unit test asks the network.
    monkeypatch.setattr(pulumicli, "_answers", lambda url, seconds: False)
    return programs


def write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def builds(tmp_path: Path) -> int:
    log = tmp_path / "go.log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def leftovers(tmp_path: Path) -> list[Path]:
    return [*(tmp_path / "cache").rglob(".build-*")]


def resolving(**environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RESOLVE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def wait_for_build(tmp_path: Path) -> None:
    give_up = time.monotonic() + 300
    while not builds(tmp_path):
        assert time.monotonic() < give_up, "the fake Go was never asked to build"
        time.sleep(0.02)


def test_a_tool_is_built_once_and_then_taken_from_the_cache(machine: Path, tmp_path: Path) -> None:
    said: list[str] = []
    first = tools.resolve(tools.ETCD, sandbox=True, report=said.append)
    second = tools.resolve(tools.ETCD, sandbox=True, report=said.append)
    assert first == second
    assert first.how == "built"
    assert subprocess.check_output([first.path], text=True) == "built\n"
    assert builds(tmp_path) == 1
    assert any("built in" in line for line in said)


def test_status_says_how_a_missing_tool_would_be_had_and_builds_nothing(machine: Path, tmp_path: Path) -> None:
    answer = tools.status(tools.ETCD)
    assert answer.found is None
    assert "built from its Go module" in answer.how_to_get
    assert builds(tmp_path) == 0


def test_two_runs_at_once_build_once_and_the_second_uses_the_result(machine: Path, tmp_path: Path) -> None:
    runs = [resolving(FAKE_SECONDS="1") for _ in range(2)]
    answers = [run.communicate(timeout=300) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], answers
    assert answers[0][0] == answers[1][0]
    assert builds(tmp_path) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_build_that_is_interrupted_leaves_no_result_and_the_next_one_succeeds(
    machine: Path, tmp_path: Path, number: signal.Signals
) -> None:
    run = resolving(FAKE_SECONDS="20")
    wait_for_build(tmp_path)
    run.send_signal(number)
    run.communicate(timeout=300)
    assert tools.status(tools.ETCD).found is None
    assert tools.resolve(tools.ETCD, sandbox=True, report=lambda line: None).path.is_file()
    assert leftovers(tmp_path) == []


def test_ctrl_c_ends_the_compiler_too(machine: Path, tmp_path: Path) -> None:
    run = resolving(FAKE_SECONDS="60")
    wait_for_build(tmp_path)
    compiler = int((tmp_path / "go.log").read_text())
    os.kill(compiler, 0)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=300)
    with pytest.raises(ProcessLookupError):
        os.kill(compiler, 0)
    assert leftovers(tmp_path) == []


def test_a_failed_build_says_what_the_compiler_said(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ERROR", "x.go:1:1: no space left on device")
    with pytest.raises(WorkError, match="no space left on device"):
        tools.resolve(tools.ETCD, sandbox=True, report=lambda line: None)
    assert tools.status(tools.ETCD).found is None
    assert leftovers(tmp_path) == []


def test_a_long_build_gives_a_sign_of_life(machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gobuild, "SIGN_OF_LIFE", 0.1)
    monkeypatch.setenv("FAKE_SECONDS", "1")
    said: list[str] = []
    tools.resolve(tools.ETCD, sandbox=True, report=said.append)
    assert sum("packages compiled" in line or "modules fetched" in line for line in said) >= 3


def test_the_build_is_not_part_of_a_workspace_and_keeps_the_users_go_settings(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOFLAGS", "-buildvcs=false")
    monkeypatch.setenv("GOWORK", "/somewhere/go.work")
    env = gobuild.go_environment(machine / "go", {"CGO_ENABLED": "0"})
    assert env["GOFLAGS"] == "-buildvcs=false"
    assert env["GOWORK"] == "off"
    assert env["CGO_ENABLED"] == "0"


def test_the_staging_modules_of_kubernetes_are_replaced_by_their_published_versions() -> None:
    theirs = "module k8s.io/kubernetes\n\ngo 1.26.0\n\nreplace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n)\n"
    text = gobuild.go_mod(tools.KUBE_APISERVER.source, theirs)
    assert "require k8s.io/kubernetes v1.36.3" in text
    assert "replace k8s.io/api => k8s.io/api v0.36.3" in text
    assert "go 1.26.0" in text


def test_an_old_go_is_not_used(machine: Path) -> None:
    write_program(machine / "go", "#!/bin/sh\necho go1.22.2\n")
    assert gotoolchain.found_go() is None


def test_the_sandbox_takes_an_official_cli_on_path_before_building_one(machine: Path, tmp_path: Path) -> None:
    write_program(machine / "pulumi", "#!/bin/sh\necho v3.300.1\n")
    found = tools.resolve(tools.PULUMI, sandbox=True, report=lambda line: None)
    assert (found.how, found.version, found.path) == ("path", "3.300.1", machine / "pulumi")
    assert builds(tmp_path) == 0


@pytest.mark.parametrize("version", ["v3.258.0", "v4.0.0", "nonsense"])
def test_a_cli_of_another_major_version_or_too_old_is_not_used(machine: Path, version: str) -> None:
    write_program(machine / "pulumi", f"#!/bin/sh\necho {version}\n")
    assert tools.resolve(tools.PULUMI, sandbox=True, report=lambda line: None).how == "built"


def test_a_real_cluster_never_gets_a_cli_that_was_built_here(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = tools.resolve(tools.PULUMI, sandbox=True, report=lambda line: None)
    assert built.how == "built"
    # `./ggi env --sandbox` puts it on PATH.
    write_program(built.path, "#!/bin/sh\necho v3.259.0\n")
    monkeypatch.setenv("PATH", f"{built.path.parent}:{os.environ['PATH']}")
    with pytest.raises(GgiError) as refused:
        tools.resolve(tools.PULUMI, sandbox=False, report=lambda line: None)
    assert "official pulumi 3.259.0" in str(refused.value)
    assert "pulumi.com/docs/install" in str(refused.value)
    assert builds(tmp_path) == 1


def test_a_downloaded_cli_is_used_for_a_real_cluster(machine: Path, tmp_path: Path) -> None:
    official = tmp_path / "cache/tools/pulumi/v3.259.0-official/bin/pulumi"
    official.parent.mkdir(parents=True)
    write_program(official, "#!/bin/sh\necho v3.259.0\n")
    found = tools.resolve(tools.PULUMI, sandbox=False, report=lambda line: None)
    assert (found.how, found.path) == ("official", official)


def test_a_download_that_fails_leaves_nothing_and_the_sandbox_builds_instead(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumicli, "_answers", lambda url, seconds: True)
    monkeypatch.setattr(
        pulumicli,
        "_INSTALL",
        "import pathlib, sys; pathlib.Path(sys.argv[1], 'bin').mkdir(parents=True); sys.exit('connection reset')",
    )
    said: list[str] = []
    assert tools.resolve(tools.PULUMI, sandbox=True, report=said.append).how == "built"
    assert any("connection reset" in line for line in said)
    assert not (tmp_path / "cache/tools/pulumi/v3.259.0-official").exists()
    assert [*(tmp_path / "cache").rglob(".install-*")] == []


def test_a_download_that_works_appears_whole(machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumicli, "_answers", lambda url, seconds: True)
    monkeypatch.setattr(
        pulumicli,
        "_INSTALL",
        "import pathlib, sys; p = pathlib.Path(sys.argv[1], 'bin'); p.mkdir(parents=True);"
        " f = p / 'pulumi'; f.write_text('#!/bin/sh\\necho v' + sys.argv[2]); f.chmod(0o755)",
    )
    found = tools.resolve(tools.PULUMI, sandbox=False, report=lambda line: None)
    assert found.how == "official"
    assert pulumicli.cli_version(found.path) == (3, 259, 0)


def test_a_failed_probe_is_remembered_for_an_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def no(url: str, seconds: float) -> bool:
        asked.append(url)
        return False

    monkeypatch.setattr(pulumicli, "_answers", no)
    memory = tmp_path / "unreachable"
    assert not pulumicli.reachable("https://example.test", memory)
    assert not pulumicli.reachable("https://example.test", memory)
    assert len(asked) == 1
    an_hour_ago = time.time() - pulumicli.UNREACHABLE_SECONDS - 1
    os.utime(memory, (an_hour_ago, an_hour_ago))
    assert not pulumicli.reachable("https://example.test", memory)
    assert len(asked) == 2


def test_a_probe_that_succeeds_forgets_the_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = tmp_path / "unreachable"
    memory.touch()
    os.utime(memory, (0, 0))
    monkeypatch.setattr(pulumicli, "_answers", lambda url, seconds: True)
    assert pulumicli.reachable("https://example.test", memory)
    assert not memory.exists()


def test_a_probe_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumicli, "_answers", lambda url, seconds: not threading.Event().wait(5))
    started = time.monotonic()
    assert not pulumicli.reachable("https://example.test", tmp_path / "unreachable", seconds=0.2)
    assert time.monotonic() - started < 3


def test_a_lock_is_given_back_when_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time, pathlib\nfrom ggi.engine.locks import locked\n"
            "with locked(pathlib.Path(sys.argv[1]), 'it', print):\n print('held', flush=True)\n time.sleep(60)",
            str(path),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(WorkError, match=f"process {holder.pid}"), locks.locked(path, "it", print, patience=0.3):
        pass
    holder.kill()
    holder.communicate()
    with locks.locked(path, "it", print, patience=5):
        pass


def test_whoever_waits_for_a_lock_is_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    said: list[str] = []
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with locks.locked(path, "the cache", lambda line: None):
            held.set()
            release.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    threading.Timer(0.5, release.set).start()
    with locks.locked(path, "the cache", said.append) as waited:
        assert waited
    thread.join()
    assert said == [f"the cache: waiting for process {os.getpid()}"]
