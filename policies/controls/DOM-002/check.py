"""An address with IPv6."""

from collections.abc import Iterator

from ggi.audit.check import Seen, Verdict, elsewhere, verdict


def check(seen: Seen) -> Iterator[Verdict]:
    """One verdict per domain; unknown where nobody asked the DNS, or it did not answer."""
    if seen.domains is None:
        yield elsewhere(seen.stack)
        return
    for name, domain in seen.domains.items():
        found = domain.addresses6
        yield verdict(name, None if found is None else bool(found), "no answer" if found is None else ", ".join(found))
