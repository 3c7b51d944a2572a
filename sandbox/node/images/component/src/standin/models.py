"""Stand-ins for models of the applications: the fields that their set-up steps write, and enough to pass things on.

Limits are those of the applications. Names of channels and what they filter on: open-zaak/open-zaak 1.30.0
(components/zaken/api/kanalen.py), maykinmedia/open-klant 2.18.0 (components/klantinteracties/kanalen.py),
maykinmedia/objects-api 4.0.0 (api/kanalen.py).
"""

import re
import uuid

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


def no_whitespace(value: str) -> None:
    """As Open Klant and Open Object check their tokens."""
    if re.search(r"\s", value):
        raise ValidationError("whitespace")


class TokenAuth(models.Model):
    """Open Klant `components.token.models.TokenAuth`, Open Object `token.models.TokenAuth`."""

    identifier = models.SlugField(unique=True)
    token = models.CharField(max_length=40, unique=True, validators=[no_whitespace])
    contact_person = models.CharField(max_length=200)
    email = models.EmailField()
    organization = models.CharField(max_length=200, blank=True)
    application = models.CharField(max_length=200, blank=True)
    administration = models.CharField(max_length=200, blank=True)
    is_superuser = models.BooleanField(default=False)


class ObjectType(models.Model):
    """Open Object `core.models.ObjectType`."""

    uuid = models.UUIDField(unique=True)
    name = models.CharField(max_length=100)


class Permission(models.Model):
    """Open Object `token.models.Permission`."""

    token_auth = models.ForeignKey(TokenAuth, on_delete=models.CASCADE)
    object_type = models.ForeignKey(ObjectType, on_delete=models.CASCADE)
    mode = models.CharField(max_length=20, choices=[("read_only", "r"), ("read_and_write", "rw")])


class Object(models.Model):
    """Open Object `core.models.Object` with its one record."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    object_type = models.ForeignKey(ObjectType, on_delete=models.CASCADE)
    record = models.JSONField(default=dict)


class Partij(models.Model):
    """Open Klant `klantinteracties.models.Partij`."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    nummer = models.CharField(max_length=10, blank=True)
    interne_notitie = models.TextField(max_length=1000, blank=True)
    soort_partij = models.CharField(max_length=14)


class Zaak(models.Model):
    """Open Zaak `zaken.models.Zaak`."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    bronorganisatie = models.CharField(max_length=9)
    zaaktype = models.URLField(max_length=1000)
    vertrouwelijkheidaanduiding = models.CharField(max_length=20, default="openbaar")
    omschrijving = models.CharField(max_length=80, blank=True)


class Kanaal(models.Model):
    """Open Notificaties `datamodel.models.Kanaal`."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    naam = models.CharField(max_length=50, unique=True)
    documentatie_link = models.URLField(blank=True)
    filters = models.JSONField(default=list)

    def allows(self, names: set[str]) -> bool:
        """Do these names fit what the channel filters on (`match_filter_names`)?"""
        return set(self.filters) <= names or set(self.filters) >= names


class Abonnement(models.Model):
    """Open Notificaties `datamodel.models.Abonnement`."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    callback_url = models.URLField(unique=True)
    auth = models.CharField(max_length=1000, blank=True)
    auth_type = models.CharField(max_length=30, default="api_key")
    client_id = models.CharField(max_length=100, blank=True)
    secret = models.CharField(max_length=255, blank=True)
    kanalen = models.ManyToManyField(Kanaal, through="Filter")


class Filter(models.Model):
    """Open Notificaties `datamodel.models.FilterGroup`: a subscription's channel, with the values that it wants."""

    abonnement = models.ForeignKey(Abonnement, on_delete=models.CASCADE)
    kanaal = models.ForeignKey(Kanaal, on_delete=models.CASCADE)
    filters = models.JSONField(default=dict)


class Notificatie(models.Model):
    """Open Notificaties `datamodel.models.Notificatie`: one that a publisher sent; every one is kept here."""

    kanaal = models.ForeignKey(Kanaal, on_delete=models.CASCADE)
    forwarded_msg = models.JSONField(encoder=DjangoJSONEncoder)


class ScheduledNotification(models.Model):
    """Open Notificaties `datamodel.models.ScheduledNotification`: a delivery that is still due."""

    notificatie = models.ForeignKey(Notificatie, on_delete=models.CASCADE)
    sub = models.ForeignKey(Abonnement, on_delete=models.CASCADE)
    execute_after = models.DateTimeField()
    task_attempt = models.PositiveSmallIntegerField(default=0)
    in_progress = models.BooleanField(default=False)


class NotificatieResponse(models.Model):
    """Open Notificaties `datamodel.models.NotificatieResponse`: one attempt to deliver."""

    notificatie = models.ForeignKey(Notificatie, on_delete=models.CASCADE)
    abonnement = models.ForeignKey(Abonnement, on_delete=models.CASCADE)
    response_status = models.IntegerField(null=True)
    exception = models.CharField(max_length=1000, blank=True)


class Publication(models.Model):
    """The stand-in's own: a notification that the worker published (`sent`) or gave up (`failed`)."""

    outcome = models.CharField(max_length=6)


class Reception(models.Model):
    """The stand-in's own: a notification that was delivered here."""

    message = models.JSONField(encoder=DjangoJSONEncoder)
