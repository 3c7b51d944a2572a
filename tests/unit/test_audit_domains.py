"""Web and mail domains: a name server on this machine with really signed zones, validated from its own trust anchor."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ggi.audit.domains import MOST, asking, fetch, read_domain
from ggi.controls.observation import Domain

ABOVE = """
@ 3600 IN SOA ns.test. hostmaster.test. 1 7200 3600 1209600 3600
@ 3600 IN NS ns.test.
ns 3600 IN A 127.0.0.1
rijnstad 3600 IN NS ns.test.
losstad 3600 IN NS ns.test.
"""
OF_TENANT = """
@ 3600 IN SOA ns.test. hostmaster.test. 1 7200 3600 1209600 3600
@ 3600 IN NS ns.test.
@ 3600 IN A 192.0.2.1
@ 3600 IN AAAA 2001:db8::1
@ 3600 IN MX 10 mail
@ 3600 IN MX 20 mail2
@ 3600 IN TXT "v=spf1 mx " "-all"
@ 3600 IN CAA 0 issue "ca.example"
_dmarc 3600 IN TXT "v=DMARC1; p=reject"
2026._domainkey 3600 IN TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
mail 3600 IN A 192.0.2.2
_25._tcp.mail 3600 IN TLSA 3 1 1 0d6fce3b3bb5a54b1ee9f1d8cbbd8bd7f26d8d0e8b9e7c6d5f4a3b2c1d0e9f8a
"""
BARE = """
@ 3600 IN SOA ns.test. hostmaster.test. 1 7200 3600 1209600 3600
@ 3600 IN NS ns.test.
@ 3600 IN A 192.0.2.9
@ 3600 IN TXT "v=spf1 -all"
@ 3600 IN TXT "v=spf1 +all"
"""


def signed(zone: dns.zone.Zone) -> str:
    """Sign a zone with a new key; its DS."""
    private = ec.generate_private_key(ec.SECP256R1())
    key = dns.dnssec.make_dnskey(private.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)
    with zone.writer() as transaction:
        dns.dnssec.sign_zone(zone, transaction, [(private, key)], lifetime=3600, deterministic=False)
    return dns.dnssec.make_ds(zone.origin or dns.name.root, key, "SHA256").to_text()


@dataclass
class Server:
    """An authoritative server for a few zones, over UDP and TCP-less."""

    zones: Mapping[str, dns.zone.Zone]
    anchor: str
    port: int

    def ask(self) -> Domain:
        return self.read("rijnstad.test")

    def read(self, name: str) -> Domain:
        return read_domain(name, asking("127.0.0.1", self.port), {"test.": [self.anchor]})


def answer(zones: Mapping[str, dns.zone.Zone], query: dns.message.Message) -> dns.message.Message:
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA
    asked = query.question[0]
    # A DS is the parent's to give.
    fitting = [
        zone
        for zone in zones.values()
        if zone.origin is not None
        and asked.name.is_subdomain(zone.origin)
        and not (asked.rdtype == dns.rdatatype.DS and asked.name == zone.origin)
    ]
    zone = max(fitting, key=lambda z: len(z.origin or ()))
    node = zone.get_node(asked.name)
    for found in node.rdatasets if node is not None else ():
        covered = found.rdtype == dns.rdatatype.RRSIG and found.covers == asked.rdtype
        if found.rdtype == asked.rdtype or covered:
            records = dns.rrset.RRset(asked.name, found.rdclass, found.rdtype, found.covers)
            records.update(found)
            response.answer.append(records)
    if node is None and not any(name.is_subdomain(asked.name) for name in zone):
        # A name with names below it exists, also without records of its own (RFC 8020).
        response.set_rcode(dns.rcode.NXDOMAIN)
    return response


def serve(zones: Mapping[str, dns.zone.Zone], listening: socket.socket) -> None:
    while True:
        try:
            data, peer = listening.recvfrom(4096)
        except OSError:
            return
        if not data:
            return
        listening.sendto(answer(zones, dns.message.from_wire(data)).to_wire(max_size=8192), peer)


@pytest.fixture
def server() -> Iterator[Server]:
    zones = {
        name: dns.zone.from_text(text, origin=name, relativize=False, check_origin=False)
        for name, text in (("test.", ABOVE), ("rijnstad.test.", OF_TENANT), ("losstad.test.", BARE))
    }
    ds = signed(zones["rijnstad.test."])
    with zones["test."].writer() as transaction:
        transaction.add(dns.rrset.from_text("rijnstad.test.", 3600, "IN", "DS", ds))
    anchor = signed(zones["test."])
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    thread = threading.Thread(target=serve, args=(zones, listening), daemon=True)
    thread.start()
    yield Server(zones, anchor, port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
        last.sendto(b"", ("127.0.0.1", port))
    thread.join(timeout=5)
    listening.close()


def test_a_signed_domain_is_read_and_validated_down_from_the_trust_anchor(server: Server) -> None:
    found = server.ask()
    assert found.signed is True
    assert found.addresses6 == ("2001:db8::1",)
    assert found.spf == "v=spf1 mx -all"
    assert found.dmarc == "v=DMARC1; p=reject"
    assert found.caa == ('0 issue "ca.example"',)


def test_a_mail_server_counts_for_dane_when_its_record_is_signed(server: Server) -> None:
    found = server.ask()
    assert found.mx == ("mail.rijnstad.test", "mail2.rijnstad.test")
    assert found.dane == ("mail.rijnstad.test",)


def test_a_domain_that_its_parent_has_no_ds_of_is_not_signed(server: Server) -> None:
    found = server.read("losstad.test")
    assert found.signed is False
    assert found.addresses6 == () and found.caa == () and found.dmarc == ""


def test_two_spf_records_are_none(server: Server) -> None:
    assert server.read("losstad.test").spf == ""


def test_a_record_that_was_changed_after_signing_makes_the_domain_invalid(server: Server) -> None:
    zone = server.zones["rijnstad.test."]
    with zone.writer() as transaction:
        transaction.replace(dns.rrset.from_text("rijnstad.test.", 3600, "IN", "AAAA", "2001:db8::bad"))
    assert server.ask().signed is False


def test_another_trust_anchor_makes_the_domain_invalid(server: Server) -> None:
    other = signed(dns.zone.from_text(ABOVE, origin="test.", relativize=False, check_origin=False))
    found = read_domain("rijnstad.test", asking("127.0.0.1", server.port), {"test.": [other]})
    assert found.signed is False and found.dane == ()


def test_where_nobody_answers_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ggi.audit.domains.TIMEOUT", 0.05)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        found = read_domain("rijnstad.test", asking("127.0.0.1", silent.getsockname()[1]))
    assert found == Domain("rijnstad.test")


def test_keys_of_dkim_are_seen_without_knowing_their_names(server: Server) -> None:
    assert server.read("rijnstad.test").dkim is True
    assert server.read("losstad.test").dkim is False


def test_a_security_txt_is_asked_for_where_the_standard_has_it(server: Server) -> None:
    asked: list[str] = []

    def fetch(address: str) -> str | None:
        asked.append(address)
        return "Contact: mailto:security@rijnstad.test"

    found = read_domain("rijnstad.test", asking("127.0.0.1", server.port), {"test.": [server.anchor]}, fetch)
    assert asked == ["https://rijnstad.test/.well-known/security.txt"]
    assert found.security == "Contact: mailto:security@rijnstad.test"
    assert server.ask().security is None


@pytest.mark.parametrize(
    ("status", "text", "found"),
    [(200, "Contact: x", "Contact: x"), (404, "no", ""), (503, "later", None), (200, "x" * (MOST + 1), "")],
)
def test_what_a_web_server_says_of_a_text_is_told_apart(status: int, text: str, found: str | None) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.handle_request, daemon=True)
    thread.start()
    assert fetch(f"http://127.0.0.1:{server.server_port}/") == found
    thread.join(timeout=5)
    server.server_close()


def test_a_web_server_that_does_not_answer_says_nothing_about_the_text() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert fetch(f"http://127.0.0.1:{port}/") is None
