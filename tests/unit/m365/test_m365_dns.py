"""DNS: what records mean, and that nothing here writes them."""

from __future__ import annotations

import asyncio

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.zonefile
import pytest

from ggi.audit.domains import Ask, texts
from ggi.cookbook.dns import DnsChannel, judged_records, mail_records
from ggi.cookbook.judge import Compliance
from ggi.cookbook.plan import PlannedWrite
from ggi.cookbook.reading import Reading, Reason, Ref, Unreadable
from ggi.cookbook.show import plan_lines
from tests.unit.m365.place import World, book

DOMAIN = Ref("dns/mail", "rijnstad.test")


@pytest.mark.parametrize(
    ("spf", "dmarc", "tlsa", "found"),
    [
        (["v=spf1 include:x -all"], ["v=DMARC1; p=reject"], [["3 1 1 a"]], ("hardfail", "reject", "present")),
        (["v=spf1 ~ALL", "other"], ["v=DMARC1;p=quarantine"], [[], ["3 1 1 a"]], ("softfail", "quarantine", "absent")),
        (["v=spf1 redirect=x.test"], ["v=DMARC1; sp=reject"], [], ("none", "absent", "absent")),
        # Two records of a kind make the whole invalid (RFC 7208, 4.5; RFC 7489, 6.6.3).
        (["v=spf1 -all", "v=spf1 -all"], ["v=DMARC1; p=reject", "v=DMARC1; p=none"], [], ("none", "absent", "absent")),
        ([], [], [], ("none", "absent", "absent")),
    ],
)  # fmt: skip
def test_records_mean_what_their_standards_say(
    spf: list[str], dmarc: list[str], tlsa: list[list[str]], found: tuple[str, str, str]
) -> None:
    assert tuple(judged_records(spf, dmarc, tlsa).values()) == found


ZONE = """
rijnstad.test. 60 IN MX 10 a.mail.test.
rijnstad.test. 60 IN MX 20 b.mail.test.
rijnstad.test. 60 IN TXT "v=spf1 -all"
_dmarc.rijnstad.test. 60 IN CNAME dmarc.mail.test.
dmarc.mail.test. 60 IN TXT "v=DMARC1; p=reject"
_25._tcp.a.mail.test. 60 IN TLSA 3 0 0 00
_25._tcp.b.mail.test. 60 IN TLSA 3 0 0 00
parts.test. 60 IN TXT "v=spf1 include:a" " -all"
"""


def resolver(name: str, kind: str) -> dns.message.Message:
    """Answers as a resolver does: with what an alias leads to."""
    response = dns.message.make_response(dns.message.make_query(name, kind))
    wanted = dns.name.from_text(name)
    for found in dns.zonefile.read_rrsets(ZONE, rdclass=None):
        if found.name == wanted and found.rdtype in (dns.rdatatype.CNAME, dns.rdatatype.from_text(kind)):
            response.answer.append(found)
            wanted = found[0].target if found.rdtype == dns.rdatatype.CNAME else wanted
    response.set_rcode(dns.rcode.NOERROR if response.answer else dns.rcode.NXDOMAIN)
    return dns.message.from_wire(response.to_wire())


def test_a_record_in_parts_is_one_text() -> None:
    assert texts(resolver, "parts.test", "TXT") == ["v=spf1 include:a -all"]


def test_the_resolver_is_asked_for_every_server_that_takes_mail() -> None:
    found = asyncio.run(mail_records("rijnstad.test", resolver))
    assert found == {"spf": "hardfail", "dmarc": "reject", "dane": "present"}
    assert asyncio.run(mail_records("elsewhere.test", resolver)) == {"spf": "none", "dmarc": "absent", "dane": "absent"}


@pytest.mark.parametrize("ask", [None, lambda _name, _kind: None])
def test_without_a_resolver_or_its_answer_records_are_not_readable(
    monkeypatch: pytest.MonkeyPatch, ask: Ask | None
) -> None:
    monkeypatch.setattr("ggi.cookbook.dns.system_resolver", lambda: ask)
    found = asyncio.run(DnsChannel(book(), mail_records).read([DOMAIN]))[DOMAIN]
    assert isinstance(found, Unreadable) and found.reason is Reason.CHANNEL


def test_a_record_that_differs_is_told_with_what_to_do_and_never_written(world: World) -> None:
    world.state.data["dns"]["dmarc"] = "none"
    plan = world.planned(["EX-04"])
    assert [one.ref for one in plan.by_hand] == [DOMAIN]
    assert all(change.ref != DOMAIN for change in plan.changes)
    assert any("by hand" in line and "p=reject" in line for line in plan_lines(plan, book()))
    world.apply(["EX-04"])
    assert Compliance.DRIFT in world.outcomes(["EX-04"])["EX-04"]

    async def write() -> list[object]:
        change = PlannedWrite(DOMAIN, ("EX-04",), {}, {"dmarc": "reject"}, Reading(DOMAIN, {}))
        return [one.failed async for one in DnsChannel(book(), mail_records).write([change])]

    assert all(asyncio.run(write()))
