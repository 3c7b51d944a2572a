"""Settings with which the step libraries run; the steps are those that each component lists in its own settings."""

import os
import sys

import structlog

SECRET_KEY = "only for tests"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["DATABASE"],
        "USER": "postgres",
        "HOST": os.environ["DATABASE_HOST"],
    }
}
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.messages",
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
    "setup_project.standins",
]
MIDDLEWARE: list[str] = []
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
ROOT_URLCONF = "setup_project.urls"
SITE_ID = 1
OIDC_CALLBACK_CLASS = "mozilla_django_oidc_db.views.OIDCAuthenticationCallbackView"
# vng_api_common's own defaults (vng_api_common.conf.api).
TIME_LEEWAY = 0
JWT_EXPIRY = 3600

SITES = "django_setup_configuration.contrib.sites.steps.SitesConfigurationStep"
OIDC = "mozilla_django_oidc_db.setup_configuration.steps.AdminOIDCConfigurationStep"
SERVICES = "zgw_consumers.contrib.setup_configuration.steps.ServiceConfigurationStep"
CREDENTIALS = "vng_api_common.contrib.setup_configuration.steps.JWTSecretsConfigurationStep"
APPLICATIONS = "vng_api_common.contrib.setup_configuration.steps.ApplicatieConfigurationStep"
NOTIFICATIONS = "notifications_api_common.contrib.setup_configuration.steps.NotificationConfigurationStep"
SUBSCRIPTIONS = "notifications_api_common.contrib.setup_configuration.steps.NotificationSubscriptionConfigurationStep"
OWN = "setup_project.standins.steps"

STEPS = {
    "openzaak": [SITES, OIDC, SERVICES, f"{OWN}.Selectielijst", CREDENTIALS, APPLICATIONS, NOTIFICATIONS],
    "opennotificaties": [
        OIDC,
        SERVICES,
        f"{OWN}.AutorisatiesApi",
        CREDENTIALS,
        f"{OWN}.Kanalen",
        NOTIFICATIONS,
        SUBSCRIPTIONS,
        f"{OWN}.Abonnementen",
        SITES,
    ],
    "openklant": [SERVICES, NOTIFICATIONS, f"{OWN}.TokenAuthOpenKlant", OIDC, f"{OWN}.Referentielijsten"],
    "openobject": [SERVICES, NOTIFICATIONS, OIDC, f"{OWN}.Objecttypes", f"{OWN}.TokenAuthOpenObject"],
    "openformulieren": [OIDC, SERVICES, f"{OWN}.ObjectsApi", f"{OWN}.ZgwApi"],
}
"""SETUP_CONFIGURATION_STEPS of Open Zaak 1.30, Open Notificaties 1.16, Open Klant 2.18, Open Object 4.0 and Open
Formulieren 3.5, in their order; steps that exist only inside an image are replaced by stand-ins."""
SETUP_CONFIGURATION_STEPS = STEPS[os.environ["COMPONENT"]]

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
