"""Every client is confidential, with exact https addresses and the authorisation code flow alone."""

from collections.abc import Iterator

from ggi.audit.check import Seen, Verdict, verdict
from ggi.audit.realm import SUBJECT, realm


def check(seen: Seen) -> Iterator[Verdict]:
    """One verdict about what Keycloak is told."""
    found = realm(seen)
    if found is None:
        return
    bad = []
    for name, client in sorted(found.clients.items()):
        uris = client.get("redirectUris", [])
        unsafe = [u for u in uris if "*" in u or not u.startswith("https://")]
        flags = ("implicitFlowEnabled", "directAccessGrantsEnabled", "publicClient", "fullScopeAllowed")
        on = [flag for flag in flags if client.get(flag, flag == "fullScopeAllowed")]
        bad += [f"{name}: {what}" for what in [*unsafe, *on]]
    yield verdict(SUBJECT, not bad, "; ".join(bad) or f"{len(found.clients)} clients")
