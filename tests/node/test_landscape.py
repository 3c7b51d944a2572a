"""The whole landscape of a gemeente on real nodes, as the README brings it up: each pod, each way, a case, a log-in."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from ggi.app.verifying import try_out
from ggi.app.workspace import Workspace
from ggi.catalogue.release import probe_image
from ggi.engine.tools import KUBECTL, ensure
from ggi.landscape.checks import Check, pairs
from tests.browser.conftest import NAMES
from tests.node.conftest import RealNodes
from tests.node.landscape import CASE, RIGHTS, Running, alive, listen_in, subscribe, told, until

pytestmark = pytest.mark.timeout(2400)

STACK = "gm9901-accp"
PERSON, PASSWORD = "beheerder", "Welkom-in-Rijnstad-2026!"
CLOSED = 12321
"""A port that no component has."""


@pytest.fixture(scope="module")
def life(nodes: RealNodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The landscape, with the one choice of functional management that lets Open Formulieren write cases."""
    with alive(nodes, STACK, tmp_path_factory.mktemp("landscape"), components=RIGHTS) as found:
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
    told(f"{len(said['checks'])} checks, {sum(c['refused'] for c in said['checks'])} of them refused")


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
        image = probe_image([workspace.catalogue.releases[built.environment.release]], built.environment.cluster)
        rows = try_out(life.nodes.api, built, [*found, *closed], image, lambda line: None)
    wrong = [f"{row.check.id}: {row.step} {row.seen}" for row in rows if not row.well]
    assert not wrong, "\n".join(wrong)
    allowed = sum(not row.check.refused for row in rows)
    told(f"{len(rows)} connections tried: {allowed} allowed, {len(rows) - allowed} dropped")
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


def test_down_leaves_nothing(life: Running) -> None:
    if life.nodes.attached:
        pytest.skip("the sandbox that runs is left as it is")
    life.ggi("down", STACK, "--sandbox", "--yes")
    until(lambda: life.nodes.api.find("v1", "Namespace", life.space) is None, "the namespace stays")
