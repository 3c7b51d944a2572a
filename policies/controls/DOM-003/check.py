"""The policies of SPF (RFC 7208) and DMARC (RFC 7489); for DKIM see DOM-006."""

from collections.abc import Iterator

from ggi.audit.check import Seen, Verdict, elsewhere, verdict


def check(seen: Seen) -> Iterator[Verdict]:
    """One verdict per domain; unknown where nobody asked the DNS, or it did not answer."""
    if seen.domains is None:
        yield elsewhere(seen.stack)
        return
    for name, domain in seen.domains.items():
        if domain.spf is None or domain.dmarc is None:
            yield verdict(name, None, "no answer")
            continue
        words = domain.spf.lower().split()
        strict = words[-1:] in (["-all"], ["~all"]) or any(word.startswith("redirect=") for word in words)
        tags = dict(part.strip().partition("=")[::2] for part in domain.dmarc.lower().split(";"))
        policy = tags.get("p", "").strip() in ("quarantine", "reject") and tags.get("pct", "100").strip() == "100"
        yield verdict(name, strict and policy, f"SPF {domain.spf or 'none'}; DMARC {domain.dmarc or 'none'}")
