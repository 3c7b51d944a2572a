"""The chain of signatures from the trust anchor to the domain's own records."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Domain, Observation, Verdict, of_domains


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per domain."""
    return of_domains(seen, {"signed"}, judged)


def judged(domain: Domain) -> tuple[bool, Detail]:
    return bool(domain.signed), Detail("valid-chain" if domain.signed else "no-valid-chain")
