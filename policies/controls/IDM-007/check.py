"""Endpoints of OpenID Connect are those of the own realm; nonce, signature, scopes and groups are as they should be."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ggi.controls.sdk import Detail, Observation, Verdict, hosts, verdict

ADMINISTRATORS = ["beheerders"]
SIGNATURES = {"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"}
ENDPOINTS = {
    "oidc_op_authorization_endpoint": "auth",
    "oidc_op_token_endpoint": "token",
    "oidc_op_user_endpoint": "userinfo",
    "oidc_op_logout_endpoint": "logout",
    "oidc_op_jwks_endpoint": "certs",
}


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per application that signs administrators in."""
    for name in seen.landscape.order:
        if seen.landscape.components[name].external:
            continue
        uses = seen.landscape.components[name].component.uses
        if "keycloak" not in seen.landscape.order or not any(use.component == "keycloak" for use in uses):
            continue
        environment, setup = seen.config(name, "env") or {}, seen.config(name, "setup") or {}
        if "AUTHN_TYPE" in environment or name.startswith("fsc"):
            wrong = [*_controller(seen, name, environment)]
        else:
            wrong = [*_django(seen, name, json.loads(setup.get("data.yaml") or "{}"))]
        yield verdict(f"{name}/ConfigMap/{'env' if name.startswith('fsc') else 'setup'}", not wrong, wrong)


def _trusted(seen: Observation, address: str, path: str) -> bool:
    """An address of the own realm: the public one, which holds inside as well, or where the inventory says it is."""
    elsewhere = seen.environment.components["keycloak"].external
    public = elsewhere.host if elsewhere else hosts(seen).get("keycloak", "")
    port = elsewhere.port if elsewhere else 443
    parts = urlsplit(address)
    there = parts.scheme == "https" and (parts.hostname, parts.port or 443) == (public, port)
    return there and parts.path == f"/realms/{seen.stack}{path}"


def _django(seen: Observation, name: str, setup: Mapping[str, Any]) -> Iterator[Detail]:
    if setup.get("oidc_db_config_enable") is not True:
        yield Detail("not-configured")
    section = setup.get("oidc_db_config_admin_auth") or {}
    for provider in section.get("providers") or [{}]:
        endpoints = provider.get("endpoint_config") or {}
        for key, last in ENDPOINTS.items():
            if not _trusted(seen, str(endpoints.get(key, "")), f"/protocol/openid-connect/{last}"):
                yield Detail("setting", key)
        sizes = min(provider.get("oidc_nonce_size", 0), provider.get("oidc_state_size", 0))
        if provider.get("oidc_use_nonce") is not True or not 32 <= sizes <= 255:
            yield Detail("nonce-or-state")
    known = {provider.get("identifier") for provider in section.get("providers") or ()}
    for item in section.get("items") or [{}]:
        if item.get("enabled") is not True or item.get("oidc_provider_identifier") not in known:
            yield Detail("provider")
        if not str(item.get("oidc_rp_client_id", "")).startswith(f"{name}-r"):
            yield Detail("client-id")
        if item.get("oidc_rp_sign_algo") not in SIGNATURES or item.get("userinfo_claims_source") != "id_token":
            yield Detail("signature-or-claims")
        if sorted(item.get("oidc_rp_scopes_list") or ()) != ["email", "openid", "profile"]:
            yield Detail("scopes")
        yield from _groups(item.get("options") or {})


def _groups(options: Mapping[str, Any]) -> Iterator[Detail]:
    user, groups = options.get("user_settings") or {}, options.get("groups_settings") or {}
    # A name can be given to somebody else later; `sub` never is.
    if (user.get("claim_mappings") or {}).get("username") != ["sub"] or user.get("username_case_sensitive") is not True:
        yield Detail("user-name-claim")
    if groups.get("claim_mapping") != ["groups"] or groups.get("sync") is not True:
        yield Detail("groups")
    if groups.get("superuser_group_names") != ADMINISTRATORS or groups.get("default_groups") != []:
        yield Detail("administrators")


def _controller(seen: Observation, name: str, environment: Mapping[str, str]) -> Iterator[Detail]:
    wanted = {
        "AUTHN_TYPE": "oidc",
        "AUTHZ_TYPE": "rbac",
        "AUTHN_OIDC_PKCE_ENABLED": "true",
        "AUTHN_OIDC_INSECURE_SKIP_VERIFY_TLS": "false",
        "AUTHN_OIDC_SESSION_COOKIE_SECURE": "true",
        "CSRF_PROTECTION_ENABLED": "true",
        "AUTHN_OIDC_ROLES_CLAIM": "groups",
        "AUTHN_OIDC_ROLES_SCOPE": "profile",
        "AUTHN_OIDC_REDIRECT_URL": f"https://{hosts(seen).get(name, '')}/oidc/callback",
    }
    yield from (Detail("setting", key) for key, value in wanted.items() if environment.get(key) != value)
    if not _trusted(seen, environment.get("AUTHN_OIDC_DISCOVERY_URL", ""), ""):
        yield Detail("setting", "AUTHN_OIDC_DISCOVERY_URL")
    if not environment.get("AUTHN_OIDC_CLIENT_ID", "").startswith(f"{name}-r"):
        yield Detail("setting", "AUTHN_OIDC_CLIENT_ID")
