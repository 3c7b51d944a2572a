"""The whole landscape of a gemeente on real nodes: what holds for a small one, and a log-in in a browser."""

from __future__ import annotations

import base64
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

from ggi.engine.tools import KUBECTL, ensure
from tests.browser.conftest import NAMES
from tests.living import RIGHTS, Running, alive
from tests.node.test_landscape import Lives, taken_down
from tests.nodes import RealNodes

pytestmark = pytest.mark.timeout(2400)

STACK = "gm9901-accp"
PERSON, PASSWORD = "beheerder", "Welkom-in-Rijnstad-2026!"


@pytest.fixture(scope="module")
def life(nodes: RealNodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The landscape, with the one choice of functional management that lets Open Formulieren write cases."""
    with alive(nodes, STACK, tmp_path_factory.mktemp("landscape"), components=RIGHTS) as found:
        yield found


class TestWholeLandscape(Lives):
    """All of it, and a person."""

    def test_a_person_logs_in_with_keycloak_through_the_gateway(self, life: Running, tmp_path: Path) -> None:
        browser = next((path for name in NAMES if (path := shutil.which(name))), None)
        if browser is None:
            pytest.skip("no Chromium on this machine (Debian: apt install chromium)")
        opened = json.loads(life.ggi("open", life.stack, "keycloak", "--sandbox", "--json").stdout)
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


def test_down_leaves_nothing(life: Running) -> None:
    taken_down(life)


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
