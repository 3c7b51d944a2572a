"""The Celery application, under the name that the image of Open Zaak has for it."""

from standin.celery import app as app
