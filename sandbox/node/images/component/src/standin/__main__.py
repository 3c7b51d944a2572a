"""Prints what `/celery_worker.sh` and its sibling must know: the package that is played, its beat, and its threads."""

from django.conf import settings

from .settings import PLAYED

played = PLAYED[settings.STANDIN]
print(settings.STANDIN, "beat" if played.beat else "-", "threads" if played.threads else "-")  # noqa: T201
