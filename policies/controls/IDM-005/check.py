"""Life times in the realm of administrators; a refresh token works once."""

from collections.abc import Iterator

from ggi.audit.check import Seen, Verdict, verdict
from ggi.audit.realm import SUBJECT, realm


def check(seen: Seen) -> Iterator[Verdict]:
    """One verdict about what Keycloak is told."""
    found = realm(seen)
    if found is None:
        return
    most = {"accessTokenLifespan": 900, "ssoSessionIdleTimeout": 3600, "ssoSessionMaxLifespan": 43200}
    bad = [f"{key} {found.own.get(key)}" for key, limit in most.items() if not 0 < found.own.get(key, 0) <= limit]
    if not found.own.get("revokeRefreshToken"):
        bad.append("refresh tokens are not revoked")
    yield verdict(SUBJECT, not bad, ", ".join(bad) or f"access token {found.own['accessTokenLifespan']} s")
