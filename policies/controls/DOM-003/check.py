"""The policies of SPF (RFC 7208) and DMARC (RFC 7489); for DKIM see DOM-006."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Domain, Observation, Verdict, of_domains


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per domain."""
    return of_domains(seen, {"spf", "dmarc"}, judged)


def judged(domain: Domain) -> tuple[bool, list[Detail]]:
    spf, dmarc = domain.spf or "", domain.dmarc or ""
    words = spf.lower().split()
    strict = words[-1:] in (["-all"], ["~all"]) or any(word.startswith("redirect=") for word in words)
    tags = dict(part.strip().partition("=")[::2] for part in dmarc.lower().split(";"))
    policy = tags.get("p", "").strip() in ("quarantine", "reject") and tags.get("pct", "100").strip() == "100"
    return strict and policy, [Detail("spf", spf or "none"), Detail("dmarc", dmarc or "none")]
