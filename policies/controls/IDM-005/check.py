"""Life times in the realm of administrators; a refresh token works once."""

from collections.abc import Iterator, Mapping

from ggi.controls.sdk import REALM_SUBJECT as SUBJECT
from ggi.controls.sdk import Detail, Observation, Verdict, realm, verdict
from ggi.controls.sdk import out_of_bounds as outside

DAY = 86400
LIMITS: Mapping[str, tuple[float, float]] = {
    "accessTokenLifespan": (30, 900),
    "accessCodeLifespan": (10, 300),
    "accessCodeLifespanLogin": (60, 1800),
    "ssoSessionIdleTimeout": (60, 3600),
    "ssoSessionMaxLifespan": (300, DAY / 2),
    "offlineSessionMaxLifespan": (300, 90 * DAY),
    "refreshTokenMaxReuse": (0, 0),
}


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about what Keycloak is told."""
    found = realm(seen)
    if found is None:
        return
    bad = [Detail("setting", what) for what in outside(found.own, LIMITS)]
    flags = ("revokeRefreshToken", "offlineSessionMaxLifespanEnabled")
    bad += [Detail("off", key) for key in flags if not found.own.get(key)]
    yield verdict(SUBJECT, not bad, bad or Detail("access-token", found.own["accessTokenLifespan"]))
