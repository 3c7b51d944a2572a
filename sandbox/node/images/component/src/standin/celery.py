"""The Celery application: its steps are those with which each image shows that a worker lives."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from celery import Celery, bootsteps
from celery.signals import task_failure, task_success, worker_ready, worker_shutdown
from django.conf import settings

from .settings import PLAYED

app = Celery("standin")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["standin", "notifications_api_common"])

HEARTBEAT, READY = "celery_worker_heartbeat", "celery_worker_ready"
"""Files below /app/tmp (open-zaak/open-notificaties a3853ab, nrc/celery.py and bin/check_celery_worker_liveness.py)."""
SECONDS = 10.0
"""Between two touches (the same)."""
PUBLISH = "notifications_api_common.tasks.send_notification"


class Heartbeat(bootsteps.StartStopStep):
    """Touches a file as long as the event loop turns."""

    requires = {"celery.worker.components:Timer"}

    def start(self, parent: Any) -> None:
        parent.timer.call_repeatedly(SECONDS, _file(HEARTBEAT).touch, priority=10)

    def stop(self, parent: Any) -> None:
        _file(HEARTBEAT).unlink(missing_ok=True)


def _file(name: str) -> Path:
    return Path(settings.BASE_DIR, "tmp", name)


def _ready(**_: Any) -> None:
    _file(READY).touch()


def _gone(**_: Any) -> None:
    _file(READY).unlink(missing_ok=True)


if PLAYED[settings.STANDIN].maykin and find_spec("maykin_common"):
    from maykin_common.health_checks.celery.probes import EventLoopProbe

    app.steps["worker"].add(EventLoopProbe)
elif not PLAYED[settings.STANDIN].maykin:
    app.steps["worker"].add(Heartbeat)
    worker_ready.connect(_ready)
    worker_shutdown.connect(_gone)


@task_success.connect
def _published(sender: Any = None, **_: Any) -> None:
    _count(sender, "sent")


@task_failure.connect
def _gave_up(sender: Any = None, **_: Any) -> None:
    _count(sender, "failed")


def _count(task: Any, outcome: str) -> None:
    """Remember that a notification was published, or given up after all retries."""
    from .models import Publication

    if task is not None and task.name == PUBLISH:
        Publication.objects.create(outcome=outcome)
