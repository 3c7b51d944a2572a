"""What goes wrong around an update: each ends with one clear message and exit code 1 or 2, and nothing is lost."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.deploy.place import Place, eventually

pytestmark = pytest.mark.timeout(900)

SLOW = {"openobject": {"enabled": True}}
"""One more component, so that there is a middle to interrupt."""


def begun(place: Place, stack: str, objects: int = 6) -> subprocess.Popen[str]:
    """An `up` that runs, and that has made some objects."""
    process = place.begin("up", stack, "--sandbox", "--yes")
    eventually(lambda: process.poll() is not None or len(place.labelled_in(stack)) >= objects, 300)
    assert process.poll() is None, process.communicate()[0]
    return process


def finishes(place: Place, stack: str) -> None:
    """The next `up` ends well without anybody's help, and all is ready."""
    place.up(stack)
    ready(place, stack)


def ready(place: Place, stack: str) -> None:
    """Everything is there and ready."""
    place.whole(stack)
    assert place.ggi("status", stack, "--sandbox", "--json").json["ready"] is True


def elsewhere(kubeconfig: str) -> str:
    """The kubeconfig with a port on which nobody listens."""
    return re.sub(r"(https://127\.0\.0\.1):\d+", r"\1:9", kubeconfig)


def test_an_api_server_that_does_not_answer_is_named_within_seconds(place: Place, tmp_path: Path) -> None:
    stack = place.tenant("GM9961")
    closed = tmp_path / "kubeconfig"
    closed.write_text(elsewhere(place.kubeconfig.read_text()))
    env = place.exports(stack) | {"KUBECONFIG": str(closed)}
    done = subprocess.run(
        ["pulumi", "up", "--yes", "-s", stack, "--non-interactive"],
        cwd=place.root,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "does not answer" in done.stdout + done.stderr and "Traceback" not in done.stdout + done.stderr


def test_a_real_cluster_that_does_not_answer_is_named_within_seconds(place: Place, tmp_path: Path) -> None:
    stack = place.tenant("GM9961")
    context = place.landscape(stack).environment.cluster.context
    closed = tmp_path / "kubeconfig"
    closed.write_text(elsewhere(place.kubeconfig.read_text().replace(place.context, context)))
    ran = place.ggi("status", stack, code=1, timeout=30, KUBECONFIG=str(closed))
    assert ran.err.count("error:") == 1
    assert "the API server https://127.0.0.1:9 does not answer" in ran.err


def test_an_api_server_that_dies_in_the_middle_of_up_leaves_a_state_that_the_next_up_finishes(place: Place) -> None:
    stack = place.tenant("GM9962", components=SLOW)
    process = begun(place, stack)
    with place.without("kube-apiserver"):
        text = process.communicate(timeout=300)[0]
        assert process.returncode == 1
        assert "error:" in text and "Traceback" not in text
        assert "does not answer" in text or "refused" in text or "is not known" in text
        json.loads(place.checkpoint(stack).read_text())
    finishes(place, stack)


def test_an_interruption_in_the_middle_of_up_releases_the_lock_and_the_next_up_finishes(place: Place) -> None:
    stack = place.tenant("GM9963", components=SLOW)
    process = begun(place, stack)
    os.killpg(process.pid, signal.SIGINT)
    text = process.communicate(timeout=120)[0]
    assert process.returncode == 1
    assert "interrupted; what was done until then is recorded" in text and "Traceback" not in text
    assert "Run the same command again" in text
    assert not [p for p in place.locks.rglob("*.json") if stack in str(p)]
    finishes(place, stack)


def test_two_ups_at_once_tell_the_second_who_holds_the_lock(place: Place) -> None:
    stack = place.tenant("GM9965", components=SLOW)
    first = begun(place, stack)
    # Held, so that it is still at work when the second one comes, however long that takes to start.
    engine = place.engine_of(first.pid)
    os.kill(engine, signal.SIGSTOP)
    try:
        second = place.up(stack, code=1)
    finally:
        os.kill(engine, signal.SIGCONT)
    assert f"another run works on {stack}: " in second.err and "process" in second.err and "Wait for it" in second.err
    assert second.err.count("error:") == 1
    text = first.communicate(timeout=300)[0]
    assert first.returncode == 0, text
    assert place.changes(stack) == {}


def test_a_command_line_that_is_killed_lets_the_engine_finish(place: Place) -> None:
    stack = place.tenant("GM9966", components=SLOW)
    process = begun(place, stack)
    process.kill()
    process.communicate()
    # The engine goes on; whoever comes meanwhile is told, and then all is as if nothing had happened.
    eventually(lambda: not [p for p in place.locks.rglob("*.json") if stack in str(p)], 300)
    finishes(place, stack)


def test_an_engine_that_is_killed_leaves_a_lock_that_the_next_up_takes_away(place: Place) -> None:
    stack = place.tenant("GM9967", components=SLOW)
    process = begun(place, stack)
    engine = place.engine_of(process.pid)
    os.kill(engine, signal.SIGKILL)
    text = process.communicate(timeout=60)[0]
    assert process.returncode == 1 and "error:" in text and "Traceback" not in text
    assert [p for p in place.locks.rglob("*.json") if stack in str(p)]
    ran = place.up(stack)
    assert "An earlier run died and left its lock" in ran.err
    ready(place, stack)


def test_a_closed_standard_output_ends_without_a_traceback_and_the_update_is_done(place: Place) -> None:
    stack = place.tenant("GM9968")
    command = " ".join(f"'{word}'" for word in place.command("up", stack, "--sandbox", "--yes"))
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | head -1"],
        cwd=place.folder,
        env=place.environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert place.changes(stack) == {}


@pytest.fixture
def small_disk(place: Place) -> Iterator[Path]:
    """The stacks' state on a file system of 100 MB of its own."""
    if os.geteuid() != 0:
        pytest.skip("a small file system can be mounted by root alone")
    store = place.state / "state"
    store.mkdir(parents=True, exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(store)], check=False).returncode != 0:
        pytest.skip("this machine does not let us mount")
    yield store
    subprocess.run(["umount", str(store)], check=True)


def filled(disk: Path) -> Path:
    """A file that takes all room that is left."""
    path = disk / "filler"
    subprocess.run(["dd", "if=/dev/zero", f"of={path}", "bs=4k"], capture_output=True, check=False)
    return path


def test_a_disk_that_is_nearly_full_is_named_before_anything_is_done(place: Place, small_disk: Path) -> None:
    stack = place.tenant("GM9969")
    place.ggi("env", stack, "--sandbox")
    filler = filled(small_disk)
    ran = place.up(stack, code=1)
    assert "MB are free" in ran.err and "Free some space" in ran.err and ran.err.count("error:") == 1
    assert place.objects(stack) == {}
    filler.unlink()
    finishes(place, stack)


def test_a_disk_that_becomes_full_is_named_and_when_there_is_room_again_nothing_was_lost(
    place: Place, small_disk: Path
) -> None:
    stack = place.tenant("GM9970", components=SLOW)
    process = begun(place, stack)
    filler = filled(small_disk)
    text = process.communicate(timeout=300)[0]
    assert process.returncode == 1 and "the disk is full" in text and text.count("error:") == 1
    assert "Free some space and run the same command again" in text
    filler.unlink()
    finishes(place, stack)


def test_a_state_that_was_cut_off_is_replaced_by_its_newest_whole_copy(place: Place, stack: str) -> None:
    place.checkpoint(stack).with_suffix(".json.attrs").write_bytes(b"")  # as an engine that is killed may leave it
    assert f"{stack}.json is used" in place.up(stack).err
    before = place.generations(stack)
    whole = place.checkpoint(stack).read_bytes()
    place.checkpoint(stack).write_bytes(whole[: len(whole) // 2])
    ran = place.up(stack)
    assert "was cut off" in ran.err and "is used" in ran.err
    assert place.generations(stack) == before
    ready(place, stack)
