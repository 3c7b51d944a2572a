"""Open Formulieren: reads what its services offer, as its registration back ends do."""

from typing import Any

import requests
from django.http import HttpRequest, JsonResponse
from zgw_consumers.client import build_client
from zgw_consumers.models import Service

COLLECTIONS = {
    "zaken-api": "zaken",
    "documenten-api": "enkelvoudiginformatieobjecten",
    "catalogi-api": "zaaktypen",
    "objecten-api": "objects",
    "klantinteracties-api": "partijen",
}
"""What is read of each service, by its identifier."""


def services(_: HttpRequest) -> JsonResponse:
    """The status that each service answers with, or why it does not answer.

    A migration of commonground-api-common makes a service of its own, which the original has not.
    """
    found = Service.objects.filter(slug__in=COLLECTIONS).order_by("slug")
    return JsonResponse({service.slug: _asked(service) for service in found})


def _asked(service: Service) -> Any:
    try:
        with build_client(service) as client:
            headers = {"Accept-Crs": "EPSG:4326"}
            return client.get(COLLECTIONS[service.slug], headers=headers, timeout=10).status_code
    except requests.RequestException as error:
        return str(error)
