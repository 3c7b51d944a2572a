"""Both realms ask for twelve characters at least, and not for the user name."""

import re
from collections.abc import Iterator

from ggi.controls.sdk import REALM_SUBJECT as SUBJECT
from ggi.controls.sdk import Detail, Observation, Verdict, realm, verdict

_RULE = re.compile(r"(\w+)\((\w+)\)")
_POLICY = re.compile(r"\w+\(\w+\)( and \w+\(\w+\))*")
LEAST = 12


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about what Keycloak is told."""
    found = realm(seen)
    if found is None:
        return
    bad = []
    for name, settings in (("own", found.own), ("master", found.master)):
        policy = str(settings.get("passwordPolicy", ""))
        rules = dict(_RULE.findall(policy)) if _POLICY.fullmatch(policy) else {}
        if int(rules.get("length", "0")) < LEAST or not {"notUsername", "notEmail"} <= set(rules):
            bad.append(Detail("realm-setting", f"{name} {policy or 'none'}"))
    yield verdict(SUBJECT, not bad, bad or Detail("policy", found.own["passwordPolicy"]))
