"""The few pages of the stand-in. Credentials are judged by the libraries that the components use."""

import json
import os
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException
from setup_project.standins.models import Abonnement, TokenAuth
from vng_api_common.authorizations.middleware import AuthMiddleware

from standin.models import Case, Received
from standin.tasks import deliver, publish

COMPONENT = os.environ["COMPONENT"]
Answer = Callable[[HttpRequest], HttpResponse]


def marked(answer: Answer) -> Answer:
    """Every answer says what gave it."""

    def answered(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        response["X-GGI-Stand-In"] = COMPONENT
        return response

    return answered


def page(request: HttpRequest) -> HttpResponse:
    """`/` and `/admin/`."""
    return HttpResponse(f"A stand-in that plays {COMPONENT}.", content_type="text/plain")


def ready(request: HttpRequest) -> HttpResponse:
    """The database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok")


def live(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok")


def refused(request: HttpRequest) -> HttpResponse | None:
    """None for a caller that the set-up knows: by JWT, or by token."""
    if COMPONENT in ("openklant", "openobject"):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        known = scheme == "Token" and TokenAuth.objects.filter(token=token).exists()
        return None if known else JsonResponse({"code": "not_authenticated"}, status=401)
    AuthMiddleware(lambda _: None)(request)  # type: ignore[arg-type]
    try:
        known = bool(request.jwt_auth.client_id)  # type: ignore[attr-defined]
    except APIException as error:
        return JsonResponse({"code": str(error.get_codes())}, status=403)
    return None if known else JsonResponse({"code": "not_authenticated"}, status=403)


@csrf_exempt
def collection(request: HttpRequest, name: str, path: str = "") -> HttpResponse:
    """A collection of an API: cases are kept and published, other collections are empty."""
    if no := refused(request):
        return no
    if name == "zaken" and request.method == "POST":
        case = Case.objects.create(data=_body(request))
        address = request.build_absolute_uri(f"{request.path.rstrip('/')}/{case.uuid}")
        publish.delay(_message("zaken", address))
        return JsonResponse({"url": address, **case.data}, status=201)
    if name == "notificaties" and request.method == "POST":
        message = _body(request)
        Received.objects.create(what="taken", data=message)
        for subscription in Abonnement.objects.filter(kanalen__naam=message["kanaal"]):
            deliver.delay(subscription.pk, message)
        return JsonResponse(message, status=201)
    if name == "zaken" and path:
        found = Case.objects.filter(uuid=path).first()
        return JsonResponse(found.data, status=200) if found else JsonResponse({"code": "not_found"}, status=404)
    return JsonResponse({"count": 0, "results": []})


@csrf_exempt
def callback(request: HttpRequest) -> HttpResponse:
    """Where notifications are delivered."""
    if no := refused(request):
        return no
    Received.objects.create(what="delivered", data=_body(request))
    return HttpResponse(status=204)


def counts(request: HttpRequest) -> HttpResponse:
    """How much came and went; for tests."""
    found = {what: Received.objects.filter(what=what).count() for what in ("taken", "delivered")}
    return JsonResponse({"component": COMPONENT, "cases": Case.objects.count(), **found})


def _body(request: HttpRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request.body or b"{}")
    return found


def _message(channel: str, address: str) -> dict[str, Any]:
    return {
        "kanaal": channel,
        "hoofdObject": address,
        "resource": "zaak",
        "resourceUrl": address,
        "actie": "create",
        "aanmaakdatum": "2026-01-01T00:00:00Z",
        "kenmerken": {},
    }
