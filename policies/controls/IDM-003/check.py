"""Everyone in the realm of administrators must set up TOTP."""

from collections.abc import Iterator

from ggi.controls.sdk import REALM_SUBJECT as SUBJECT
from ggi.controls.sdk import Detail, Observation, Verdict, realm, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about what Keycloak is told."""
    found = realm(seen)
    if found is None:
        return
    action = found.actions.get("CONFIGURE_TOTP", {})
    known = {action.get("alias"), action.get("providerId")} == {"CONFIGURE_TOTP"}
    fine = bool(known and action.get("enabled") and action.get("defaultAction"))
    told = [Detail("enabled", str(action.get("enabled"))), Detail("default", str(action.get("defaultAction")))]
    yield verdict(SUBJECT, fine, told)
