"""The queue: Celery over the Redis of the landscape, with the files that the probes of maykin-common look at."""

import os
import pathlib
import threading
import time

import django
from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "standin.settings")
django.setup()
app = Celery("standin")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["standin"])

FOLDER = pathlib.Path("/app/tmp")
PULSE = 15


@signals.worker_ready.connect
def ready(**_: object) -> None:
    """The worker takes tasks: say so, and go on saying that it lives."""
    (FOLDER / "celery_worker.ready").touch()
    threading.Thread(target=_pulse, args=("celery_worker_event_loop.live",), daemon=True).start()


@signals.worker_shutdown.connect
def gone(**_: object) -> None:
    """It takes no more."""
    (FOLDER / "celery_worker.ready").unlink(missing_ok=True)


@signals.beat_init.connect
def beats(**_: object) -> None:
    """The scheduler lives."""
    threading.Thread(target=_pulse, args=("celery_beat.live",), daemon=True).start()


def _pulse(name: str) -> None:
    while True:
        (FOLDER / name).touch()
        time.sleep(PULSE)
