"""What is done later: publish a notification, and deliver one to each subscriber. Repeated until it works."""

from typing import Any

from celery import shared_task
from notifications_api_common.models import NotificationsConfig
from requests import RequestException
from setup_project.standins.models import Abonnement
from zgw_consumers.client import build_client
from zgw_consumers.models import Service

RETRY: dict[str, Any] = {"autoretry_for": (RequestException,), "retry_backoff": 2, "max_retries": 8}


@shared_task(**RETRY)
def publish(message: dict[str, Any]) -> None:
    """To Open Notificaties, by the service that the set-up made."""
    service = NotificationsConfig.get_solo().notifications_api_service
    with build_client(service) as client:
        client.post("notificaties", json=message).raise_for_status()


@shared_task(**RETRY)
def deliver(subscription: int, message: dict[str, Any]) -> None:
    """To one subscriber, as Open Notificaties does: with a service of the subscription's fields."""
    found = Abonnement.objects.get(pk=subscription)
    service = Service(
        api_root=found.callback_url, auth_type=found.auth_type, client_id=found.client_id, secret=found.secret
    )
    with build_client(service) as client:
        client.post(found.callback_url, json=message).raise_for_status()
