"""Secrets by reference, lines of logs, words of eapol_test, certificates: the small parts that hosts are made with."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import testinfra

from ggi.errors import InputError, WorkError
from ggi.hosts import certificates, eapol, logs
from ggi.hosts.playbook import _diff, run_ansible
from ggi.hosts.prober import in_container
from ggi.hosts.secrets import FOLDER, parse, value
from ggi.inventory.govroam import RENEW_DAYS, days_left
from ggi.paths import ROOT
from sandbox.hosts.authority import CLIENT, SERVER, Authority

NOW = dt.datetime.now(dt.UTC)
LINE = (
    "2026-11-22 08:10:17\tAccess-Accept\tstadhuis\tanonymous@Rijnstad.test\tmedewerker@rijnstad.test\t02-00\t"
    "02-01:govroam\t1rijnstad.test\t0xab\t120\tTLS 1.3\t"
)


def test_a_derived_secret_needs_the_root_key_and_differs_by_stack_path_and_counter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "root.key"
    key.write_text(base64.urlsafe_b64encode(bytes(range(32))).decode())
    monkeypatch.setenv("GGI_ROOT_KEY_FILE", str(key))
    texts = ["derived(govroam/cui)", "derived(govroam/cui#2)", "derived(govroam/radsecproxy)"]
    values = {value(text, stack) for text in texts for stack in ("net-a", "net-b")}
    assert len(values) == 6
    assert value(texts[0], "net-a") == value("derived(govroam/cui#1)", "net-a")


def test_logs_are_read_with_the_rotated_ones_and_a_server_that_was_never_asked_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place: Any = SimpleNamespace(hosts=SimpleNamespace(servers=("rad1",)))
    monkeypatch.setattr(logs, "connection", lambda place, host: testinfra.get_host("local://"))
    monkeypatch.setattr(logs, "LOG", str(tmp_path / "log" / "govroam.log"))
    with pytest.raises(WorkError, match=r"rad1 can't be read"):
        logs.read_attempts(place)
    (tmp_path / "log").mkdir()
    assert logs.read_attempts(place) == []
    (tmp_path / "log" / "govroam.log").write_text(LINE)
    (tmp_path / "log" / "govroam.log-20261121.gz").write_bytes(gzip.compress(LINE.replace("02-00", "02-99").encode()))
    assert sorted(one.mac for one in logs.read_attempts(place)) == ["02-00", "02-99"]
    assert [one.mac for one in logs.read_attempts(place, "02-99")] == ["02-99"]
    assert logs.read_attempts(place, "nobody") == []


def test_a_given_secret_is_a_file_and_is_never_shown_when_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net-a" / "national").mkdir(parents=True)
    (tmp_path / "net-a" / "national" / "nat1").write_text('it\'s "100%"\n')
    monkeypatch.setenv(FOLDER, str(tmp_path))
    assert value("given(national/nat1)", "net-a") == 'it\'s "100%"'
    with pytest.raises(InputError, match="national/nat2"):
        value("given(national/nat2)", "net-a")
    monkeypatch.delenv(FOLDER)
    with pytest.raises(InputError, match=FOLDER):
        value("given(national/nat1)", "net-a")


@pytest.mark.parametrize("text", ["plain", "given()", "given(../../etc/passwd)", "derived(A)", "vault(x)", "given(/x)"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse(text)


def test_a_line_of_the_log_is_read_and_one_that_was_cut_off_is_left_out() -> None:
    found = list(logs.attempts(f"{LINE}\n{LINE[:40]}\n\n", "rad1"))
    assert len(found) == 1
    assert found[0].accepted and found[0].realm == "rijnstad.test" and found[0].vlan == "120"


def test_lines_of_two_hosts_are_one_attempt_and_of_one_host_two() -> None:
    there, here = next(logs.attempts(LINE, "a")), next(logs.attempts(LINE, "b"))
    assert [len(group) for group in logs.join_attempts([there, here])] == [2]
    assert [len(group) for group in logs.join_attempts([there, there])] == [1, 1]
    late = next(logs.attempts(LINE.replace("08:10:17", "08:11:17"), "b"))
    assert [len(group) for group in logs.join_attempts([there, late])] == [1, 1]


def test_passwords_of_any_kind_reach_eapol_test_unchanged() -> None:
    login = eapol.Login("PEAP", "a@b.test", 'q"uo\\te')
    text = eapol.config(login)
    assert f"password={login.password.encode().hex()}\n" in text
    assert login.password not in repr(login)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("RADIUS message: code=11 (x)\nRADIUS message: code=2 (x)\nSUCCESS\n", eapol.LoginOutcome.ACCEPTED),
        ("RADIUS message: code=11 (x)\nRADIUS message: code=3 (x)\nFAILURE\n", eapol.LoginOutcome.REJECTED),
        ("RADIUS message: code=1 (x)\nEAPOL test timed out\nFAILURE\n", eapol.LoginOutcome.SILENT),
        ("RADIUS message: code=11 (x)\nCTRL-EVENT-EAP-TLS-CERT-ERROR reason=1\nRADIUS message: code=3 (x)\nFAILURE\n",
         eapol.LoginOutcome.REFUSED),
    ],
)  # fmt: skip
def test_ends_of_a_log_in_are_told_apart(text: str, outcome: eapol.LoginOutcome) -> None:
    assert eapol.result(text).outcome is outcome


def judged(
    pem: str, authority: Authority, name: str = "radius.a.test", profile: certificates.Profile = "eap"
) -> list[str]:
    """What is wrong with a certificate."""
    return certificates.problems(pem, name, profile, authority.pem, NOW)


def test_a_certificate_that_clients_everywhere_take_has_no_problems() -> None:
    authority = Authority.new("a")
    assert judged(authority.issue("radius.a.test", ["radius.a.test"], [SERVER]).certificate, authority) == []


@pytest.mark.parametrize(
    ("issued", "reason"),
    [
        (lambda a: a.issue("radius.a.test", ["radius.b.test"], [SERVER]), "common name"),
        (lambda a: a.issue("radius.a.test", ["radius.a.test", "x.a.test"], [SERVER]), "common name"),
        (lambda a: a.issue("*.a.test", ["*.a.test"], [SERVER]), "no full host name"),
        (lambda a: a.issue("radius.a.test", ["radius.a.test"], [CLIENT]), "serverAuth"),
        (lambda a: a.issue("radius.a.test", ["radius.a.test"], [SERVER], days=-1, from_days_ago=9), "expired"),
        (lambda a: a.issue("radius.a.test", ["radius.a.test"], [SERVER], from_days_ago=-2), "not valid before"),
        (lambda a: Authority.new("b").issue("radius.a.test", ["radius.a.test"], [SERVER]), "did not issue"),
    ],
)
def test_a_certificate_that_some_client_refuses_is_told_why(issued: object, reason: str) -> None:
    authority = Authority.new("a")
    assert callable(issued)
    found = judged(issued(authority).certificate, authority)
    assert any(reason in text for text in found), found


def test_a_radsec_certificate_is_for_both_directions() -> None:
    authority = Authority.new("a")
    issued = authority.issue("rad1.a.test", ["rad1.a.test"], [SERVER])
    assert any("clientAuth" in text for text in judged(issued.certificate, authority, "rad1.a.test", "radsec"))


def test_days_left_are_those_of_the_first_that_expires() -> None:
    authority = Authority.new("a")
    issued = authority.issue("a.test", ["a.test"], days=29)
    assert days_left(issued.certificate + authority.pem, NOW) in (28, 29)
    assert RENEW_DAYS > 28


def test_ansible_checks_host_keys_and_uses_our_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: dict[str, Any] = {}

    def fake(**values: Any) -> SimpleNamespace:
        given.update(values)
        said = {
            "host": "rad1",
            "task": "Say it",
            "task_action": "ansible.builtin.debug",
            "res": {"msg": "nobody called"},
        }
        values["event_handler"]({"event": "runner_on_ok", "event_data": said})
        return SimpleNamespace(rc=4)

    monkeypatch.setattr("ansible_runner.interface.run", fake)
    monkeypatch.delenv("ANSIBLE_HOST_KEY_CHECKING", raising=False)
    done = run_ansible(["net-a", "net-b"], inventory=tmp_path, check=True, limit="rad1")
    assert given["envvars"]["ANSIBLE_HOST_KEY_CHECKING"] == "True"
    assert given["envvars"]["ANSIBLE_CONFIG"] == str(ROOT / "ansible.cfg")
    assert given["limit"] == "net_a:net_b:&*rad1"
    assert given["cmdline"] == "--diff --check"
    assert done.problem and not done.fine
    assert done.notices == {"rad1": "nobody called"}


def test_a_change_is_shown_as_a_diff() -> None:
    text = _diff([{"before": "a\nb\n", "after": "a\nc\n", "after_header": "/etc/x"}])
    assert "-b" in text and "+c" in text and "/etc/x" in text
    assert (
        _diff([{"before": {"state": "absent"}, "after": {"state": "file", "path": "/x"}}]) == "/x state: absent -> file"
    )


def test_a_revocation_list_that_ran_out_or_is_of_another_ca_is_not_deployed() -> None:
    own, other = Authority.new("clients"), Authority.new("others")
    assert certificates.crl_problems(own.revocations(), own.pem) == []
    assert certificates.crl_problems(own.revocations(days=-1), own.pem)[0].startswith("the revocation list ran out")
    assert certificates.crl_problems(other.revocations(), own.pem) == [
        "the revocation list is not of the CA whose certificates it is about"
    ]
    assert certificates.crl_problems("nothing", own.pem) == ["the revocation list or its CA is not PEM"]


def test_a_log_in_elsewhere_brings_back_what_was_said_and_the_server_s_certificates(tmp_path: Path) -> None:
    program = tmp_path / "eapol_test"
    script = 'while [ $# -gt 0 ]; do [ "$1" = -o ] && echo PEM > "$2"; shift; done; grep -q CA ca.pem && echo SUCCESS'
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    program.chmod(0o755)

    def pipe(command: Sequence[str], text: str) -> str:
        path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False, env=path).stdout

    login = eapol.Login("PEAP", "somebody@rijnstad.test", "secret")
    result, _ = in_container(pipe)(login, "CA\n", "192.0.2.1", "shared", "")
    assert (result.text, result.chain) == ("SUCCESS\n", "PEM\n")
