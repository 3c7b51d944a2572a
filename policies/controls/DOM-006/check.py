"""Keys under `_domainkey` (RFC 6376), where a domain sends mail; that messages carry a signature is not seen here."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Domain, Observation, Verdict, of_domains


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per domain."""
    return of_domains(seen, {"dkim", "spf"}, judged)


def judged(domain: Domain) -> tuple[bool, Detail]:
    if (domain.spf or "").lower().split() == ["v=spf1", "-all"]:
        return True, Detail("sends-no-mail")
    return bool(domain.dkim), Detail("names-found" if domain.dkim else "no-names")
