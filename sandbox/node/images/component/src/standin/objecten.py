"""Open Object: objects that are kept and published, by the rights of a token (token/permissions.py of 4.0.0)."""

from typing import Any
from uuid import UUID

from notifications_api_common.kanalen import Kanaal
from notifications_api_common.viewsets import NotificationCreateMixin
from rest_framework import mixins, serializers, viewsets
from rest_framework.exceptions import PermissionDenied

from .models import Object, ObjectType, Permission


class ObjectKanaal(Kanaal):
    """The channel; what it filters on is the address of the type."""

    def __init__(self) -> None:
        super().__init__("objecten", main_resource=Object, kenmerken=("object_type",))

    def get_kenmerken(self, obj: Any, data: Any = None, request: Any = None) -> dict[str, Any]:
        return {"object_type": (data or {})["type"]}


CHANNEL = ObjectKanaal()


class ObjectTypeSerializer(serializers.HyperlinkedModelSerializer):
    """A type of object."""

    class Meta:
        model = ObjectType
        fields = ("url", "uuid", "name")
        extra_kwargs = {"url": {"lookup_field": "uuid"}}


class ObjectTypeViewSet(viewsets.ReadOnlyModelViewSet):
    """Types of objects: every token sees all."""

    queryset = ObjectType.objects.order_by("-pk")
    serializer_class = ObjectTypeSerializer
    lookup_field = "uuid"


class TypeField(serializers.HyperlinkedRelatedField):
    """The address of a type; only the UUID at its end counts."""

    def to_internal_value(self, data: Any) -> ObjectType:
        try:
            return ObjectType.objects.get(uuid=UUID(str(data).rstrip("/").rsplit("/", 1)[-1]))
        except (ValueError, ObjectType.DoesNotExist):
            raise serializers.ValidationError("no such type") from None


class ObjectSerializer(serializers.HyperlinkedModelSerializer):
    """An object."""

    type = TypeField(
        source="object_type", view_name="objecttype-detail", lookup_field="uuid", queryset=ObjectType.objects.all()
    )

    class Meta:
        model = Object
        fields = ("url", "uuid", "type", "record")
        extra_kwargs = {"url": {"lookup_field": "uuid"}}


class ObjectViewSet(NotificationCreateMixin, mixins.CreateModelMixin, viewsets.ReadOnlyModelViewSet):
    """Objects of the types that the token has rights on."""

    serializer_class = ObjectSerializer
    lookup_field = "uuid"
    queryset = Object.objects.order_by("pk")
    notifications_kanaal = CHANNEL

    def get_queryset(self) -> Any:
        token = getattr(self.request, "auth", None)
        if token is None or token.is_superuser:
            return super().get_queryset()
        return super().get_queryset().filter(object_type__permission__token_auth=token)

    def perform_create(self, serializer: Any) -> None:
        token, wanted = self.request.auth, serializer.validated_data["object_type"]
        allowed = Permission.objects.filter(token_auth=token, object_type=wanted, mode="read_and_write").exists()
        if not (allowed or token.is_superuser):
            raise PermissionDenied
        serializer.save()
