"""The CAA records that hold for the domain (RFC 8659)."""

from collections.abc import Iterator

from ggi.audit.check import Seen, Verdict, elsewhere, verdict


def check(seen: Seen) -> Iterator[Verdict]:
    """One verdict per domain; unknown where nobody asked the DNS, or it did not answer."""
    if seen.domains is None:
        yield elsewhere(seen.stack)
        return
    for name, domain in seen.domains.items():
        found = domain.caa
        fine = None if found is None else any(" issue" in record for record in found)
        yield verdict(name, fine, "no answer" if found is None else "; ".join(found) or "none")
