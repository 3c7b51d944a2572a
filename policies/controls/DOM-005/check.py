"""A validly signed TLSA record for every mail server (RFC 7672); a domain without mail servers is not meant."""

from collections.abc import Iterator

from ggi.audit.check import Seen, Verdict, elsewhere, verdict


def check(seen: Seen) -> Iterator[Verdict]:
    """One verdict per domain; unknown where nobody asked the DNS, or it did not answer."""
    if seen.domains is None:
        yield elsewhere(seen.stack)
        return
    for name, domain in seen.domains.items():
        if domain.mx is None or domain.dane is None:
            yield verdict(name, None, "no answer")
        elif domain.mx:
            without = sorted(set(domain.mx) - set(domain.dane))
            yield verdict(name, not without, f"without: {', '.join(without)}" if without else ", ".join(domain.mx))
