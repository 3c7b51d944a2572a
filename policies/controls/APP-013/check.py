"""Settings of applications and of the libraries below them that switch a protection off, in ConfigMaps and in pods."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ggi.controls.sdk import Detail, Observation, Subject, Verdict, containers, verdict

OFF = r"(?i:false|0|no|off|n|f|)"
ON = r"(?i:true|1|yes|on|y|t)"
EVERYONE = r".*(\.\*|\.\+|\[\^?/?\]\*).*"
"""An expression that any address fits: `.*`, `https?://.*`."""
FORBIDDEN: tuple[tuple[str, str], ...] = (
    # django-axes, configuration: without it, passwords can be guessed for ever.
    ("AXES_ENABLED", OFF),
    ("AXES_FAILURE_LIMIT", r"[0-9]{4,}"),
    # django-cors-headers: which sites may read along in a browser.
    ("CORS_ALLOW_ALL_ORIGINS", ON),
    ("CORS_ORIGIN_ALLOW_ALL", ON),
    ("CORS_ALLOWED_ORIGIN_REGEXES", EVERYONE),
    ("CORS_ORIGIN_REGEX_WHITELIST", EVERYONE),
    ("CORS_ALLOWED_ORIGINS", r".*\*.*"),
    ("CSRF_TRUSTED_ORIGINS", r".*://\*(,.*|$)"),
    ("ALLOWED_HOSTS", r"(.*,)?\s*\*\s*(,.*)?"),
    # Django, settings on security.
    ("SESSION_COOKIE_SECURE", OFF),
    ("CSRF_COOKIE_SECURE", OFF),
    ("SESSION_COOKIE_HTTPONLY", OFF),
    ("IS_HTTPS", OFF),
    ("DEBUG", ON),
    ("DISABLE_2FA", ON),
    ("LOG_REQUESTS", ON),
    # libpq, "Database Connection Control Functions": below verify-full the server can be anybody.
    ("(PGSSLMODE|DB_SSLMODE|POSTGRES_SSLMODE)", r"(?i:disable|allow|prefer|require|verify-ca)"),
    # Python, Node and curl: certificates are not looked at.
    ("PYTHONHTTPSVERIFY", OFF),
    ("NODE_TLS_REJECT_UNAUTHORIZED", OFF),
    ("(CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE)", r""),
    ("GIT_SSL_NO_VERIFY", ".+"),
    # Keycloak, all configuration.
    ("KC_HOSTNAME_STRICT", OFF),
    ("KC_HTTP_ENABLED", ON),
    ("KC_SPI_TRUSTSTORE_FILE_HOSTNAME_VERIFICATION_POLICY", "(?i:any)"),
    ("KC_TLS_HOSTNAME_VERIFIER", "(?i:any)"),
    ("PYTHONDEVMODE|PYTHONINSPECT", ".+"),
)
"""Name and value, both as expressions for the whole."""


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per object with settings."""
    for subject in seen.of("ConfigMap", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"):
        settings = dict(_settings(subject))
        if settings:
            wrong = sorted(f"{name}={value}" for name, value in settings.items() if off(name, value))
            yield verdict(subject.name, not wrong, [Detail("setting", s) for s in wrong] or Detail("as-it-should-be"))


def off(name: str, value: str) -> bool:
    """Whether this setting switches a protection off."""
    return any(re.fullmatch(known, name) and re.fullmatch(bad, value, re.S) for known, bad in FORBIDDEN)


def _settings(subject: Subject) -> Iterator[tuple[str, str]]:
    if subject.kind == "ConfigMap":
        data: Mapping[str, Any] = subject.body.get("data") or {}
        yield from ((key, str(value)) for key, value in data.items() if re.fullmatch("[A-Z][A-Z0-9_]*", key))
        return
    for container in containers(subject.pod or {}):
        for entry in container.get("env") or ():
            if "value" in entry:
                yield str(entry.get("name")), str(entry["value"])
