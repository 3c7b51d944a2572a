"""An address with IPv6."""

from collections.abc import Iterator

from ggi.controls.sdk import Domain, Observation, Verdict, of_domains


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per domain."""
    return of_domains(seen, {"addresses6"}, judged)


def judged(domain: Domain) -> tuple[bool, str]:
    found = domain.addresses6 or ()
    return bool(found), ", ".join(found)
