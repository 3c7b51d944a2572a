"""The paths of the component that is played, and two of the stand-in's own below /standin/."""

from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from mozilla_django_oidc_db.views import AdminLoginFailure
from rest_framework.routers import SimpleRouter

from .models import (
    Notificatie,
    NotificatieResponse,
    Object,
    Partij,
    Publication,
    Reception,
    ScheduledNotification,
    Zaak,
)
from .settings import PLAYED

PLAY = PLAYED[settings.STANDIN]
admin.site.site_header = f"{PLAY.title} (stand-in)"


def home(_: HttpRequest) -> HttpResponse:
    """A page for people."""
    return HttpResponse(f"<h1>{PLAY.title}</h1><p>A stand-in: only its relations are real. <a href='/admin/'>admin</a>")


def counts(_: HttpRequest) -> JsonResponse:
    """What was kept, published, passed on and received here; nothing that anybody wrote."""
    attempts = NotificatieResponse.objects
    return JsonResponse(
        {
            "component": settings.STANDIN,
            "kept": Zaak.objects.count() + Partij.objects.count() + Object.objects.count(),
            "sent": Publication.objects.filter(outcome="sent").count(),
            "failed": Publication.objects.filter(outcome="failed").count(),
            "accepted": Notificatie.objects.count(),
            "due": ScheduledNotification.objects.count(),
            "delivered": attempts.filter(exception="").count(),
            "undelivered": attempts.exclude(exception="").count(),
            "received": Reception.objects.count(),
        }
    )


def _router(slash: str = "", **views: Any) -> list[Any]:
    made = SimpleRouter(trailing_slash=False)
    for name, view in views.items():
        basename = getattr(getattr(view, "serializer_class", None), "Meta", None)
        made.register(name, view, basename=basename.model._meta.model_name if basename else name)
    return made.urls


def _component() -> list[Any]:
    """The APIs, at the paths of the original."""
    callbacks = include("vng_api_common.notifications.api.urls")
    match settings.STANDIN:
        case "openzaak":
            from . import zaken as own

            return [
                path("zaken/api/v1/", include([*_router(zaken=own.ZaakViewSet), path("", callbacks)])),
                path("autorisaties/api/v1/", include(_router(applicaties=own.ApplicatieViewSet))),
                path("documenten/api/v1/", include(_router(enkelvoudiginformatieobjecten=own.Empty))),
                path("catalogi/api/v1/", include(_router(zaaktypen=own.Empty))),
                path("besluiten/api/v1/", include(_router(besluiten=own.Empty))),
            ]
        case "nrc":
            from . import notificaties as own

            api = _router(kanaal=own.KanaalViewSet, abonnement=own.AbonnementViewSet)
            return [
                path(
                    "api/v1/", include([path("notificaties", own.NotificatieView.as_view()), *api, path("", callbacks)])
                )
            ]
        case "openklant":
            from . import klant as own

            return [
                path("klantinteracties/api/v1/", include(_router(partijen=own.PartijViewSet))),
                path("contactgegevens/api/v1/", include(_router(personen=own.Empty, organisaties=own.Empty))),
            ]
        case "objects":
            from . import objecten as own

            return [path("api/v2/", include(_router(objects=own.ObjectViewSet, objecttypes=own.ObjectTypeViewSet)))]
        case _:
            from .formulieren import services

            return [path("standin/services", services)]


urlpatterns = [
    path("admin/login/failure/", AdminLoginFailure.as_view(), name="admin-oidc-error"),
    path("admin/", admin.site.urls),
    path(PLAY.oidc, include("mozilla_django_oidc.urls")),
    # Answers that refuse name a page of these.
    path("ref/", include("vng_api_common.urls")),
    path("standin/counts", counts),
    *([path("", include("maykin_common.health_checks.urls"))] if PLAY.maykin and find_spec("maykin_common") else []),
    *_component(),
    path("", home, name="home"),
]
