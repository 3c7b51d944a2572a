"""DNS: what records mean, and that nothing here writes them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ggi.cookbook.dns import DnsChannel, dig, judged_records, text_of
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


def test_a_record_in_parts_is_one_text() -> None:
    assert text_of('"v=spf1 include:a" " -all"') == "v=spf1 include:a -all"


def test_a_program_in_the_place_of_dig_is_asked_for_every_server_that_takes_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dig"
    program.write_text(
        "#!/bin/sh\n"
        'case "$3 $4" in\n'
        '"MX rijnstad.test") printf "10 a.mail.test.\\n20 b.mail.test.\\n";;\n'
        "'TXT rijnstad.test') echo '\"v=spf1 -all\"';;\n"
        "'TXT _dmarc.rijnstad.test') echo '\"v=DMARC1; p=reject\"';;\n"
        "'TLSA _25._tcp.a.mail.test'|'TLSA _25._tcp.b.mail.test') echo '3 1 1 00';;\n"
        "esac\n",
        encoding="utf-8",
    )
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert asyncio.run(dig("rijnstad.test")) == {"spf": "hardfail", "dmarc": "reject", "dane": "present"}
    assert asyncio.run(dig("elsewhere.test")) == {"spf": "none", "dmarc": "absent", "dane": "absent"}


def test_without_dig_records_are_not_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = asyncio.run(DnsChannel(book(), dig).read([DOMAIN]))[DOMAIN]
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
        return [one.failed async for one in DnsChannel(book(), dig).write([change])]

    assert all(asyncio.run(write()))
