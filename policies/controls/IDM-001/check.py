"""Both realms lock an account after at most ten failures."""

from collections.abc import Iterator

from ggi.audit.check import Seen, Verdict, verdict
from ggi.audit.realm import SUBJECT, realm


def check(seen: Seen) -> Iterator[Verdict]:
    """One verdict about what Keycloak is told."""
    found = realm(seen)
    if found is None:
        return
    bad = []
    for name, settings in (("own", found.own), ("master", found.master)):
        if not settings.get("bruteForceProtected") or settings.get("failureFactor", 30) > 10:
            bad.append(
                f"{name}: protected {settings.get('bruteForceProtected')}, after {settings.get('failureFactor')}"
            )
    yield verdict(SUBJECT, not bad, "; ".join(bad) or f"after {found.own['failureFactor']}")
