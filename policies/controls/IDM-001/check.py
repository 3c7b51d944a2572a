"""Both realms lock an account after at most ten failures, for longer each time, and never for good."""

from collections.abc import Iterator, Mapping
from typing import Any

from ggi.controls.sdk import REALM_SUBJECT as SUBJECT
from ggi.controls.sdk import Detail, Observation, Verdict, realm, verdict
from ggi.controls.sdk import out_of_bounds as outside

LIMITS: Mapping[str, tuple[float, float]] = {
    "failureFactor": (1, 10),
    "waitIncrementSeconds": (30, 3600),
    "maxFailureWaitSeconds": (300, 86400),
    "minimumQuickLoginWaitSeconds": (30, 3600),
    "quickLoginCheckMilliSeconds": (500, 10000),
    "maxDeltaTimeSeconds": (3600, 604800),
}


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about what Keycloak is told."""
    found = realm(seen)
    if found is None:
        return
    bad: list[Detail] = []
    for name, settings in (("own", found.own), ("master", found.master)):
        bad += _wrong(name, settings)
    yield verdict(SUBJECT, not bad, bad or Detail("after", found.own["failureFactor"]))


def _wrong(realm: str, settings: Mapping[str, Any]) -> list[Detail]:
    found = [Detail("realm-setting", f"{realm} {what}") for what in outside(settings, LIMITS)]
    if settings.get("bruteForceProtected") is not True:
        found.append(Detail("not-protected", realm))
    if settings.get("permanentLockout") is not False:
        # Else everybody can lock everybody out, with nothing but a name.
        found.append(Detail("locked-for-good", realm))
    return found
