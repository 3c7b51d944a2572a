"""Everyone in the realm of administrators must set up TOTP."""

from collections.abc import Iterator

from ggi.audit.check import Seen, Verdict, verdict
from ggi.audit.realm import SUBJECT, realm


def check(seen: Seen) -> Iterator[Verdict]:
    """One verdict about what Keycloak is told."""
    found = realm(seen)
    if found is None:
        return
    action = found.actions.get("CONFIGURE_TOTP", {})
    known = {action.get("alias"), action.get("providerId")} == {"CONFIGURE_TOTP"}
    fine = bool(known and action.get("enabled") and action.get("defaultAction"))
    yield verdict(SUBJECT, fine, f"enabled {action.get('enabled')}, default {action.get('defaultAction')}")
