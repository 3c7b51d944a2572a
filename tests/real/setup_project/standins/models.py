"""Stand-ins for models of the applications: only the fields that their set-up steps write, with the same limits."""

import re

from django.core.exceptions import ValidationError
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


class Kanaal(models.Model):
    """Open Notificaties `datamodel.models.Kanaal`."""

    naam = models.CharField(max_length=50, unique=True)
    documentatie_link = models.URLField(blank=True)
    filters = models.JSONField(default=list)


class Abonnement(models.Model):
    """Open Notificaties `datamodel.models.Abonnement`."""

    uuid = models.UUIDField(unique=True)
    callback_url = models.URLField(unique=True)
    auth_type = models.CharField(max_length=30)
    client_id = models.CharField(max_length=100)
    secret = models.CharField(max_length=255)
    kanalen = models.ManyToManyField(Kanaal)
