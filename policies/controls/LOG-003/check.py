"""Both realms record events and write them to the log of the container."""

from collections.abc import Iterator

from ggi.controls.sdk import REALM_SUBJECT as SUBJECT
from ggi.controls.sdk import Detail, Observation, Verdict, realm, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about what Keycloak is told."""
    found = realm(seen)
    if found is None:
        return
    bad = []
    for name, settings in (("own", found.own), ("master", found.master)):
        flags = ("eventsEnabled", "adminEventsEnabled", "adminEventsDetailsEnabled")
        bad += [Detail("off", f"{name} {flag}") for flag in flags if not settings.get(flag)]
        if "jboss-logging" not in settings.get("eventsListeners", []):
            bad.append(Detail("not-logged", name))
    yield verdict(SUBJECT, not bad, bad or Detail("all-logged"))
