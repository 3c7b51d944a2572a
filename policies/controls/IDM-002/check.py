"""Both realms ask for twelve characters at least, and not for the user name."""

import re
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
        policy = str(settings.get("passwordPolicy", ""))
        length = re.search(r"length\((\d+)\)", policy)
        if length is None or int(length.group(1)) < 12 or "notUsername" not in policy:
            bad.append(f"{name}: {policy or 'none'}")
    yield verdict(SUBJECT, not bad, "; ".join(bad) or str(found.own["passwordPolicy"]))
