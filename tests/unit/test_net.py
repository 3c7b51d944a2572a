"""How this machine reaches others: one name per setting, tried by doctor, and honoured by everything that connects."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ggi.audit.audit import Place, run_audit
from ggi.cli.commands.machine import findings
from ggi.controls.observation import Facts
from ggi.controls.subjects import of_landscape
from ggi.controls.verdict import Outcome
from ggi.engine import net
from ggi.engine.gobuild import go_environment
from ggi.errors import InputError
from ggi.paths import ROOT
from tests.content import catalogue, controls
from tests.example import mirrored
from tests.registry import pki, proxy, registry

CONNECTS = re.compile(
    r"httpx2\.(?:Async)?Client\(|httpx2\.(?:get|head|post|stream|request)\(|urlopen\(|requests\.(?:get|head|post|request|Session)\(|create_connection\(|Client\(config"
)
"""What opens a connection to somewhere."""
ALLOWED = {
    "src/ggi/engine/net.py": "makes the clients, and tries the proxy",
    "src/ggi/cookbook/graph/client.py": "asynchronous; trusts what net trusts, and takes the proxy of the environment",
    "src/ggi/engine/probe.py": "runs in a pod of the cluster, where no proxy leads to the neighbours that it tries",
    "src/ggi/engine/kubehttp.py": "a kubeconfig says whom to trust; the proxy is that of the environment",
    "src/ggi/app/opening.py": "looks at the gateway itself, by the address that a person would be sent to",
    "sandbox/graph/pwsh.py": "loopback alone",
    "sandbox/hosts/federation.py": "the sandbox's own containers",
}


def test_nothing_connects_past_the_settings() -> None:
    files = [path for folder in ("src", "sandbox", "stacks", "cookbook") for path in (ROOT / folder).rglob("*.py")]
    found = {str(p.relative_to(ROOT)) for p in files if CONNECTS.search(p.read_text(encoding="utf-8"))}
    assert found == ALLOWED.keys(), "connect with ggi.engine.net.client, or say here why not"


def test_one_setting_reaches_programs_by_every_name_that_they_know() -> None:
    environment = {"HTTPS_PROXY": "http://proxy.test:3128", "no_proxy": ".test", "SSL_CERT_FILE": "/ca.pem"}
    net.spread(environment)
    assert environment["https_proxy"] == "http://proxy.test:3128"
    assert environment["NO_PROXY"] == environment["no_proxy"] == ".test,localhost,127.0.0.1,::1"
    assert {environment[name] for name in net.SAME_AUTHORITIES} == {"/ca.pem"}
    environment["PIP_CERT"] = "/own.pem"
    net.spread(environment)
    assert environment["PIP_CERT"] == "/own.pem"


def test_programs_inherit_what_was_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    assert go_environment(Path("/usr/bin/go"))["HTTPS_PROXY"] == "http://proxy.test:3128"


def test_pip_reads_the_authority_under_the_name_that_it_is_given(tmp_path: Path) -> None:
    environment = {"SSL_CERT_FILE": str(tmp_path / "ca.pem"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    net.spread(environment)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "debug"], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("this environment has no pip")
    assert f"PIP_CERT={str(tmp_path / 'ca.pem')!r}" in done.stdout.replace('"', "'")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("http://proxy.test:3128", "proxy.test:3128"),
        ("http://user:secret@proxy.test", "proxy.test:80"),
        ("https://proxy.test", "proxy.test:443"),
        ("proxy.test:8080", "proxy.test:8080"),
        ("ftp://proxy.test", ""),
        ("http://proxy.test:x", ""),
        ("http://", ""),
    ],
)
def test_a_proxy_is_shown_without_its_password(value: str, shown: str) -> None:
    assert net.proxy_host(value) == shown


@pytest.mark.parametrize("value", ["harbor.test", "docker.io=", "docker.io=https://x.test", "a=b,a=c"])
def test_a_mirror_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(InputError, match=net.MIRRORS):
        net.mirrors({net.MIRRORS: value})


def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*net.PROXIES, *(n.lower() for n in net.PROXIES), net.MIRRORS, net.AUTHORITIES, "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def doctor() -> dict[str, tuple[bool, str]]:
    names = {*net.PROXIES, net.MIRRORS, net.AUTHORITIES}
    return {one.part: (one.here, one.found if one.here else one.get) for one in findings() if one.part in names}


def test_doctor_tries_proxy_authority_and_mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clean(monkeypatch)
    assert doctor() == {}
    authority, certificate = pki(tmp_path)
    with registry(certificate) as served, proxy() as (address, passed):
        monkeypatch.setenv("HTTPS_PROXY", address)
        monkeypatch.setenv(net.AUTHORITIES, str(authority))
        monkeypatch.setenv(net.MIRRORS, f"docker.io={served.host}/hub")
        assert doctor() == {
            "HTTPS_PROXY": (True, address.removeprefix("http://")),
            net.AUTHORITIES: (True, f"{authority}: 1 certificates"),
            net.MIRRORS: (True, f"docker.io: {served.host}/hub"),
        }
        assert passed == [served.host]


def test_doctor_says_what_is_wrong_with_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clean(monkeypatch)
    (tmp_path / "ca.pem").write_text("no certificate", encoding="utf-8")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv(net.AUTHORITIES, str(tmp_path / "ca.pem"))
    monkeypatch.setenv(net.MIRRORS, "docker.io=127.0.0.1:1/hub")
    told = doctor()
    assert all(not here for here, _ in told.values())
    assert "127.0.0.1:1 does not answer" in told["HTTPS_PROXY"][1]
    assert "no certificate in PEM" in told[net.AUTHORITIES][1]
    assert "no certificate in PEM" in told[net.MIRRORS][1]
    monkeypatch.setenv(net.AUTHORITIES, str(tmp_path / "gone.pem"))
    assert "can't be read: No such file" in doctor()[net.AUTHORITIES][1]


def test_a_clusters_mirror_is_in_every_image_that_is_rendered(tmp_path: Path) -> None:
    drawn = mirrored(catalogue(), tmp_path / "inventories")
    found = str([one.body for one in drawn.objects])
    assert "harbor.test/ghcr/cloudnative-pg/postgis:" in found
    assert "harbor.test/hub/openzaak/open-zaak:" in found
    assert not re.search(r"'image(?:Name)?': '(?!harbor\.test/)", found)
    facts = Facts(drawn, catalogue(), None)
    judged = run_audit(facts, of_landscape(drawn), controls(), Place.PLAN, dt.date(2026, 11, 22), None)
    outcomes = {finding.outcome for finding in judged.findings if finding.control == "IMG-004"}
    assert outcomes == {Outcome.PASS}
