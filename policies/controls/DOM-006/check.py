"""Keys under `_domainkey` (RFC 6376), where a domain sends mail; that messages carry a signature is not seen here."""

from collections.abc import Iterator

from ggi.controls.sdk import Domain, Observation, Verdict, of_domains


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per domain."""
    return of_domains(seen, {"dkim", "spf"}, judged)


def judged(domain: Domain) -> tuple[bool, str]:
    if (domain.spf or "").lower().split() == ["v=spf1", "-all"]:
        return True, "sends no mail (SPF -all)"
    return bool(domain.dkim), "names under _domainkey" if domain.dkim else "nothing under _domainkey"
