"""What workers do. Deliveries as in open-zaak/open-notificaties a3853ab, src/nrc/api/tasks.py."""

import json
from datetime import timedelta

import requests
from celery import group, shared_task
from django.conf import settings
from django.core.cache import cache
from django.db.models import Q
from django.utils import timezone
from notifications_api_common.exponential_backoff import get_exponential_backoff_interval
from notifications_api_common.models import NotificationsConfig
from zgw_consumers.client import build_client
from zgw_consumers.models import Service

from .models import Abonnement, NotificatieResponse, ScheduledNotification

LOCK = "execute_notifications_lock"


@shared_task
def nothing() -> None:
    """Beat hands this out, so that its health file is touched."""


@shared_task
def execute_notifications() -> None:
    """Hand out the deliveries that are due, and those that somebody began and never ended."""
    if not cache.add(LOCK, "1", timeout=4):
        return
    now = timezone.now()
    lost = now - timedelta(seconds=settings.NOTIFICATION_REQUESTS_TIMEOUT * 10)
    due = Q(in_progress=False, execute_after__lte=now) | Q(in_progress=True, execute_after__lte=lost)
    found = ScheduledNotification.objects.filter(due).order_by("execute_after")[: settings.NOTIFICATION_LIMIT]
    chosen = list(found.values_list("id", flat=True))
    ScheduledNotification.objects.filter(id__in=chosen).update(in_progress=True, execute_after=now)
    if chosen:
        group(deliver.s(number) for number in chosen)()
    cache.delete(LOCK)


@shared_task
def deliver(number: int) -> None:
    """One delivery to one subscriber; when it fails, it is due again later, until there were enough attempts."""
    scheduled = ScheduledNotification.objects.select_related("notificatie", "sub").filter(id=number).first()
    if scheduled is None:
        return
    status, why = _send(scheduled.sub, scheduled.notificatie.forwarded_msg)
    NotificatieResponse.objects.create(
        notificatie=scheduled.notificatie, abonnement=scheduled.sub, response_status=status, exception=why[:1000]
    )
    config = NotificationsConfig.get_solo()
    if not why or scheduled.task_attempt >= config.notification_delivery_max_retries:
        scheduled.delete()
        return
    scheduled.execute_after += timedelta(
        seconds=get_exponential_backoff_interval(
            factor=config.notification_delivery_retry_backoff,
            retries=scheduled.task_attempt,
            maximum=config.notification_delivery_retry_backoff_max,
            base=config.notification_delivery_base_factor,
            full_jitter=False,
        )
    )
    scheduled.task_attempt += 1
    scheduled.in_progress = False
    scheduled.save()


def service_of(abonnement: Abonnement) -> Service:
    """How a subscriber is called: with what its subscription says."""
    return Service(
        api_root=abonnement.callback_url,
        auth_type=abonnement.auth_type,
        header_key="Authorization",
        header_value=abonnement.auth,
        client_id=abonnement.client_id,
        secret=abonnement.secret,
    )


def _send(abonnement: Abonnement, message: object) -> tuple[int | None, str]:
    """The status, and why it is no delivery."""
    try:
        answer = build_client(service_of(abonnement)).post(
            abonnement.callback_url,
            data=json.dumps(message),
            headers={"Content-Type": "application/json"},
            timeout=settings.NOTIFICATION_REQUESTS_TIMEOUT,
        )
    except requests.RequestException as error:
        return None, str(error) or type(error).__name__
    return answer.status_code, "" if answer.ok else f"status {answer.status_code}"
