"""What must not work, told apart: refused by a server, answered by nobody, or refused by the client."""

from __future__ import annotations

import ast

import pytest

from ggi.hosts.eapol import LoginOutcome
from sandbox.hosts.authority import CLIENT, SERVER, Authority, Issued
from tests.hosts import packets
from tests.hosts.world import RIJNSTAD, World

pytestmark = pytest.mark.timeout(2400)

ACCEPT, REJECT, ACCOUNTING_RESPONSE, CHALLENGE = "2", "3", "5", "11"
"""Codes of answers (RFC 2865, RFC 2866)."""


@pytest.mark.parametrize(("method", "inner"), [("PEAP", "mschapv2"), ("TTLS", "pap")])
def test_a_wrong_password_is_rejected(world: World, method: str, inner: str) -> None:
    login = world.login_of(RIJNSTAD, method, inner=inner, password="not the password")
    assert world.login(login, "net-drieland").outcome is LoginOutcome.REJECTED


def test_an_unknown_user_is_rejected(world: World) -> None:
    login = world.login_of(RIJNSTAD, identity="nobody@rijnstad.test")
    assert world.login(login, "net-drieland").outcome is LoginOutcome.REJECTED


UNROUTABLE = [
    "no-realm",
    "two@@rijnstad.test",
    "a@b@rijnstad.test",
    "x@rijnstad..test",
    "x@.rijnstad.test",
    "x@rijnstad.test.",
    "x@rijnstad",
    "x y@elsewhere.test",
    "x@else_where.test",
    "x@wlan.mnc001.mcc204.3gppnetwork.org",
    "x@stadhuis.local",
    "x@stadhuis.lan",
    "x@" + "a" * 64 + ".test",
]


@pytest.mark.parametrize("outer", UNROUTABLE)
def test_a_name_that_can_not_be_routed_is_rejected_at_the_edge(world: World, outer: str) -> None:
    login = world.login_of(RIJNSTAD, anonymous=outer)
    assert world.login(login, "net-drieland").outcome is LoginOutcome.REJECTED
    assert world.mac.lower() not in world.national_log().lower()
    assert [attempt.reason[:7] for attempt in world.of_mac("net-drieland", world.mac)] == ["REALM-2"]


def test_a_realm_below_our_own_never_leaves(world: World) -> None:
    login = world.login_of(RIJNSTAD, anonymous="anonymous@afdeling.polderveen.test")
    assert world.login(login, "net-drieland").outcome is LoginOutcome.REJECTED
    assert world.mac.lower() not in world.national_log().lower()


def test_a_realm_that_nobody_has_is_rejected_by_the_national_level(world: World) -> None:
    login = world.login_of(RIJNSTAD, anonymous="anonymous@nowhere.test")
    assert world.login(login, "net-drieland").outcome is LoginOutcome.REJECTED
    assert world.mac.lower() in world.national_log().lower()


def test_an_inner_realm_other_than_the_outer_one_is_rejected(world: World) -> None:
    login = world.login_of(RIJNSTAD, anonymous="anonymous@rijnstad.test", identity="medewerker@polderveen.test")
    assert world.login(login, "net-drieland").outcome is LoginOutcome.REJECTED
    assert world.of_mac("net-rijnstad", world.mac)[0].reason.startswith("ID-1")


def test_a_name_that_is_not_anonymous_outside_is_rejected(world: World) -> None:
    login = world.login_of(RIJNSTAD, anonymous="medewerker@rijnstad.test")
    assert world.login(login, "net-drieland").outcome is LoginOutcome.REJECTED


@pytest.mark.parametrize(("method", "inner"), [("MD5", "none"), ("PEAP", "gtc"), ("TTLS", "md5")])
def test_weak_methods_are_rejected(world: World, method: str, inner: str) -> None:
    login = world.login_of(RIJNSTAD, method, inner=inner)
    assert world.login(login, "net-drieland").outcome is LoginOutcome.REJECTED


def test_old_tls_is_refused(world: World) -> None:
    found = world.login(world.login_of(RIJNSTAD, tls="1.1"), "net-drieland")
    assert found.outcome in (LoginOutcome.REJECTED, LoginOutcome.REFUSED)
    assert [attempt.accepted for attempt in world.of_mac("net-rijnstad", world.mac)] == [False]


@pytest.mark.parametrize("fault", ["rogue CA", "expired", "of another gemeente"])
def test_a_client_certificate_that_is_not_ours_is_rejected(world: World, fault: str) -> None:
    own = world.federation.authority("net-rijnstad-clients")
    issued = {
        "rogue CA": lambda: Authority.new("rogue").issue("medewerker@rijnstad.test", usages=(CLIENT,)),
        "expired": lambda: own.issue("medewerker@rijnstad.test", usages=(CLIENT,), days=-1, from_days_ago=9),
        "of another gemeente": lambda: own.issue("medewerker@polderveen.test", usages=(CLIENT,)),
    }[fault]()
    login = world.with_certificate(world.login_of(RIJNSTAD, "TLS", inner="none"), issued)
    assert world.login(login, "net-drieland").outcome is LoginOutcome.REJECTED


def test_a_client_certificate_that_was_revoked_is_rejected(world: World) -> None:
    text = {part: world.federation.secret("net-rijnstad", f"revoked.{part}").read_text() for part in ("pem", "key")}
    login = world.with_certificate(world.login_of(RIJNSTAD, "TLS", inner="none"), Issued(text["pem"], text["key"]))
    assert world.login(login, "net-drieland").outcome is LoginOutcome.REJECTED
    assert "revoked" in world.of_mac("net-rijnstad", world.mac)[0].reason


def test_a_client_refuses_a_server_with_another_ca_or_name(world: World) -> None:
    rogue = world.file("rogue.pem", Authority.new("rogue").pem)
    for login in (
        world.login_of(RIJNSTAD, ca=rogue),
        world.login_of(RIJNSTAD, server_name="radius.elsewhere.test"),
    ):
        assert world.login(login, "net-drieland").outcome is LoginOutcome.REFUSED


def test_a_wrong_secret_and_an_unknown_access_point_get_no_answer(world: World) -> None:
    login = world.login_of(RIJNSTAD)
    wrong = world.login(login, "net-drieland", secret="another secret", patience=4)
    assert wrong.outcome is LoginOutcome.SILENT
    unknown = world.login(login, "net-drieland", source=world.federation.address("ap"), patience=4)
    assert unknown.outcome is LoginOutcome.SILENT


def by_hand(world: World, script: str, *more: str) -> str:
    """Send a packet from Rijnstad's access points to its first server; returns the code of the answer."""
    source = world.federation.address("net-rijnstad/stadhuis")
    target = world.federation.address("net-rijnstad-rad1")
    return world.python("ap", script, source, target, world.secret("net-rijnstad", "stadhuis"), *more)


def test_a_request_without_message_authenticator_gets_no_answer(world: World) -> None:
    assert by_hand(world, packets.EAP_WITHOUT_SIGNATURE, "yes") == CHALLENGE
    assert by_hand(world, packets.EAP_WITHOUT_SIGNATURE, "no") == "silence"


def test_a_password_without_eap_is_rejected(world: World) -> None:
    assert by_hand(world, packets.PASSWORD_WITHOUT_EAP) == REJECT


def test_status_server_is_answered(world: World) -> None:
    assert by_hand(world, packets.STATUS_SERVER) == ACCEPT


def test_accounting_is_answered_here_and_goes_nowhere(world: World) -> None:
    before = world.national_log().count("Accounting")
    assert by_hand(world, packets.ACCOUNTING) == ACCOUNTING_RESPONSE
    assert world.national_log().count("Accounting") == before


def radsec(world: World, issued_by: Authority, name: str, *, days: int = 30) -> str:
    """Ask Rijnstad's first server over RadSec from the first national proxy's address, with a certificate of a test."""
    issued = issued_by.issue(name, [name], (SERVER, CLIENT), days=days, from_days_ago=60)
    federation = world.federation
    container = federation.container("nat1")
    for file, text in (("peer.pem", issued.certificate), ("peer.key", issued.key)):
        federation.podman.put(container, f"/srv/tests/{file}", text, "0600")
    federation.podman.put(container, "/srv/tests/ca.pem", federation.authority("federation").pem)
    target = federation.address("net-rijnstad-rad1")
    words = (target, "/srv/tests/peer.pem", "/srv/tests/peer.key", "/srv/tests/ca.pem")
    return world.python("nat1", packets.RADSEC, *words).split()[0]


def test_only_the_national_proxies_themselves_are_taken_over_radsec(world: World) -> None:
    federation = world.federation.authority("federation")
    assert radsec(world, federation, "nat1.govroam.test") == ACCEPT
    assert radsec(world, Authority.new("rogue"), "nat1.govroam.test") == "closed"
    assert radsec(world, federation, "nat1.govroam.test", days=-1) == "closed"
    # Another member of the federation, with a certificate that is fine, poses as the national level.
    assert radsec(world, federation, "rad1.drieland.test") == "closed"


def test_random_packets_do_not_stop_the_next_log_in(world: World) -> None:
    assert by_hand(world, packets.FUZZ, "20261122", "1000") == "sent"
    assert world.login(world.login_of(RIJNSTAD), "net-rijnstad").outcome is LoginOutcome.ACCEPTED


def test_the_packets_of_tests_are_python() -> None:
    for name in dir(packets):
        if name.isupper():
            ast.parse(getattr(packets, name))
