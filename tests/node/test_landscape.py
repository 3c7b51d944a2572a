"""The whole landscape of a gemeente, on real nodes: brought up, used, hurt, upgraded, rotated and taken away.

The tests are in the order of its life, and each leaves it whole for the next.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from ggi.app.verifying import try_out
from ggi.app.workspace import Workspace
from ggi.catalogue.release import probe_image
from ggi.engine.tools import KUBECTL, ensure
from ggi.landscape.checks import Check, pairs
from ggi.paths import ROOT
from tests.browser.conftest import NAMES
from tests.node.conftest import RealNodes
from tests.node.landscape import CASE, Load, Running, authority, bearer, listen_in, through, until

pytestmark = pytest.mark.timeout(2400)

STACK = "gm9901-accp"
BEFORE, AFTER = "2026.3", "2026.4"
PERSON, PASSWORD = "beheerder", "Welkom-in-Rijnstad-2026!"
CLOSED = 12321
"""A port that no component has."""


@pytest.fixture(scope="module")
def life(nodes: RealNodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The landscape in its older release, brought up by the command of the README."""
    folder = tmp_path_factory.mktemp("landscape")
    shutil.copytree(ROOT / "inventories", folder / "inventories")
    found = Running(nodes, STACK, folder / "inventories", authority(nodes, folder))
    found.write(components={"openzaak": {"all_rights": ["openformulieren"]}})
    if not nodes.attached:
        found.write(release=BEFORE)
    began = time.monotonic()
    said = found.up()
    print(said.splitlines()[-1], f"({time.monotonic() - began:.0f} s)")
    with through(found):
        yield found


def test_every_pod_runs_and_stays(life: Running) -> None:
    pods = life.pods()
    assert len(pods) > 25
    for pod in pods:
        statuses = pod["status"]["containerStatuses"]
        assert all(s["ready"] for s in statuses), pod["metadata"]["name"]
        if not life.nodes.attached:
            assert all(s["restartCount"] == 0 for s in statuses), pod["metadata"]["name"]
    said = json.loads(life.ggi("status", STACK, "--sandbox", "--json").stdout)
    assert {component["state"] for component in said["components"]} == {"ready"}


def test_everything_that_should_work_works_and_a_stranger_is_refused(life: Running) -> None:
    said = json.loads(life.ggi("verify", STACK, "--sandbox", "--json").stdout)
    assert said["well"] and len(said["checks"]) > 90
    left = life.nodes.api.list("v1", "Pod", life.space, labels="ggi/probe")
    assert not left
    print(f"{len(said['checks'])} checks, {sum(c['refused'] for c in said['checks'])} of them refused")


def test_the_kernel_allows_what_the_drawing_says_and_nothing_else(life: Running) -> None:
    built = life.built
    found = pairs(built)
    addresses = {
        (p["metadata"]["labels"]["app.kubernetes.io/name"], p["metadata"]["labels"]["app.kubernetes.io/component"]): p
        for p in life.pods()
        if "app.kubernetes.io/component" in p["metadata"]["labels"]
    }
    sources = sorted({check.source for check in found})
    with contextlib.ExitStack() as opened:
        closed = []
        for target in sources:
            pod = addresses[target]
            listen_in(pod, CLOSED, opened)
            details = {"host": pod["status"]["podIP"], "port": CLOSED}
            closed += [
                Check(f"{'/'.join(source)}->{'/'.join(target)}:{CLOSED}", source, target[0], details, refused="tcp")
                for source in sources
                if source != target
            ]
        workspace = Workspace(life.inventory)
        image = probe_image([workspace.catalogue.releases[built.environment.release].model])
        rows = try_out(life.nodes.api, built, [*found, *closed], image, lambda line: None)
    wrong = [f"{row.check.id}: {row.step} {row.seen}" for row in rows if not row.well]
    assert not wrong, "\n".join(wrong)
    allowed = sum(not row.check.refused for row in rows)
    print(f"{len(rows)} connections tried: {allowed} allowed, {len(rows) - allowed} dropped")
    assert allowed > 40 and len(closed) == len(sources) * (len(sources) - 1)


def test_a_person_logs_in_with_keycloak_through_the_gateway(life: Running, tmp_path: Path) -> None:
    browser = next((path for name in NAMES if (path := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no Chromium on this machine (Debian: apt install chromium)")
    opened = json.loads(life.ggi("open", STACK, "keycloak", "--sandbox", "--json").stdout)
    assert opened["answers"]
    lines = "\n".join(opened["login"]["commands"]).replace("NAME", PERSON).replace("A-NEW-PASSWORD", PASSWORD)
    kubectl = ensure([KUBECTL], print)["kubectl"].path
    environment = os.environ | {
        "PATH": f"{kubectl.parent}:{os.environ['PATH']}",
        "KUBECONFIG": str(life.nodes.kubeconfig),
    }
    done = subprocess.run(
        ["bash", "-c", f"set -e\ntrap 'kill %1' EXIT\n{lines}".replace(" &\n", " >/dev/null &\nsleep 3\n")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with sync_playwright() as playwright:
        port = opened["reached"][1]
        rules = f"MAP *.{life.built.environment.domain} 127.0.0.1:{port}"
        arguments = ["--no-sandbox", f"--host-resolver-rules={rules}"]
        started = playwright.chromium.launch(executable_path=browser, args=arguments)
        page = started.new_context(ignore_https_errors=True, locale="en").new_page()
        page.goto(opened["url"], wait_until="networkidle")
        log_in(page)
        page.wait_for_selector("text=Personal info")
        page.goto(f"https://{life.built_host('openzaak')}/admin/login/", wait_until="networkidle")
        page.get_by_role("link").filter(has_text="organization account").first.click()
        page.wait_for_url(f"https://{life.built_host('openzaak')}/admin/")
        assert "Site administration" in page.content()
        page.screenshot(path=str(tmp_path / "openzaak.png"))
        started.close()


def log_in(page: Page) -> None:
    """As Keycloak asks: name and password, a second factor, a password of one's own, and who one is."""
    page.fill("#username", PERSON)
    page.fill("#password", PASSWORD)
    page.click("#kc-login")
    page.click("#mode-manual")
    page.fill("#totp", one_time_code(page.inner_text("#kc-totp-secret-key").replace(" ", "")))
    page.click("#saveTOTPBtn")
    page.fill("#password-new", PASSWORD + "2")
    page.fill("#password-confirm", PASSWORD + "2")
    page.click("[type=submit]")
    page.fill("#firstName", "Beheerder")
    page.fill("#lastName", "van Rijnstad")
    page.click("[type=submit]")


def one_time_code(secret: str) -> str:
    """Six digits for now (RFC 6238, SHA-1, 30 seconds), as an authenticator would show them."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, (int(time.time()) // 30).to_bytes(8, "big"), hashlib.sha1).digest()
    start = mac[-1] & 15
    return f"{(int.from_bytes(mac[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def subscribe(life: Running) -> None:
    """Let Open Notificaties be told of cases by itself, so that the way there and back is gone."""
    own = bearer("opennotificaties-r1", life.secret("opennotificaties", "setup", "OPENNOTIFICATIES_SECRET"))
    body = {
        "callbackUrl": f"https://{life.built_host('opennotificaties')}/api/v1/callbacks?for=zaken",
        "auth": own["Authorization"],
        "kanalen": [{"naam": "zaken", "filters": {"bronorganisatie": CASE["bronorganisatie"]}}],
    }
    answer = life.ask("POST", "opennotificaties", "/api/v1/abonnement", json=body, headers=own)
    assert answer.status_code == 201 or (life.nodes.attached and "unique" in answer.text), answer.text


def test_a_case_becomes_a_notification_that_a_subscriber_receives(life: Running) -> None:
    subscribe(life)
    before = life.counts("opennotificaties")
    for _ in range(3):
        answer = life.ask("POST", "openzaak", "/zaken/api/v1/zaken", json=CASE, headers=life.caller())
        assert answer.status_code == 201, answer.text
    until(lambda: life.counts("opennotificaties")["received"] >= before["received"] + 3, "nothing arrived")
    after = life.counts("opennotificaties")
    assert {k: after[k] - before[k] for k in ("accepted", "delivered", "received")} == dict.fromkeys(
        ("accepted", "delivered", "received"), 3
    )


@pytest.fixture(scope="module")
def rate(life: Running) -> float:
    """Cases a second that this machine takes when nothing happens: each is stored and becomes a notification."""
    load = Load(life, rate=0)
    with load.running():
        time.sleep(20)
    assert load.answers["201"] and not load.failed, load
    print(f"sustained: {load}")
    return load.answers["201"] / load.seconds


def settled(life: Running) -> None:
    """Wait until every workload is as many as it should be, and all notifications are delivered."""

    def ready() -> bool:
        said = life.nodes.ggi("--inventory", str(life.inventory), "status", STACK, "--sandbox", "--json")
        return said.returncode == 0

    until(ready, "the landscape does not come back", 420)
    until(lambda: life.counts("opennotificaties")["due"] == 0, "notifications are not delivered", 240)


def hurt(life: Running, rate: float, what: str, kill: Callable[[], None], seconds: float) -> Load:
    """What becomes of the load, at just under half of what is sustained, while something is killed."""
    settled(life)
    before = life.counts("opennotificaties")
    load = Load(life, rate=rate * 0.45)
    with load.running():
        time.sleep(5)
        kill()
        time.sleep(seconds)
    settled(life)
    after = life.counts("opennotificaties")
    received = after["received"] - before["received"]
    told = f"{what}: {load}; {load.failed} without an answer, {load.lost()} cases lost"
    print(f"{told}, {received} of {len(load.kept)} notifications received")
    assert load.lost() == 0, told
    assert received >= len(load.kept), told
    return load


def test_a_component_is_killed_and_nothing_is_lost(life: Running, rate: float) -> None:
    def kill() -> None:
        for name in ("openzaak", "opennotificaties"):
            for process in ("web", "worker"):
                pod = next(p for p in life.pods() if p["metadata"]["name"].startswith(f"{name}-{process}-"))
                life.nodes.api.delete("v1", "Pod", pod["metadata"]["name"], life.space, grace_seconds=0)

    hurt(life, rate, "a pod of each process", kill, 20)


def test_the_primary_of_postgresql_is_killed_and_nothing_is_lost(life: Running, rate: float) -> None:
    def primary() -> str:
        found = life.nodes.api.get("postgresql.cnpg.io/v1", "Cluster", "postgresql", life.space)
        return str(found["status"]["currentPrimary"])

    def kill() -> None:
        life.nodes.api.delete("v1", "Pod", primary(), life.space, grace_seconds=0)

    hurt(life, rate, "the primary of PostgreSQL", kill, 45)


def test_a_node_loses_its_power_and_nothing_is_lost(life: Running, rate: float) -> None:
    nodes = life.real()
    if len(nodes.all) < 2:
        pytest.skip("one node here: a machine with two processors and 12 GB of memory has two")

    def kill() -> None:
        pid = nodes.pid(nodes.all[-1].name)
        assert pid
        os.kill(pid, signal.SIGKILL)
        time.sleep(75)
        life.ggi("sandbox", "start", "--real")

    hurt(life, rate, "a node", kill, 20)


def test_a_rotation_fails_no_request(life: Running, rate: float) -> None:
    load = Load(life, rate=rate * 0.3)
    with load.running():
        for rotation in ({"current": 1, "accept": [2]}, {"current": 2, "accept": [1]}, {"current": 2}):
            life.write(rotation=rotation)
            life.up()
            load.rotated()
    print(f"rotation: {load}")
    assert not load.failed and not load.lost()
    settled(life)


def test_an_upgrade_loses_nothing(life: Running, rate: float) -> None:
    if life.nodes.attached:
        pytest.skip("the sandbox that runs already has the newer release")
    load = Load(life, rate=rate * 0.3)
    with load.running():
        life.write(release=AFTER)
        life.up()
    settled(life)
    print(f"upgrade {BEFORE} -> {AFTER}: {load}; {load.failed} without an answer, {load.lost()} cases lost")
    assert load.lost() == 0
    said = json.loads(life.ggi("status", STACK, "--sandbox", "--json").stdout)
    assert said["release"] == AFTER or said["running"] == AFTER
    assert json.loads(life.ggi("verify", STACK, "--sandbox", "--json").stdout)["well"]


def test_down_leaves_nothing(life: Running) -> None:
    if life.nodes.attached:
        pytest.skip("the sandbox that runs is left as it is")
    life.ggi("down", STACK, "--sandbox", "--yes")
    until(lambda: life.nodes.api.find("v1", "Namespace", life.space) is None, "the namespace stays")
