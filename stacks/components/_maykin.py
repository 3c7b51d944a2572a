"""What the Django components by Maykin have in common: environment, Redis addresses, administration by Keycloak.

Facts: the shared settings are those of maykinmedia/open-api-framework; the step names those of the libraries
django-setup-configuration, zgw-consumers, mozilla-django-oidc-db, notifications-api-common and commonground-api-common.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from ggi.catalogue.component import Probe, Run, Use
from ggi.catalogue.context import Context
from ggi.catalogue.relation import Credential, Relation
from ggi.catalogue.secrets import SecretText, text

from ._postgresql import libpq, login_role, owner

WRITABLE = ("/tmp", "/app/log", "/app/tmp", "/app/media")  # noqa: S108
"""Folders that the images write to; logging opens files in /app/log even when it writes to standard output."""

MIGRATE = Run(
    "migrate", ("/bin/sh", "-c", "/wait_for_db.sh && OTEL_SDK_DISABLED=True python src/manage.py migrate --noinput")
)
SETUP_PATH = "/app/setup_configuration/data.yaml"
CONFIGURE = Run("configure", ("python", "src/manage.py", "setup_configuration", "--yaml-file", SETUP_PATH))

NAMESPACE_UUID = uuid.UUID("6f1a2b34-0f3e-4c5b-9a53-27d9a1c3b7e0")
"""Root of the UUIDs that we choose for configuration records."""


def uses(
    *, cache: int, broker: int, extensions: tuple[str, ...] = (), redirect: str = "/oidc/callback/"
) -> tuple[Use, ...]:
    """A database, two Redis databases (`cache` and `broker` are their numbers) and administration by Keycloak."""
    return (
        Use("postgresql", ("database",), starts_after=True, parameters={"extensions": extensions}),
        Use("redis", ("redis",), starts_after=True, parameters={"databases": {"cache": cache, "broker": broker}}),
        Use("keycloak", ("oidc",), ("web",), optional=True, parameters={"redirects": (redirect,)}),
    )


class Probes(TypedDict):
    """The three probes of a process."""

    startup: Probe
    liveness: Probe
    readiness: Probe


def healthz(port: str = "http", root: str = "/_healthz") -> Probes:
    """The probes of maykin-common. Start-up may take five minutes: the first start checks migrations."""
    return {
        "startup": Probe(port=port, path=f"{root}/", failures=30),
        "liveness": Probe(port=port, path=f"{root}/livez/", failures=10),
        "readiness": Probe(port=port, path=f"{root}/readyz/", failures=5),
    }


def stable_uuid(*parts: str) -> str:
    """A UUID that stays the same for the same words; marked as version 4, which the applications insist on."""
    made = uuid.uuid5(NAMESPACE_UUID, "/".join(parts))
    return str(uuid.UUID(bytes=made.bytes, version=4))


def environment(context: Context, settings_module: str, processes: Iterable[str]) -> dict[str, str]:
    """The environment that is no secret, hardened where the charts' defaults are not."""
    database = context.must("postgresql")
    smtp = context.environment.cluster.smtp_host
    result = {
        "DJANGO_SETTINGS_MODULE": settings_module,
        "ENVIRONMENT": context.environment.name,
        "ALLOWED_HOSTS": ",".join(context.allowed_hosts(*processes)),
        "SITE_DOMAIN": context.host,
        "IS_HTTPS": "True",
        "USE_X_FORWARDED_HOST": "False",
        "NUM_PROXIES": "2",
        "DEBUG": "False",
        "DISABLE_2FA": "False",
        "DB_HOST": database.host,
        "DB_PORT": str(database.port),
        "DB_NAME": owner(database, context),
        "DB_USER": login_role(owner(database, context), context.environment.settings.rotation.current),
        "DB_CONN_MAX_AGE": "60",
        "LOG_LEVEL": "INFO",
        "LOG_STDOUT": "yes",
        "LOG_OUTGOING_REQUESTS_EMIT_BODY": "False",
        "LOG_OUTGOING_REQUESTS_DB_SAVE": "False",
        "LOG_OUTGOING_REQUESTS_DB_SAVE_BODY": "False",
        "CELERY_LOGLEVEL": "INFO",
        "SESSION_COOKIE_AGE": "28800",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SAMESITE": "Strict",
        "CORS_ALLOW_ALL_ORIGINS": "False",
        "OTEL_SDK_DISABLED": "True",
        **libpq(context),
    }
    if smtp:
        result |= {"EMAIL_HOST": smtp, "EMAIL_PORT": "587", "EMAIL_USE_TLS": "True"}
    return result


def secrets(context: Context) -> dict[str, SecretText]:
    """Password, signing key, and the addresses of Redis, which hold a password.

    Caches prefix `redis://` themselves; Celery takes a whole URL. The framework reads the broker from the result
    back end's variable, so both are set to the same.
    """
    database, redis = context.must("postgresql"), context.must("redis")
    credential, login = _credential(redis), _credential(database)
    base = text(f"{credential.client_id}:", credential.secret, f"@{redis.host}:{redis.port}/")
    cache = text(base, str(context.redis_databases["cache"]))
    broker = text("redis://", base, str(context.redis_databases["broker"]))
    return {
        "DB_PASSWORD": text(login.secret),
        "SECRET_KEY": text(context.secret("secret-key")),
        "CACHE_DEFAULT": cache,
        "CACHE_AXES": cache,
        "CELERY_BROKER_URL": broker,
        "CELERY_RESULT_BACKEND": broker,
    }


def admin_oidc(setup: Setup) -> None:
    """Administrators log in with Keycloak. The endpoints are written out, so that the step calls nobody."""
    relation = setup.context.use("keycloak")
    if relation is None:
        return
    credential = _credential(relation)
    realm = (
        f"https://{setup.context.hosts['keycloak']}/realms/{setup.context.environment.stack}/protocol/openid-connect"
    )
    endpoints = {"authorization": "auth", "token": "token", "user": "userinfo", "logout": "logout", "jwks": "certs"}
    provider = {
        "identifier": "keycloak",
        "oidc_use_nonce": True,
        "oidc_nonce_size": 32,
        "oidc_state_size": 32,
        "endpoint_config": {f"oidc_op_{name}_endpoint": f"{realm}/{path}" for name, path in endpoints.items()},
    }
    item = {
        "identifier": "admin-oidc",
        "enabled": True,
        "oidc_rp_client_id": credential.client_id,
        "oidc_rp_client_secret": setup.value_from("oidc_client_secret", text(credential.secret)),
        "oidc_rp_scopes_list": ["openid", "email", "profile"],
        "oidc_rp_sign_algo": "RS256",
        "oidc_provider_identifier": "keycloak",
        "userinfo_claims_source": "id_token",
        "options": {
            "user_settings": {
                "claim_mappings": {
                    "username": ["sub"],
                    "email": ["email"],
                    "first_name": ["given_name"],
                    "last_name": ["family_name"],
                },
                "username_case_sensitive": True,
            },
            "groups_settings": {
                "claim_mapping": ["groups"],
                "sync": True,
                "sync_pattern": "*",
                "default_groups": [],
                "make_users_staff": True,
                "superuser_group_names": ["beheerders"],
            },
        },
    }
    setup.step("oidc_db_config_enable", "oidc_db_config_admin_auth", {"providers": [provider], "items": [item]})


def notifications(setup: Setup, relation: Relation | None) -> None:
    """Publish to Open Notificaties, with retries: a message must survive a restart of the other side."""
    if relation is None:
        return
    setup.zgw_service(relation, "notificaties", "notificaties-api")
    setup.step(
        "notifications_config_enable",
        "notifications_config",
        {
            "notifications_api_service_identifier": "notificaties-api",
            "notification_delivery_max_retries": 5,
            "notification_delivery_retry_backoff": 3,
            "notification_delivery_retry_backoff_max": 48,
        },
    )


def _credential(relation: Relation) -> Credential:
    if relation.credential is None:
        raise ValueError(f"{relation.id} has no credential")
    return relation.credential


class Setup:
    """Collects the document for django-setup-configuration and the secrets that it reads from its environment."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.document: dict[str, Any] = {}
        self.secrets: dict[str, SecretText] = {}
        self.services: list[dict[str, Any]] = []

    def value_from(self, name: str, value: SecretText) -> dict[str, Any]:
        """A reference to an environment variable, which this adds."""
        key = name.upper().replace("-", "_")
        self.secrets[key] = value
        return {"value_from": {"env": key}}

    def step(self, flag: str, namespace: str, content: Mapping[str, Any]) -> None:
        """Switch a step on; an unknown flag is silently nothing, so steps are only written here and tested by use."""
        self.document[flag] = True
        self.document[namespace] = dict(content)

    def zgw_service(self, relation: Relation, api: str, identifier: str) -> None:
        """A service of zgw-consumers that signs a JWT."""
        credential, found = _credential(relation), next(a for a in relation.apis if a.name == api)
        self.services.append(
            {
                "identifier": identifier,
                "label": found.title or api,
                "api_root": relation.url(api),
                "api_type": found.api_type,
                "auth_type": "zgw",
                "client_id": credential.client_id,
                "secret": self.value_from(f"{relation.provider}_secret", text(credential.secret)),
                "user_id": credential.client_id,
                "user_representation": self.context.component.title,
            }
        )

    def token_service(self, relation: Relation, api: str, identifier: str) -> None:
        """A service of zgw-consumers that sends `Authorization: Token …`."""
        credential, found = _credential(relation), next(a for a in relation.apis if a.name == api)
        self.services.append(
            {
                "identifier": identifier,
                "label": found.title or api,
                "api_root": relation.url(api),
                "api_type": found.api_type or "orc",
                "auth_type": "api_key",
                "header_key": "Authorization",
                "header_value": self.value_from(
                    f"{relation.provider}_authorization", text("Token ", credential.secret)
                ),
            }
        )

    def jwt_credentials(self, relations: Iterable[Relation]) -> None:
        """The provider's side of JWT relations: client ids and secrets, old and new ones during a rotation."""
        items = [
            {"identifier": c.client_id, "secret": self.value_from(f"accept_{c.client_id}", text(c.secret))}
            for relation in relations
            for c in relation.accepted
        ]
        if items:
            self.step("vng_api_common_credentials_config_enable", "vng_api_common_credentials", {"items": items})

    def finish(self) -> dict[str, Any]:
        """The document, services first."""
        if self.services:
            services = {"services": self.services}
            return {"zgw_consumers_config_enable": True, "zgw_consumers": services, **self.document}
        return self.document
