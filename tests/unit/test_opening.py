"""The way into a component: what a person is told, and a real answer over TLS."""

from __future__ import annotations

import io
import subprocess
from typing import Any

import pytest

from ggi.app.opening import Door, PageAnswer, _log_in, ask, read_head, ways
from tests.content import standard


def door(reached: tuple[str, int] | None, **more: Any) -> Door:
    settings: dict[str, Any] = {
        "private": False,
        "named": False,
        "passthrough": False,
        "answer": PageAnswer(200),
        "login": None,
    } | more
    return Door("openzaak.rijnstad.test", "https://openzaak.rijnstad.test/", "10.96.4.5", reached, **settings)


def test_a_name_that_leads_there_needs_no_help() -> None:
    assert [*ways(door(("192.0.2.1", 443), named=True))] == []


def test_a_port_of_its_own_needs_more_than_the_hosts_file() -> None:
    found = dict(ways(door(("127.0.0.1", 20443))))
    assert set(found) == {"curl", "a browser"}
    assert '"MAP *.rijnstad.test 127.0.0.1:20443"' in found["a browser"]


def test_an_address_on_443_is_a_line_in_the_hosts_file() -> None:
    assert dict(ways(door(("192.0.2.1", 443))))["a line in the hosts file"] == "192.0.2.1 openzaak.rijnstad.test"


def test_nothing_is_advised_where_nothing_answers() -> None:
    assert [*ways(door(None, answer=None))] == []


def test_the_head_of_an_answer_is_read() -> None:
    head = b"HTTP/1.1 302 Found\r\nServer: x\r\nLocation: /admin/login/\r\n\r\nbody: not read"
    assert read_head(io.BytesIO(head)) == PageAnswer(302, "/admin/login/")
    with pytest.raises(ValueError, match="no HTTP"):
        read_head(io.BytesIO(b"SSH-2.0-OpenSSH_10\r\n"))


@pytest.mark.parametrize(
    ("answer", "well"),
    [(PageAnswer(200), True), (PageAnswer(404), False), (PageAnswer(401), True), (PageAnswer(503), False)],
)
def test_a_fault_of_the_server_is_no_answer(answer: PageAnswer, well: bool) -> None:
    assert answer.well is well
    assert not PageAnswer(problem="no").well


def test_what_does_not_listen_is_said_with_its_address() -> None:
    found = ask(("127.0.0.1", 1), "x.test", "/", "")
    assert (found.well, "127.0.0.1:1" in found.problem) == (False, True)


def test_the_lines_for_the_first_person_are_a_shell_program_without_a_secret() -> None:
    login = _log_in(standard(), "keycloak")
    assert login is not None
    done = subprocess.run(["sh", "-n"], input="\n".join(login.commands), text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    text = "\n".join(login.commands)
    assert '"groups": ["/beheerders"]' in text
    assert "{" + "stack}" not in text


def test_other_components_name_who_logs_people_in() -> None:
    login = _log_in(standard(), "openzaak")
    assert login is not None
    assert (login.by, login.first, login.commands) == ("keycloak", None, ())
