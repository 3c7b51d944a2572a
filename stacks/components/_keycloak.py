"""Keycloak's realm and clients as data: what `_keycloak_configure.sh` brings about through the admin API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ggi.catalogue.component import Context, document
from ggi.catalogue.relation import Auth, Relation
from ggi.catalogue.secrets import SecretRef, SecretText, text
from ggi.catalogue.tls import AUTHORITY

JOB_FOLDER = "/etc/ggi/keycloak"
"""Where the Job finds its files."""
SCRIPT = Path(__file__).with_name("_keycloak_configure.sh")
ADMIN = "ggi-configure"
"""Service account in the realm `master` with which the Job signs in."""
ADMINISTRATORS = "beheerders"
"""Group whose members administer the components; the components look for it in the claim `groups`."""

MINUTE, HOUR, DAY = 60, 3600, 86400

GUARDED: dict[str, Any] = {
    "sslRequired": "all",
    "bruteForceProtected": True,
    "permanentLockout": False,
    "failureFactor": 5,
    "waitIncrementSeconds": MINUTE,
    "maxFailureWaitSeconds": 15 * MINUTE,
    "quickLoginCheckMilliSeconds": 1000,
    "minimumQuickLoginWaitSeconds": MINUTE,
    "maxDeltaTimeSeconds": 12 * HOUR,
    "passwordPolicy": "length(12) and notUsername(undefined) and notEmail(undefined) and passwordHistory(5)",
    "eventsEnabled": True,
    "eventsExpiration": 30 * DAY,
    "eventsListeners": ["jboss-logging"],
    "adminEventsEnabled": True,
    "adminEventsDetailsEnabled": True,
    "registrationAllowed": False,
    "rememberMe": False,
}
"""What holds for our realm and for `master` alike."""


def realm(context: Context) -> dict[str, Any]:
    """The realm of one environment, named as its stack; it holds the people who administer the components."""
    name = context.environment.stack
    result: dict[str, Any] = {
        "realm": name,
        "enabled": True,
        "displayName": f"{context.environment.tenant.name} ({context.environment.name})",
        **GUARDED,
        "resetPasswordAllowed": False,
        "verifyEmail": True,
        "loginWithEmailAllowed": True,
        "duplicateEmailsAllowed": False,
        "editUsernameAllowed": False,
        "defaultSignatureAlgorithm": "RS256",
        # A stolen refresh token works once at most, and its second use ends the session.
        "revokeRefreshToken": True,
        "refreshTokenMaxReuse": 0,
        "accessTokenLifespan": 5 * MINUTE,
        "accessCodeLifespan": MINUTE,
        "accessCodeLifespanLogin": 30 * MINUTE,
        "ssoSessionIdleTimeout": 30 * MINUTE,
        "ssoSessionMaxLifespan": 10 * HOUR,
        "offlineSessionMaxLifespanEnabled": True,
        "offlineSessionMaxLifespan": 90 * DAY,
        "attributes": {"adminEventsExpiration": str(30 * DAY)},
        # All of them or none: when one is said, Keycloak takes zero for those that are not, and with a period of zero
        # nobody can set up a second factor (TimeBasedOTP divides by it; run with 26.7.3). Microsoft Authenticator knows
        # these values only (keycloak/keycloak, MicrosoftAuthenticatorOTPProvider.java, c62168c); an HMAC does not rest
        # on what SHA-1 lacks (RFC 6238, RFC 2104).
        "otpPolicyType": "totp",
        "otpPolicyAlgorithm": "HmacSHA1",
        "otpPolicyInitialCounter": 0,
        "otpPolicyDigits": 6,
        "otpPolicyLookAheadWindow": 1,
        "otpPolicyPeriod": 30,
        "otpPolicyCodeReusable": False,
        "internationalizationEnabled": True,
        "supportedLocales": ["nl", "en"],
        "defaultLocale": "nl",
        "browserSecurityHeaders": {
            "contentSecurityPolicy": "frame-src 'self'; frame-ancestors 'self'; object-src 'none';",
            "referrerPolicy": "no-referrer",
            "strictTransportSecurity": "max-age=31536000; includeSubDomains",
            "xContentTypeOptions": "nosniff",
            "xFrameOptions": "SAMEORIGIN",
            "xRobotsTag": "none",
        },
    }
    if context.environment.cluster.smtp_host:
        result["smtpServer"] = {
            "host": context.environment.cluster.smtp_host,
            "port": "587",
            "starttls": "true",
            "from": f"no-reply@{context.environment.domain}",
        }
    return result


REQUIRED_ACTIONS: dict[str, dict[str, Any]] = {
    # Everyone in this realm is an administrator of something, so everyone sets up a second factor at the first log-in.
    "CONFIGURE_TOTP": {
        "alias": "CONFIGURE_TOTP",
        "name": "Configure OTP",
        "providerId": "CONFIGURE_TOTP",
        "enabled": True,
        "defaultAction": True,
        "priority": 10,
    }
}


def _groups_claim(access_token: bool) -> dict[str, Any]:
    """The names of a person's groups in the ID token, without a path: the components compare them with plain names.

    `access_token`: there too, for a client that looks for roles in that one.
    """
    return {
        "name": "groups",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-group-membership-mapper",
        "config": {
            "claim.name": "groups",
            "full.path": "false",
            "id.token.claim": "true",
            "access.token.claim": "true" if access_token else "false",
            "userinfo.token.claim": "true",
        },
    }


def _client(relation: Relation, client_id: str, host: str) -> dict[str, Any]:
    return {
        "clientId": client_id,
        "name": relation.consumer_title,
        "description": f"ggi: {relation.consumer}",
        "enabled": True,
        "protocol": "openid-connect",
        "publicClient": False,
        "clientAuthenticatorType": "client-secret",
        "standardFlowEnabled": True,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": False,
        "fullScopeAllowed": False,
        # Exact addresses: a wildcard would let an open redirect of the component take the code along.
        "redirectUris": [f"https://{host}{path}" for path in relation.parameters.get("redirects", ())],
        "webOrigins": [],
        "attributes": {"post.logout.redirect.uris": f"https://{host}/##https://{host}/admin/"},
        "defaultClientScopes": ["basic", "profile", "email"],
        "optionalClientScopes": [],
        "protocolMappers": [_groups_claim(bool(relation.parameters.get("access_token")))],
    }


def clients(context: Context) -> dict[str, tuple[dict[str, Any], SecretRef]]:
    """A confidential client per consumer and rotation counter, by client id, with the secret that both ends derive."""
    return {
        credential.client_id: (
            _client(relation, credential.client_id, context.hosts[relation.consumer]),
            credential.secret,
        )
        for relation in context.incoming
        if relation.auth is Auth.OIDC
        for credential in relation.accepted
    }


def admin_secrets(context: Context) -> list[SecretRef]:
    """The secrets of the service account: the current one, then those that may still be set in the database."""
    rotation = context.environment.settings.rotation
    counters = dict.fromkeys((rotation.current, *rotation.accept))
    return [SecretRef("derived", f"{context.name}/{ADMIN}", counter) for counter in counters]


def files(context: Context) -> dict[str, str]:
    """The Job's files that are no secret, by path."""
    name = context.environment.stack
    target = f"server=https://{context.service('server')}\nauthority={AUTHORITY}\nrealm={name}\nadmin={ADMIN}\n"
    result = {
        "configure.sh": SCRIPT.read_text(encoding="utf-8"),
        "target": target,
        "master.json": document(GUARDED),
        "master-client.json": document({"clientId": ADMIN}),
        "realm.json": document(realm(context)),
        f"groups/{ADMINISTRATORS}.json": document({"name": ADMINISTRATORS}),
    }
    result |= {f"actions/{alias}.json": document(action) for alias, action in REQUIRED_ACTIONS.items()}
    result |= {f"clients/{name}.json": document(client) for name, (client, _) in clients(context).items()}
    return {f"{JOB_FOLDER}/{path}": content for path, content in result.items()}


def secret_files(context: Context) -> dict[str, SecretText]:
    """The Job's secrets, by path."""
    result = {f"admin/{index}": text(ref) for index, ref in enumerate(admin_secrets(context))}
    result |= {f"secrets/{name}": text(secret) for name, (_, secret) in clients(context).items()}
    return {f"{JOB_FOLDER}/{path}": content for path, content in result.items()}
