"""Open Notificaties: channels, subscriptions, and notifications that become deliveries (src/nrc/api/, a3853ab)."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from djangorestframework_camel_case.util import camelize
from notifications_api_common.api.serializers import NotificatieSerializer
from rest_framework import mixins, serializers, viewsets
from rest_framework.response import Response
from rest_framework.views import APIView
from vng_api_common.scopes import Scope

from .models import Abonnement, Filter, Kanaal, Notificatie, ScheduledNotification

CONSUME, PUBLISH = Scope("notificaties.consumeren"), Scope("notificaties.publiceren")


class KanaalSerializer(serializers.HyperlinkedModelSerializer):
    """A channel."""

    class Meta:
        model = Kanaal
        fields = ("url", "naam", "documentatie_link", "filters")
        extra_kwargs = {"url": {"lookup_field": "uuid"}}


class KanaalViewSet(mixins.CreateModelMixin, viewsets.ReadOnlyModelViewSet):
    """Channels."""

    queryset = Kanaal.objects.order_by("pk")
    serializer_class = KanaalSerializer
    lookup_field = "uuid"
    required_scopes = {"list": PUBLISH | CONSUME, "retrieve": PUBLISH | CONSUME, "create": PUBLISH}


class FilterSerializer(serializers.Serializer):
    """A channel of a subscription."""

    naam = serializers.SlugRelatedField(slug_field="naam", source="kanaal", queryset=Kanaal.objects.all())
    filters = serializers.DictField(child=serializers.CharField(max_length=1000), required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what the channel does not filter on."""
        if attrs.get("filters") and not attrs["kanaal"].allows(set(attrs["filters"])):
            raise serializers.ValidationError({"filters": "inconsistent-abonnement-filters"})
        return attrs


class AbonnementSerializer(serializers.HyperlinkedModelSerializer):
    """A subscription. The original also calls the address and wants it to refuse callers without `auth`."""

    kanalen = FilterSerializer(source="filter_set", many=True)

    class Meta:
        model = Abonnement
        fields = ("url", "callback_url", "auth", "kanalen")
        extra_kwargs = {"url": {"lookup_field": "uuid"}, "auth": {"write_only": True, "required": True}}

    @transaction.atomic
    def create(self, validated_data: dict[str, Any]) -> Abonnement:
        filters = validated_data.pop("filter_set")
        made = Abonnement.objects.create(**validated_data)
        Filter.objects.bulk_create(Filter(abonnement=made, **item) for item in filters)
        return made


class AbonnementViewSet(mixins.CreateModelMixin, mixins.DestroyModelMixin, viewsets.ReadOnlyModelViewSet):
    """Subscriptions."""

    queryset = Abonnement.objects.order_by("pk")
    serializer_class = AbonnementSerializer
    lookup_field = "uuid"
    required_scopes = {
        "list": CONSUME | PUBLISH,
        "retrieve": CONSUME | PUBLISH,
        "create": CONSUME,
        "destroy": CONSUME,
    }


class MessageSerializer(NotificatieSerializer):
    """A notification: its channel must exist and its attributes must fit."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse other channels and attributes."""
        kanaal = Kanaal.objects.filter(naam=attrs["kanaal"]).first()
        if kanaal is None:
            raise serializers.ValidationError({"kanaal": "Kanaal met deze naam bestaat niet."}, code="message_kanaal")
        if not kanaal.allows(set(attrs.get("kenmerken", {}))):
            raise serializers.ValidationError(
                {"kenmerken": "Kenmerken aren't consistent with kanaal filters"}, code="kenmerken_inconsistent"
            )
        return attrs


class NotificatieView(APIView):
    """Takes a notification and schedules its deliveries; beat starts them."""

    action = "create"
    required_scopes = {"create": PUBLISH}

    @transaction.atomic
    def post(self, request: Any) -> Response:
        """The notification, as it will be passed on."""
        serializer = MessageSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        message = camelize(serializer.data)
        kanaal = Kanaal.objects.get(naam=message["kanaal"])
        kept = Notificatie.objects.create(kanaal=kanaal, forwarded_msg=message)
        kenmerken = serializer.data.get("kenmerken") or {}
        subscribers = {
            item.abonnement
            for item in Filter.objects.filter(kanaal=kanaal).select_related("abonnement")
            if all(value == "*" or kenmerken.get(key) == value for key, value in item.filters.items())
        }
        ScheduledNotification.objects.bulk_create(
            ScheduledNotification(notificatie=kept, sub=sub, execute_after=timezone.now()) for sub in subscribers
        )
        return Response(message, status=201)
