"""A validly signed TLSA record for every mail server (RFC 7672); a domain without mail servers is not meant."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Domain, Observation, Verdict, of_domains


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per domain with mail servers."""
    return of_domains(seen, {"mx", "dane"}, judged)


def judged(domain: Domain) -> tuple[bool, Detail | list[Detail]] | None:
    servers = domain.mx or ()
    without = sorted(set(servers) - set(domain.dane or ()))
    if not servers:
        return None
    if without:
        return False, Detail("without", ", ".join(without))
    return True, [Detail("server", name) for name in servers]
