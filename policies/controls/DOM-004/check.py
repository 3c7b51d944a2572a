"""The CAA records that hold for the domain (RFC 8659)."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Domain, Observation, Verdict, of_domains


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per domain."""
    return of_domains(seen, {"caa"}, judged)


def judged(domain: Domain) -> tuple[bool, Detail | list[Detail]]:
    found = domain.caa or ()
    return any(" issue" in record for record in found), [Detail("record", record) for record in found] or Detail("none")
