"""Settings as the components have them where it matters: database, caches, queue and hosts from the environment."""

import os

os.environ.setdefault("DATABASE", os.environ["DB_NAME"])
os.environ.setdefault("DATABASE_HOST", os.environ["DB_HOST"])

from setup_project.settings import *  # noqa: F403
from setup_project.settings import INSTALLED_APPS as _APPS

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **{key: os.environ[f"DB_{key}"] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")},
        "CONN_MAX_AGE": int(os.environ.get("DB_CONN_MAX_AGE", "0")),
    }
}
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        # The images write the scheme themselves (open_api_framework/conf/base.py).
        "LOCATION": f"redis://{os.environ['CACHE_DEFAULT']}",
    }
}
CELERY_BROKER_URL = os.environ.get("CELERY_RESULT_BACKEND") or os.environ["CELERY_BROKER_URL"]
CELERY_RESULT_BACKEND = CELERY_BROKER_URL
CELERY_TASK_ACKS_LATE = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
INSTALLED_APPS = [*_APPS, "standin"]
MIDDLEWARE = ["standin.views.marked"]
ROOT_URLCONF = "standin.urls"
WSGI_APPLICATION = "standin.wsgi.application"
STATIC_URL = "/static/"
LOGGING_CONFIG = None
