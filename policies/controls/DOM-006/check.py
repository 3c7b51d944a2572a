"""Keys under `_domainkey` (RFC 6376), where a domain sends mail; that messages carry a signature is not seen here."""

from collections.abc import Iterator

from ggi.audit.check import Seen, Verdict, elsewhere, verdict


def check(seen: Seen) -> Iterator[Verdict]:
    """One verdict per domain; unknown where the DNS did not answer."""
    if seen.domains is None:
        yield elsewhere(seen.stack)
        return
    for name, domain in seen.domains.items():
        if domain.dkim is None or domain.spf is None:
            yield verdict(name, None, "no answer")
        elif domain.spf.lower().split() == ["v=spf1", "-all"]:
            yield verdict(name, True, "sends no mail (SPF -all)")
        else:
            yield verdict(name, domain.dkim, "names under _domainkey" if domain.dkim else "nothing under _domainkey")
