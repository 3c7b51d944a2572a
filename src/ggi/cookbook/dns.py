"""DNS records for e-mail: read only. Whoever runs the zone writes them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from ggi.audit.domains import Ask, system_resolver, texts
from ggi.cookbook.channel import Failed, Written
from ggi.cookbook.content import Cookbook
from ggi.cookbook.plan import PlannedWrite
from ggi.cookbook.reading import Reading, ReadResult, Reason, Ref, Unreadable
from ggi.errors import WorkError
from ggi.messages import t

SPF = {"-all": "hardfail", "~all": "softfail", "?all": "neutral", "+all": "neutral", "all": "neutral"}
"""The last mechanism of an SPF record (RFC 7208, section 5.1)."""

Lookup = Callable[[str], Awaitable[Mapping[str, str]]]


def judged_records(spf: Sequence[str], dmarc: Sequence[str], tlsa: Sequence[Sequence[str]]) -> dict[str, str]:
    """What the records mean: `spf` is TXT of the domain, `dmarc` that of _dmarc below it, `tlsa` that of each MX.

    DANE counts when every server that takes mail has a TLSA record (RFC 7672); whether the zone is signed is not seen.
    """
    policies = [record for record in spf if record.lower().startswith("v=spf1")]
    last = policies[0].split()[-1].lower() if len(policies) == 1 else ""
    records = [record for record in dmarc if record.lower().startswith("v=dmarc1")]
    policy = re.search(r";\s*p\s*=\s*(\w+)", records[0], re.I) if len(records) == 1 else None
    return {
        "spf": SPF.get(last, "none"),
        "dmarc": policy[1].lower() if policy else "absent",
        "dane": "present" if tlsa and all(tlsa) else "absent",
    }


async def mail_records(domain: str, ask: Ask | None = None) -> Mapping[str, str]:
    """The records of a domain, asked of this machine's resolver unless `ask` is given. Raises WorkError."""
    asked = ask or system_resolver()
    if asked is None:
        raise WorkError(t("this machine has no DNS resolver"))

    def records(kind: str, name: str) -> list[str]:
        found = texts(asked, name, kind, aliases=True)
        if found is None:
            raise WorkError(t("DNS does not answer"))
        return found

    def read() -> Mapping[str, str]:
        servers = [line.split()[-1].rstrip(".") for line in records("MX", domain)]
        return judged_records(
            records("TXT", domain),
            records("TXT", f"_dmarc.{domain}"),
            [records("TLSA", f"_25._tcp.{server}") for server in servers],
        )

    return await asyncio.to_thread(read)


class DnsChannel:
    """Reads records; never writes."""

    def __init__(self, book: Cookbook, lookup: Lookup) -> None:
        self._book = book
        self._lookup = lookup

    async def read(self, refs: Sequence[Ref]) -> dict[Ref, ReadResult]:
        """The item of each object is its domain."""
        found: dict[Ref, ReadResult] = {}
        for ref in refs:
            try:
                found[ref] = Reading(ref, dict(await self._lookup(ref.item)))
            except WorkError as error:
                found[ref] = Unreadable(Reason.CHANNEL, str(error))
        return found

    async def write(self, changes: Sequence[PlannedWrite]) -> AsyncIterator[Written]:
        """Refuses."""
        for change in changes[:1]:
            yield Written(change, Failed(t("nothing here writes DNS")))
