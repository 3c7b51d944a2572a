"""Open Klant: parties that are kept and published (Klantinteracties API), and contact data that is empty."""

from typing import Any

from notifications_api_common.kanalen import Kanaal
from notifications_api_common.viewsets import NotificationCreateMixin
from rest_framework import mixins, serializers, viewsets
from rest_framework.response import Response

from .models import Partij

CHANNEL = Kanaal("partijen", main_resource=Partij, kenmerken=("nummer", "interne_notitie", "soort_partij"))


class PartijSerializer(serializers.HyperlinkedModelSerializer):
    """A party, with the names that the API has."""

    interneNotitie = serializers.CharField(source="interne_notitie", required=False, allow_blank=True)  # noqa: N815
    soortPartij = serializers.CharField(source="soort_partij")  # noqa: N815

    class Meta:
        model = Partij
        fields = ("url", "uuid", "nummer", "interneNotitie", "soortPartij")
        extra_kwargs = {"url": {"lookup_field": "uuid"}}


class PartijViewSet(NotificationCreateMixin, mixins.CreateModelMixin, viewsets.ReadOnlyModelViewSet):
    """Parties."""

    queryset = Partij.objects.order_by("pk")
    serializer_class = PartijSerializer
    lookup_field = "uuid"
    notifications_kanaal = CHANNEL


class Empty(viewsets.ViewSet):
    """A collection that has nothing."""

    def list(self, _: Any) -> Response:
        """No results."""
        return Response({"count": 0, "next": None, "previous": None, "results": []})
