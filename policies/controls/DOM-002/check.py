"""An address with IPv6."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Domain, Observation, Verdict, of_domains


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per domain."""
    return of_domains(seen, {"addresses6"}, judged)


def judged(domain: Domain) -> tuple[bool, list[Detail]]:
    found = domain.addresses6 or ()
    return bool(found), [Detail("address", address) for address in found]
