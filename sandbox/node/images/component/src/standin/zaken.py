"""Open Zaak: cases that are kept and published, authorisations that are told, and other collections that are empty."""

from typing import Any

from django.db.models import Q
from notifications_api_common.kanalen import Kanaal
from notifications_api_common.viewsets import NotificationCreateMixin
from rest_framework import mixins, serializers, viewsets
from rest_framework.response import Response
from vng_api_common.authorizations.models import Applicatie
from vng_api_common.geo import GeoMixin
from vng_api_common.scopes import Scope

from .models import Zaak

READ, CREATE = Scope("zaken.lezen"), Scope("zaken.aanmaken")
AUTHORISATIONS = Scope("autorisaties.lezen")


class ZakenKanaal(Kanaal):
    """The channel, with an attribute of the case type, which is not a field of the case."""

    def __init__(self) -> None:
        super().__init__(
            "zaken", main_resource=Zaak, kenmerken=("bronorganisatie", "zaaktype", "vertrouwelijkheidaanduiding")
        )

    def get_kenmerken(self, obj: Any, data: Any = None, request: Any = None) -> dict[str, Any]:
        # There is no catalogue here, so the type of the case stands in for it as well.
        return {**super().get_kenmerken(obj, data, request), "zaaktype.catalogus": obj.zaaktype}


CHANNEL = ZakenKanaal()


class ZaakSerializer(serializers.HyperlinkedModelSerializer):
    """A case."""

    class Meta:
        model = Zaak
        fields = ("url", "uuid", "bronorganisatie", "zaaktype", "vertrouwelijkheidaanduiding", "omschrijving")
        extra_kwargs = {"url": {"lookup_field": "uuid"}}


class ZaakViewSet(
    GeoMixin,
    NotificationCreateMixin,
    mixins.CreateModelMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet,
):
    """Cases, with the headers about coordinates that the standard asks for."""

    queryset = Zaak.objects.order_by("pk")
    serializer_class = ZaakSerializer
    lookup_field = "uuid"
    required_scopes = {"list": READ, "retrieve": READ, "create": CREATE}
    notifications_kanaal = CHANNEL


class ApplicatieSerializer(serializers.HyperlinkedModelSerializer):
    """An application, without rights per catalogue."""

    autorisaties = serializers.SerializerMethodField()

    class Meta:
        model = Applicatie
        fields = ("url", "client_ids", "label", "heeft_alle_autorisaties", "autorisaties")
        extra_kwargs = {"url": {"lookup_field": "uuid"}}

    def get_autorisaties(self, _: Applicatie) -> list[Any]:
        """The set-up step knows all rights or none."""
        return []


class ApplicatieViewSet(viewsets.ReadOnlyModelViewSet):
    """Applications; as in the original, one without any right is not told of (autorisaties/api/viewsets.py)."""

    serializer_class = ApplicatieSerializer
    lookup_field = "uuid"
    required_scopes = {"list": AUTHORISATIONS, "retrieve": AUTHORISATIONS}

    def get_queryset(self) -> Any:
        wanted = self.request.GET.get("clientIds")
        found = Applicatie.objects.filter(heeft_alle_autorisaties=True).order_by("-pk")
        return found.filter(Q(client_ids__overlap=wanted.split(","))) if wanted else found


class Empty(viewsets.ViewSet):
    """A collection that has nothing, for who may read it."""

    required_scopes = {"list": READ}

    def list(self, _: Any) -> Response:
        """No results."""
        return Response({"count": 0, "next": None, "previous": None, "results": []})
