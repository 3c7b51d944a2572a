"""How long both realms keep events of users, and the own realm those of administrators."""

from collections.abc import Iterator

from ggi.controls.sdk import REALM_SUBJECT as SUBJECT
from ggi.controls.sdk import Detail, Observation, Verdict, realm, verdict
from ggi.controls.sdk import out_of_bounds as outside

DAY = 86400
LIMITS = {"eventsExpiration": (30.0 * DAY, 366.0 * DAY)}


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about what Keycloak is told."""
    found = realm(seen)
    if found is None:
        return
    bad = [Detail("realm-setting", f"master {what}") for what in outside(found.master, LIMITS)]
    bad += [Detail("setting", what) for what in outside(found.own, LIMITS)]
    kept = str((found.own.get("attributes") or {}).get("adminEventsExpiration", ""))
    if not kept.isdigit() or not LIMITS["eventsExpiration"][0] <= int(kept) <= LIMITS["eventsExpiration"][1]:
        bad.append(Detail("setting", f"adminEventsExpiration {kept or 'none'}"))
    yield verdict(SUBJECT, not bad, bad or Detail("days", found.own["eventsExpiration"] // DAY))
