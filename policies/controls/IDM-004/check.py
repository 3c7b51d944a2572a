"""Every client is confidential, at the addresses of its own component, with the authorisation code flow alone."""

from collections.abc import Iterator, Mapping
from typing import Any

from ggi.controls.sdk import REALM_SUBJECT as SUBJECT
from ggi.controls.sdk import Detail, Observation, Verdict, hosts, realm, verdict

FLAGS: Mapping[str, bool] = {
    "enabled": True,
    "standardFlowEnabled": True,
    "implicitFlowEnabled": False,
    "directAccessGrantsEnabled": False,
    "serviceAccountsEnabled": False,
    "publicClient": False,
    "fullScopeAllowed": False,
}
SCOPES = {"basic", "profile", "email"}
ROLES_ELSEWHERE = "fsccontroller"
SECRETS = {"client-secret", "client-secret-jwt", "client-jwt"}


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about what Keycloak is told."""
    found = realm(seen)
    if found is None:
        return
    known = hosts(seen)
    bad: list[Detail] = []
    for name, client in sorted(found.clients.items()):
        host = known.get(name.rpartition("-r")[0], "")
        bad += [*_addresses(name, client, host), *_settings(name, client)]
    yield verdict(SUBJECT, not bad, bad or Detail("clients", len(found.clients)))


def _addresses(name: str, client: Mapping[str, Any], host: str) -> Iterator[Detail]:
    """A redirect or log-out address that is not the component's own, in full."""
    redirects = client.get("redirectUris") or ["none"]
    after = str((client.get("attributes") or {}).get("post.logout.redirect.uris", "none")).split("##")
    for address in (*redirects, *after):
        if "*" in address or not address.startswith(f"https://{host}/"):
            yield Detail("client-setting", f"{name} {address}")
    yield from (Detail("origin", f"{name} {origin}") for origin in client.get("webOrigins", ["unsaid"]))


def _settings(name: str, client: Mapping[str, Any]) -> Iterator[Detail]:
    flags = (flag for flag, wanted in FLAGS.items() if client.get(flag) is not wanted)
    yield from (Detail("client-setting", f"{name} {flag} {client.get(flag)}") for flag in flags)
    if client.get("clientId") != name or client.get("protocol") != "openid-connect":
        yield Detail("id-or-protocol", name)
    if client.get("clientAuthenticatorType") not in SECRETS:
        yield Detail("client-setting", f"{name} clientAuthenticatorType {client.get('clientAuthenticatorType')}")
    scopes = [*client.get("defaultClientScopes", ["unsaid"]), *client.get("optionalClientScopes", ["unsaid"])]
    yield from (Detail("scope", f"{name} {scope}") for scope in scopes if scope not in SCOPES)
    if "basic" not in scopes:
        yield Detail("no-basic-scope", name)
    mappers = client.get("protocolMappers") or [{}]
    for mapper in mappers:
        config = mapper.get("config") or {}
        kind = (mapper.get("protocol"), mapper.get("protocolMapper"), config.get("claim.name"))
        # Groups go into the token about who signed in, which the application alone gets. OpenFSC's controller has its
        # roles from the access token and from nowhere else (docs.open-fsc.nl, Setup OpenID Connect).
        if kind != ("openid-connect", "oidc-group-membership-mapper", "groups"):
            yield Detail("mapper", f"{name} {mapper.get('name')}")
        elif (config.get("access.token.claim"), config.get("id.token.claim"), config.get("full.path")) != (
            "true" if name.rpartition("-r")[0] == ROLES_ELSEWHERE else "false",
            "true",
            "false",
        ):
            yield Detail("groups-in-wrong-token", name)
