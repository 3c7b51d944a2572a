"""Settings of each component: the variables that its image reads, its own list of set-up steps, and its libraries.

Names and defaults: maykinmedia/open-api-framework 0.14.0 (caf2f14, open_api_framework/conf/base.py),
open-formulieren/open-forms 5e58131 (openforms/conf/base.py), open-zaak/open-notificaties a3853ab (nrc/conf/includes/).
"""

import logging.config
import os
import sys
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import structlog

BASE = Path(__file__).resolve().parents[2]
"""/app in the image."""

SITES = "django_setup_configuration.contrib.sites.steps.SitesConfigurationStep"
OIDC = "mozilla_django_oidc_db.setup_configuration.steps.AdminOIDCConfigurationStep"
SERVICES = "zgw_consumers.contrib.setup_configuration.steps.ServiceConfigurationStep"
CREDENTIALS = "vng_api_common.contrib.setup_configuration.steps.JWTSecretsConfigurationStep"
APPLICATIONS = "vng_api_common.contrib.setup_configuration.steps.ApplicatieConfigurationStep"
NOTIFICATIONS = "notifications_api_common.contrib.setup_configuration.steps.NotificationConfigurationStep"
SUBSCRIPTIONS = "notifications_api_common.contrib.setup_configuration.steps.NotificationSubscriptionConfigurationStep"
OWN = "standin.steps"


@dataclass(frozen=True)
class Played:
    """A component that this project can play.

    `steps` is its SETUP_CONFIGURATION_STEPS, in its order; those that exist only inside an image are replaced. `token`:
    callers show a token, not a JWT. `framework`: its settings are those of open-api-framework. `maykin`: its processes
    have the health checks of maykin-common, the others a heartbeat file of their own. `beat`: its image has
    /celery_beat.sh. `threads`: its worker has threads, not processes. `oidc` is where its log-in comes back to.
    """

    title: str
    steps: tuple[str, ...]
    token: bool = False
    framework: bool = True
    maykin: bool = True
    beat: bool = True
    threads: bool = False
    oidc: str = "oidc/"


PLAYED = {
    "openzaak": Played(
        "Open Zaak", (SITES, OIDC, SERVICES, f"{OWN}.Selectielijst", CREDENTIALS, APPLICATIONS, NOTIFICATIONS)
    ),
    "nrc": Played(
        "Open Notificaties",
        (
            OIDC,
            SERVICES,
            f"{OWN}.AutorisatiesApi",
            CREDENTIALS,
            f"{OWN}.Kanalen",
            NOTIFICATIONS,
            SUBSCRIPTIONS,
            f"{OWN}.Abonnementen",
            SITES,
        ),
        maykin=False,
        threads=True,
    ),
    "openklant": Played(
        "Open Klant",
        (SERVICES, NOTIFICATIONS, f"{OWN}.TokenAuthOpenKlant", OIDC, f"{OWN}.Referentielijsten"),
        token=True,
        beat=False,
    ),
    "objects": Played(
        "Open Object",
        (SERVICES, NOTIFICATIONS, OIDC, f"{OWN}.Objecttypes", f"{OWN}.TokenAuthOpenObject"),
        token=True,
        maykin=False,
        beat=False,
    ),
    "openforms": Played(
        "Open Formulieren",
        (OIDC, SERVICES, f"{OWN}.ObjectsApi", f"{OWN}.ZgwApi"),
        framework=False,
        oidc="auth/oidc/",
    ),
}
"""By the name of the package with the settings. Steps: those of Open Zaak 1.30, Open Notificaties 1.16, Open Klant
2.18, Open Object 4.0 and Open Formulieren 3.5. Health: their celery.py or celery/app.py. Files: their Dockerfile."""


def _true(name: str, default: str = "False") -> bool:
    return os.environ.get(name, default).lower() in ("true", "yes", "1", "on")


def _caches() -> dict[str, Any]:
    """Redis; without an address (the tests that only run the steps) the memory of the process."""
    address = os.environ.get("CACHE_DEFAULT")
    if not address:
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    redis = {"BACKEND": "django_redis.cache.RedisCache"}
    axes = os.environ.get("CACHE_AXES", address)
    return {
        "default": {**redis, "LOCATION": f"redis://{address}"},
        "axes": {**redis, "LOCATION": f"redis://{axes}"},
        "oidc": {**redis, "LOCATION": f"redis://{address}"},
    }


def _database() -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["DB_NAME"],
        "USER": os.environ["DB_USER"],
        "PASSWORD": os.environ.get("DB_PASSWORD", ""),
        "HOST": os.environ.get("DB_HOST", "db"),
        "PORT": os.environ.get("DB_PORT", "5432"),
        "CONN_MAX_AGE": int(os.environ.get("DB_CONN_MAX_AGE", "0")),
    }


def _broker(name: str, played: Played) -> str:
    """The framework reads the broker from the variable of the results; others have their own for it."""
    results = os.environ.get("CELERY_RESULT_BACKEND", "redis://localhost:6379/1")
    if name in ("nrc", "objects") or not played.framework:
        return os.environ.get("CELERY_BROKER_URL", results)
    return results


def _schedule(name: str, interval: int) -> dict[str, Any]:
    """What beat starts: in Open Notificaties the deliveries, elsewhere anything, so that its file is touched."""
    if name == "nrc":
        entry = {"schedule": timedelta(seconds=interval), "options": {"expires": interval - 1}}
        return {"execute-notifications": {"task": "standin.tasks.execute_notifications", **entry}}
    return {"nothing": {"task": "standin.tasks.nothing", "schedule": timedelta(seconds=60)}}


def _extra() -> list[str]:
    """Apps for serving: the developers' environment, which only runs the steps, has none of these (Python 3.11)."""
    return ["health_check", "maykin_common.health_checks.celery"] if find_spec("maykin_common") else []


def trust_extra_certificates() -> None:
    """EXTRA_VERIFY_CERTS, as the images of Open Zaak, Open Notificaties and Open Formulieren do it: by self-certifi."""
    if os.environ.get("EXTRA_VERIFY_CERTS") and not os.environ.get("REQUESTS_CA_BUNDLE"):
        import tempfile

        from self_certifi import load_self_signed_certs

        load_self_signed_certs(tempfile.mkdtemp())


def of(name: str) -> dict[str, Any]:
    """The settings of one component. Raises KeyError for a variable that its image insists on."""
    played = PLAYED[name]
    if name in ("openzaak", "nrc", "openforms"):
        trust_extra_certificates()
    interval = max(5, int(os.environ.get("NOTIFICATION_SEC_INTERVAL", "20")))
    level = os.environ.get("LOG_LEVEL", "INFO")
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
    )
    broker = _broker(name, played)
    private = BASE / ("private_media" if name == "openforms" else "private-media")
    logging.captureWarnings(True)
    return {
        "STANDIN": name,
        "BASE_DIR": BASE,
        "SECRET_KEY": os.environ["SECRET_KEY"],
        "ALLOWED_HOSTS": os.environ["ALLOWED_HOSTS"].split(","),
        "DEBUG": _true("DEBUG"),
        "USE_TZ": True,
        "DEFAULT_AUTO_FIELD": "django.db.models.AutoField",
        "DATABASES": {"default": _database()},
        "CACHES": _caches(),
        "INSTALLED_APPS": [
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
            "django.contrib.sites",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "standin",
            "django.contrib.admin",
            "rest_framework",
            "django_jsonform",
            "solo",
            "privates",
            "simple_certmanager",
            "mozilla_django_oidc",
            "mozilla_django_oidc_db",
            "zgw_consumers",
            "notifications_api_common",
            "vng_api_common",
            "vng_api_common.authorizations",
            "django_setup_configuration",
            *_extra(),
        ],
        "MIDDLEWARE": [
            "standin.middleware.SayWhatThisIs",
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "vng_api_common.authorizations.middleware.AuthMiddleware",
            "mozilla_django_oidc_db.middleware.SessionRefresh",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        "ROOT_URLCONF": "standin.urls",
        "SITE_ID": 1,
        "STATIC_URL": "/static/",
        "STATIC_ROOT": str(BASE / "static"),
        "MEDIA_ROOT": str(BASE / "media"),
        "MEDIA_URL": "/media/",
        "SENDFILE_ROOT": str(private),
        "SENDFILE_URL": "/private-media/",
        "SENDFILE_BACKEND": "django_sendfile.backends.nginx",
        "STORAGES": {
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
            "privates": {
                "BACKEND": "django.core.files.storage.FileSystemStorage",
                "OPTIONS": {"location": str(private), "base_url": "/private-media/"},
            },
        },
        "FORCE_SCRIPT_NAME": None,
        # Behind a proxy that says so, addresses in answers are https.
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
        "USE_X_FORWARDED_HOST": _true("USE_X_FORWARDED_HOST"),
        "SESSION_COOKIE_SECURE": _true("IS_HTTPS", "True"),
        "CSRF_COOKIE_SECURE": _true("IS_HTTPS", "True"),
        "SESSION_COOKIE_AGE": int(os.environ.get("SESSION_COOKIE_AGE", "1209600")),
        "AUTHENTICATION_BACKENDS": [
            "mozilla_django_oidc_db.backends.OIDCAuthenticationBackend",
            "django.contrib.auth.backends.ModelBackend",
        ],
        "OIDC_AUTHENTICATE_CLASS": "mozilla_django_oidc_db.views.OIDCAuthenticationRequestView",
        "OIDC_CALLBACK_CLASS": "mozilla_django_oidc_db.views.OIDCCallbackView",
        "LOGIN_REDIRECT_URL": "/admin/",
        "LOGOUT_REDIRECT_URL": "/admin/",
        "REST_FRAMEWORK": _api(played),
        "TIME_LEEWAY": 0,
        "JWT_EXPIRY": 3600,
        "SITE_DOMAIN": os.environ.get("SITE_DOMAIN", ""),
        "NOTIFICATIONS_DISABLED": _true("NOTIFICATIONS_DISABLED"),
        "NOTIFICATION_REQUESTS_TIMEOUT": int(os.environ.get("NOTIFICATION_REQUESTS_TIMEOUT", "10")),
        "NOTIFICATION_LIMIT": int(os.environ.get("NOTIFICATION_LIMIT", "500")),
        "DEFAULT_NOTIFICATIONS_HANDLER": "standin.notifications.received",
        "CELERY_BROKER_URL": broker,
        "CELERY_RESULT_BACKEND": os.environ.get("CELERY_RESULT_BACKEND", broker),
        "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP": True,
        "CELERY_BEAT_SCHEDULE": _schedule(name, interval),
        "MKN_HEALTH_CHECKS_BEAT_LIVENESS_FILE": BASE / "tmp" / "celery_beat.live",
        "MKN_HEALTH_CHECKS_WORKER_EVENT_LOOP_LIVENESS_FILE": BASE / "tmp" / "celery_worker_event_loop.live",
        "MKN_HEALTH_CHECKS_WORKER_READINESS_FILE": BASE / "tmp" / "celery_worker.ready",
        "LOGGING": {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"console": {"class": "logging.StreamHandler"}},
            "root": {"handlers": ["console"], "level": level},
        },
        "SETUP_CONFIGURATION_STEPS": list(played.steps),
    }


def _api(played: Played) -> dict[str, Any]:
    """The ZGW components speak camelCase to callers with a JWT; the others look their tokens up."""
    common = {
        "EXCEPTION_HANDLER": "vng_api_common.exception_handling.exception_handler",
        "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
        "PAGE_SIZE": 100,
    }
    if played.token:
        return common | {
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
            "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
            "DEFAULT_AUTHENTICATION_CLASSES": ["standin.tokens.TokenAuthentication"],
            "DEFAULT_PERMISSION_CLASSES": ["standin.tokens.HasToken"],
        }
    return common | {
        "DEFAULT_RENDERER_CLASSES": ["djangorestframework_camel_case.render.CamelCaseJSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["djangorestframework_camel_case.parser.CamelCaseJSONParser"],
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": ["vng_api_common.permissions.AuthScopesRequired"],
    }
