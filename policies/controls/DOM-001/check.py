"""The chain of signatures from the trust anchor to the domain's own records."""

from collections.abc import Iterator

from ggi.audit.check import Seen, Verdict, elsewhere, verdict


def check(seen: Seen) -> Iterator[Verdict]:
    """One verdict per domain; unknown where nobody asked the DNS, or it did not answer."""
    if seen.domains is None:
        yield elsewhere(seen.stack)
        return
    for name, domain in seen.domains.items():
        evidence = "valid down from the trust anchor" if domain.signed else "no valid chain of signatures"
        yield verdict(name, domain.signed, "no answer" if domain.signed is None else evidence)
