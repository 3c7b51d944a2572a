"""Self-registration and the like are off, TLS is asked for, tokens are signed well, pages and mail are protected."""

from collections.abc import Iterator, Mapping
from typing import Any

from ggi.controls.sdk import REALM_SUBJECT as SUBJECT
from ggi.controls.sdk import Detail, Observation, Verdict, realm, verdict

BOTH: Mapping[str, Any] = {"sslRequired": "all", "registrationAllowed": False, "rememberMe": False}
OWN: Mapping[str, Any] = {
    "enabled": True,
    "resetPasswordAllowed": False,
    "verifyEmail": True,
    "duplicateEmailsAllowed": False,
    "editUsernameAllowed": False,
    "otpPolicyCodeReusable": False,
    "otpPolicyType": "totp",
}
SIGNATURES = {"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA"}
HEADERS: Mapping[str, tuple[str, ...]] = {
    "contentSecurityPolicy": ("frame-src 'self'", "frame-ancestors 'self'", "object-src 'none'"),
    "strictTransportSecurity": ("max-age=31536000",),
    "xContentTypeOptions": ("nosniff",),
    "xFrameOptions": ("SAMEORIGIN",),
    "referrerPolicy": ("no-referrer",),
    "xRobotsTag": ("none",),
}


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about what Keycloak is told."""
    found = realm(seen)
    if found is None:
        return
    bad = [Detail("realm-setting", f"master {what}") for what in _unlike(found.master, BOTH)]
    bad += [Detail("setting", what) for what in _unlike(found.own, {**BOTH, **OWN})]
    bad += _rest(seen, found.own)
    yield verdict(SUBJECT, not bad, bad or Detail("closed"))


def _unlike(settings: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    return [f"{key} {settings.get(key)}" for key, value in wanted.items() if settings.get(key) != value]


def _rest(seen: Observation, own: Mapping[str, Any]) -> Iterator[Detail]:
    if own.get("realm") != seen.stack:
        yield Detail("realm-name")
    if own.get("defaultSignatureAlgorithm") not in SIGNATURES:
        yield Detail("setting", f"defaultSignatureAlgorithm {own.get('defaultSignatureAlgorithm')}")
    if own.get("otpPolicyAlgorithm") not in ("HmacSHA1", "HmacSHA256", "HmacSHA512"):
        yield Detail("setting", f"otpPolicyAlgorithm {own.get('otpPolicyAlgorithm')}")
    if not 6 <= own.get("otpPolicyDigits", 0) <= 8:
        yield Detail("setting", f"otpPolicyDigits {own.get('otpPolicyDigits')}")
    # Not said, it is zero, and nobody can set up a second factor; longer, and a code that was seen is of use for long.
    if not 30 <= own.get("otpPolicyPeriod", 0) <= 60:
        yield Detail("setting", f"otpPolicyPeriod {own.get('otpPolicyPeriod')}")
    if not 0 <= own.get("otpPolicyLookAheadWindow", 0) <= 1:
        yield Detail("setting", f"otpPolicyLookAheadWindow {own.get('otpPolicyLookAheadWindow')}")
    headers = own.get("browserSecurityHeaders") or {}
    for key, parts in HEADERS.items():
        said = {item.strip() for item in str(headers.get(key, "")).split(";")}
        if not said.issuperset(parts):
            yield Detail("header", key)
    mail = own.get("smtpServer")
    if seen.environment.cluster.smtp_host:
        mail = mail or {}
        if mail.get("host") != seen.environment.cluster.smtp_host or mail.get("starttls") != "true":
            yield Detail("mail-without-starttls")
        if str(mail.get("port")) not in {str(port) for port in _ports(seen)}:
            yield Detail("mail-port")
        if not str(mail.get("from", "")).endswith(f"@{seen.environment.domain}"):
            yield Detail("mail-sender")


def _ports(seen: Observation) -> list[int]:
    smtp = seen.environment.cluster.smtp
    return list(smtp.ports) if smtp is not None else []
