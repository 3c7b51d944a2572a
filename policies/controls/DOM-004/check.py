"""The CAA records that hold for the domain (RFC 8659)."""

from collections.abc import Iterator

from ggi.controls.sdk import Domain, Observation, Verdict, of_domains


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per domain."""
    return of_domains(seen, {"caa"}, judged)


def judged(domain: Domain) -> tuple[bool, str]:
    found = domain.caa or ()
    return any(" issue" in record for record in found), "; ".join(found) or "none"
