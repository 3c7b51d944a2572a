"""Keycloak's own settings: address, proxy headers, log, health, database; and where its configuration Job goes."""

from collections.abc import Iterator

from ggi.controls.sdk import REALM_SUBJECT as SUBJECT
from ggi.controls.sdk import Detail, Observation, Verdict, hosts, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about the server, one about the Job that configures it."""
    data = seen.config("keycloak", "env")
    if data is None:
        return
    wanted = {
        "KC_HOSTNAME": f"https://{hosts(seen).get('keycloak', '')}",
        "KC_PROXY_HEADERS": "xforwarded",
        "KC_DB": "postgres",
        "KC_LOG": "console",
        "KC_LOG_CONSOLE_OUTPUT": "json",
        "KC_HEALTH_ENABLED": "true",
        "KC_METRICS_ENABLED": "true",
        "KC_HTTP_ENABLED": "false",
        "KC_CACHE": "ispn",
        "KC_BOOTSTRAP_ADMIN_CLIENT_ID": "ggi-configure",
    }
    wrong = [key for key, value in wanted.items() if data.get(key) != value]
    wrong += sorted(
        key
        for key in data
        if key.startswith(("KC_HOSTNAME_STRICT", "KC_HOSTNAME_BACKCHANNEL", "KC_FEATURES", "KC_SPI"))
    )
    told = [Detail("setting", key) for key in wrong] or Detail("address", wanted["KC_HOSTNAME"])
    yield verdict("keycloak/ConfigMap/env", not wrong, told)
    files = seen.config("keycloak", "configure-files") or {}
    target = dict(line.partition("=")[::2] for line in files.get("etc_ggi_keycloak_target", "").splitlines())
    server = f"https://keycloak-server.{seen.environment.namespace}.svc"
    wanted_target = {
        "server": server,
        "authority": "/etc/ggi/internal/ca.crt",
        "realm": seen.stack,
        "admin": wanted["KC_BOOTSTRAP_ADMIN_CLIENT_ID"],
    }
    right = target == wanted_target
    yield verdict(SUBJECT, right, () if right else Detail("configured-elsewhere"))
